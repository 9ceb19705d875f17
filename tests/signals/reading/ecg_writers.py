"""Small writers of ECG files, after the formats' own documents, for tests only: whole microvolts of named leads."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecgbyte.signals.leads import LEADS

# Microvolts by lead, int16 [samples] each.
Counts = dict[str, np.ndarray]
# The same in SCP-ECG, MFER and the nomenclature of IEEE 11073.
CODES = {"I": 1, "II": 2, **{f"V{k}": k + 2 for k in range(1, 7)}, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}


def write_scp(path: Path, counts: Counts, rate: int) -> None:
    """SCP-ECG (EN 1064) with sections 0, 1, 3 and 6; no Huffman code, no differences."""
    samples = len(next(iter(counts.values())))
    definition = bytes([len(counts), 0x04 | len(counts) % 32 << 3])
    for name in counts:
        definition += struct.pack("<IIB", 1, samples, CODES[name])
    rhythm = struct.pack("<HHBB", 1000, round(1e6 / rate), 0, 0)  # 1000 nV a step
    rhythm += b"".join(struct.pack("<H", 2 * samples) for _ in counts)
    rhythm += b"".join(values.astype("<i2").tobytes() for values in counts.values())
    patient = b"\x02\x04\x00id1\x00\xff\x00\x00"
    bodies = {1: patient, 3: definition, 6: rhythm}

    def section(number: int, body: bytes) -> bytes:
        body += b"\0" * (len(body) % 2)
        rest = struct.pack("<HIBB", number, len(body) + 16, 20, 20) + b"\0" * 6 + body
        return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest

    sections = {number: section(number, body) for number, body in bodies.items()}
    length = 16 + 10 * 12
    places = {0: (length, 7)}
    at = 7 + length
    for number, content in sections.items():
        places[number] = (len(content), at)
        at += len(content)
    pointers = b"".join(struct.pack("<HII", number, *places.get(number, (0, 0))) for number in range(12))
    rest = struct.pack("<HIBB", 0, length, 20, 20) + b"SCPECG" + pointers
    zero = struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest
    content = zero + b"".join(sections.values())
    whole = struct.pack("<I", len(content) + 6) + content
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(whole, 0xFFFF)) + whole)


def write_aecg(path: Path, counts: Counts, rate: int) -> None:
    """HL7 annotated ECG: a rhythm series of one sequence set."""
    parts = [
        '<component><sequence><code code="TIME_ABSOLUTE"/><value><head value="20200101000000"/>'
        f'<increment value="{1 / rate!r}" unit="s"/></value></sequence></component>'
    ]
    for name, values in counts.items():
        digits = " ".join(map(str, values.tolist()))
        parts.append(
            f'<component><sequence><code code="MDC_ECG_LEAD_{name.upper()}"/><value><origin value="0" unit="uV"/>'
            f'<scale value="1" unit="uV"/><digits>{digits}</digits></value></sequence></component>'
        )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3"><id root="1.2.3"/>'
        '<component><series><code code="RHYTHM"/><component><sequenceSet>'
        + "".join(parts)
        + "</sequenceSet></component></series></component></AnnotatedECG>"
    )


def write_muse(path: Path, counts: Counts, rate: int) -> None:
    """GE MUSE XML: Base64 of 16 bits a lead."""
    leads = "".join(
        f"<LeadData><LeadByteCountTotal>{2 * len(values)}</LeadByteCountTotal><LeadAmplitudeUnitsPerBit>1"
        "</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
        f"<LeadID>{name}</LeadID><LeadSampleSize>2</LeadSampleSize><WaveFormData>"
        f"{base64.b64encode(values.astype('<i2').tobytes()).decode()}</WaveFormData></LeadData>"
        for name, values in counts.items()
    )
    path.write_text(
        '<?xml version="1.0"?><RestingECG><MuseInfo><MuseVersion>8</MuseVersion></MuseInfo><Waveform>'
        f"<WaveformType>Rhythm</WaveformType><SampleBase>{rate}</SampleBase><SampleExponent>0</SampleExponent>"
        f"{leads}</Waveform></RestingECG>"
    )


def write_philips(path: Path, counts: Counts, rate: int) -> None:
    """Philips Sierra XML 1.04 without compression."""
    samples = len(next(iter(counts.values())))
    data = base64.b64encode(np.concatenate(list(counts.values())).astype("<i2").tobytes()).decode()
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><restingecgdata><documentinfo><documenttype>PhilipsECG</documenttype>'
        "<documentversion>1.04</documentversion></documentinfo><waveforms>"
        f'<parsedwaveforms samplespersecond="{rate}" durationperchannel="{1000 * samples / rate:g}" resolution="1" '
        f'dataencoding="Base64" numberofleads="{len(counts)}" leadlabels="{" ".join(counts)}">{data}'
        "</parsedwaveforms></waveforms></restingecgdata>"
    )


def write_mfer(path: Path, counts: Counts, rate: int) -> None:
    """MFER (ISO 22077-1): one frame, little-endian, 1 uV a step."""
    samples = len(next(iter(counts.values())))

    def tag(code: int, value: bytes) -> bytes:
        size = len(value)
        length = bytes([size]) if size < 128 else bytes([0x84]) + struct.pack(">I", size)
        return bytes([code]) + length + value

    content = tag(0x40, b"MFR " + b"\0" * 28) + tag(0x01, b"\x01")
    content += tag(0x0B, b"\x00\x00" + struct.pack("<h", rate))  # Hz times 10**0
    content += tag(0x0C, b"\x00\xfa" + struct.pack("<h", 1))  # volts times 10**-6
    content += tag(0x0A, b"\x00") + tag(0x04, struct.pack("<I", samples)) + tag(0x05, bytes([len(counts)]))
    content += tag(0x06, b"\x01")
    for channel, name in enumerate(counts):
        attribute = tag(0x09, struct.pack("<H", CODES[name]))
        content += bytes([0x3F, channel, len(attribute)]) + attribute
    content += tag(0x1E, np.concatenate(list(counts.values())).astype("<i2").tobytes()) + b"\x80"
    path.write_bytes(content)


def write_edf(path: Path, counts: Counts, rate: int) -> None:
    """EDF by pyedflib, one second a data record, 1 uV a step."""
    import pyedflib

    writer = pyedflib.EdfWriter(str(path), len(counts), file_type=pyedflib.FILETYPE_EDF)
    limits = {"physical_min": -32768, "physical_max": 32767, "digital_min": -32768, "digital_max": 32767}
    writer.setSignalHeaders(
        [{"label": f"ECG {name}", "dimension": "uV", "sample_frequency": rate, **limits} for name in counts]
    )
    writer.writeSamples([np.ascontiguousarray(values.astype(np.int32)) for values in counts.values()], digital=True)
    writer.close()


def write_dicom(path: Path, counts: Counts, rate: int) -> None:
    """A DICOM 12-lead ECG by pydicom, 1 uV a step."""
    import pydicom
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["ecgbyte"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality = "ECG"
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = len(counts)
    group.NumberOfWaveformSamples = len(next(iter(counts.values())))
    group.SamplingFrequency = str(rate)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"

    def code(value: str, scheme: str, meaning: str) -> pydicom.Sequence:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return pydicom.Sequence([item])

    channels = []
    for number, name in enumerate(counts, start=1):
        channel = Dataset()
        channel.WaveformChannelNumber, channel.ChannelLabel = number, name
        channel.ChannelSourceSequence = code(f"2:{CODES[name]}", "MDC", f"Lead {name}")
        channel.ChannelSensitivity = "1"
        channel.ChannelSensitivityUnitsSequence = code("uV", "UCUM", "microvolt")
        channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = "1", "0"
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group.ChannelDefinitionSequence = pydicom.Sequence(channels)
    group.add_new(0x54001010, "OW", np.stack(list(counts.values()), axis=1).astype("<i2").tobytes())
    dataset.WaveformSequence = pydicom.Sequence([group])
    dataset.save_as(str(path), enforce_file_format=True)


CLINICAL: dict[str, tuple[str, Callable[[Path, Counts, int], None]]] = {
    "scp-ecg": (".scp", write_scp),
    "hl7-aecg": (".xml", write_aecg),
    "dicom": (".dcm", write_dicom),
    "muse-xml": (".xml", write_muse),
    "philips-xml": (".xml", write_philips),
    "edf": (".edf", write_edf),
    "mfer": (".mwf", write_mfer),
}


def whole_microvolts(samples: int = 1000, seed: int = 0, rate: int = 500) -> Counts:
    """A made-up ECG of twelve leads whose limb leads keep their identities exactly, int16 [samples] each."""
    rng = np.random.default_rng(seed)
    times = np.arange(samples) / rate
    beat = np.exp(-((((times * 1.2) % 1 - 0.4) / 0.03) ** 2)) + 0.2 * np.exp(-((((times * 1.2) % 1 - 0.7) / 0.08) ** 2))
    waves = rng.uniform(300, 1200, (8, 1)) * beat + rng.normal(0, 15, (8, samples))
    # Multiples of 4, so that halves of sums are whole numbers.
    first, second, *chest = np.rint(waves / 4).astype(np.int64) * 4
    limb = [first, second, second - first, -(first + second) // 2, first - second // 2, second - first // 2]
    return {lead: values.astype(np.int16) for lead, values in zip(LEADS, [*limb, *chest], strict=True)}
