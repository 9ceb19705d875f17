"""Stage 1 in the harness: every encoder is pretrained, resumed, and gives features to the second stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.encoders.vision_folder import load_vit
from ecgbyte.training.features import extract_features
from experiments.profiles.encoders import ClipSettings, StageOneSettings, encoder_tables, find_encoder
from experiments.profiles.faults import FAULTS
from experiments.steps.encoders.features import extract_all, features_of, open_features
from experiments.steps.encoders.part import module_of
from experiments.steps.encoders.stage_one import pretrain_encoder
from experiments.steps.segments import Segments

NAMES = ("merl", "vit", "clip")
TWO_STAGE = (*NAMES, "clip-vit")
REPORTS = ("sinus rhythm", "atrial fibrillation", "left bundle branch block", "normal ecg", "av block")


def make_data() -> tuple[Segments, list[RecordEntry], list[RecordEntry]]:
    rng = np.random.default_rng(0)
    entries = [RecordEntry(f"r{i}", f"p{i}", 1, (), (), REPORTS[i % 5] if i != 3 else "") for i in range(40)]
    signals = (0.3 * rng.standard_normal((42, 2, 12, 100))).astype(np.float32)
    return (
        Segments(signals, {entry.record_id: row for row, entry in enumerate(entries)}, 250.0),
        entries[:28],
        entries[28:],
    )


def settings_of(name: str, **changes: object) -> StageOneSettings:
    return encoder_tables()[name](epochs=1, batch_size=16, **changes)


def pretrain(folder: Path, name: str, settings: StageOneSettings, seed: int) -> dict:
    segments, training, validation = make_data()
    return pretrain_encoder(folder, module_of(find_encoder(name)), segments, training, validation, settings, seed)


def features(folders: list[Path], name: str, signals: np.ndarray, faults: tuple[str, ...] = (), seed: int = 0):
    encoder = module_of(find_encoder(name)).load(folders, faults=faults, seed=seed)
    return features_of(encoder, signals)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict]]:
    done = {}
    for encoder in NAMES:
        folder = tmp_path_factory.mktemp(encoder)
        done[encoder] = folder, pretrain(folder, encoder, settings_of(encoder), 5)
    return done


def folders_of(pretrained: dict[str, tuple[Path, dict]], encoder: str) -> list[Path]:
    return [pretrained[part][0] for part in find_encoder(encoder).parts]


def test_reports_and_quality(pretrained: dict[str, tuple[Path, dict]]) -> None:
    for encoder, (folder, details) in pretrained.items():
        report, quality = details["report"], details["quality"]
        # Record r3 has no report, so the contrastive encoders leave it out.
        assert report["distinct_records"] <= (28 if encoder == "vit" else 27)
        assert report["steps"] == (56 if encoder == "vit" else 54) // 16
        assert report["description"] == f"{encoder} stage 1"
        assert all(isinstance(value, float) for value in quality.values())
        names = {"model", "mean", "num_ecgs"} if encoder == "vit" else {"ecg_to_report", "report_to_ecg", "k"}
        assert {f"{name}_{when}" for name in names for when in ("before", "after")} <= quality.keys()
        assert quality["num_ecgs_after"] == 24
        assert (folder / encoder / f"{encoder}.safetensors").is_file()


@pytest.mark.parametrize("encoder", TWO_STAGE)
@pytest.mark.parametrize("faults", [(), FAULTS])
def test_features_of_every_segment_and_of_other_signals(
    encoder: str, faults: tuple[str, ...], pretrained: dict[str, tuple[Path, dict]], tmp_path: Path
) -> None:
    segments, _, _ = make_data()
    folders = folders_of(pretrained, encoder)
    details = extract_all(tmp_path, module_of(find_encoder(encoder)), folders, segments, faults=faults, seed=1)
    view = open_features(tmp_path, segments)
    assert len(view.values) == 80
    assert details["feature_size"] == len(view.flat_line) == len(view.values["r7", 1])
    signals = segments.signals[7]
    again = features(folders, encoder, signals, faults, seed=1)
    np.testing.assert_allclose(again[1], view.values["r7", 1], atol=1e-5)
    assert (again.dtype, np.isfinite(view.flat_line).all()) == (np.float32, True)
    assert not np.allclose(again[0], again[1])
    corrected = features(folders, encoder, signals, seed=1)
    other_seed = features(folders, encoder, signals, faults, seed=2)
    kept = bool(faults) and encoder in ("vit", "clip-vit")
    assert np.allclose(again, corrected, atol=1e-5) != kept
    assert np.allclose(again, other_seed, atol=1e-5) != kept


def test_clip_vit_takes_the_encoders_of_clip_and_vit(pretrained: dict[str, tuple[Path, dict]]) -> None:
    signals = make_data()[0].signals[:3, 0]
    both = features(folders_of(pretrained, "clip-vit"), "clip-vit", signals)
    parts = [features([pretrained[name][0]], name, signals) for name in ("clip", "vit")]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1), atol=1e-5)


def test_a_finished_stage_is_found_again_and_the_seed_counts(
    pretrained: dict[str, tuple[Path, dict]], tmp_path: Path
) -> None:
    folder, details = pretrained["vit"]
    settings = settings_of("vit")
    assert pretrain(folder, "vit", settings, 5) == details
    fresh, other = tmp_path / "fresh", tmp_path / "other"
    for place, seed in ((fresh, 5), (other, 6)):
        place.mkdir()
        pretrain(place, "vit", settings, seed)
    signals = make_data()[0].signals[:2, 0]
    found = [extract_features(load_vit(place / "vit").encoder(), signals) for place in (folder, fresh, other)]
    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_as_published_settings_reach_the_models(tmp_path: Path) -> None:
    settings = ClipSettings(epochs=1, batch_size=16, normalisation="record", identical_reports="as-published")
    pretrain(tmp_path, "clip", settings, 0)
    text = (tmp_path / "clip" / "clip.json").read_text()
    assert '"normalisation": "record"' in text and '"identical_reports": "as-published"' in text
    signals = make_data()[0].signals[:2, 0]
    once, twice = (features([tmp_path], "clip", gain * signals) for gain in (1, 2))
    np.testing.assert_allclose(once, twice, atol=1e-3)
