"""Stage 1 in the harness: every encoder is pretrained, resumed, and gives features to the second stage."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.models.encoders.vision_folder import load_vit
from ecgbyte.training.features import extract_features
from experiments.steps.encoders import (
    STAGE_ONE,
    EncoderSettings,
    encoder_view,
    features_of,
    load_encoder,
    open_features,
    pretrain_encoder,
)
from experiments.steps.segments import Segments

SETTINGS = EncoderSettings(epochs=1, batch_size=16)
REPORTS = ("sinus rhythm", "atrial fibrillation", "left bundle branch block", "normal ecg", "av block")


def make_data() -> tuple[Segments, list[RecordEntry], list[RecordEntry]]:
    rng = np.random.default_rng(0)
    entries = [RecordEntry(f"r{i}", f"p{i}", 1, (), (), REPORTS[i % 5] if i != 3 else "") for i in range(40)]
    signals = (0.3 * rng.standard_normal((42, 2, 12, 100))).astype(np.float32)
    return Segments(signals, {entry.record_id: row for row, entry in enumerate(entries)}), entries[:28], entries[28:]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict]]:
    segments, training, validation = make_data()
    done = {}
    for encoder in ("merl", "vit", "clip"):
        folder = tmp_path_factory.mktemp(encoder)
        done[encoder] = folder, pretrain_encoder(folder, encoder, segments, training, validation, SETTINGS, 5)
    return done


def folders_of(pretrained: dict[str, tuple[Path, dict]], encoder: str) -> list[Path]:
    return [pretrained[part][0] for part in STAGE_ONE[encoder]]


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


@pytest.mark.parametrize("encoder", STAGE_ONE)
@pytest.mark.parametrize("as_published", [False, True])
def test_features_of_every_segment_and_of_other_signals(
    encoder: str, as_published: bool, pretrained: dict[str, tuple[Path, dict]], tmp_path: Path
) -> None:
    segments, _, _ = make_data()
    folders = folders_of(pretrained, encoder)
    details = encoder_view(tmp_path, folders, encoder, segments, as_published=as_published, seed=1)
    view = open_features(tmp_path, segments)
    assert len(view.values) == 80
    assert details["feature_size"] == len(view.flat_line) == len(view.values["r7", 1])
    again = features_of(folders, encoder, segments.signals[7], as_published=as_published, seed=1)
    np.testing.assert_allclose(again[1], view.values["r7", 1], atol=1e-5)
    assert (again.dtype, np.isfinite(view.flat_line).all()) == (np.float32, True)
    assert not np.allclose(again[0], again[1])
    corrected = features_of(folders, encoder, segments.signals[7], as_published=False, seed=1)
    other_seed = features_of(folders, encoder, segments.signals[7], as_published=as_published, seed=2)
    fault = as_published and encoder in ("vit", "clip-vit")
    assert np.allclose(again, corrected, atol=1e-5) != fault
    assert np.allclose(again, other_seed, atol=1e-5) != fault


def test_clip_vit_takes_the_encoders_of_clip_and_vit(pretrained: dict[str, tuple[Path, dict]]) -> None:
    signals = make_data()[0].signals[:3, 0]
    both = features_of(folders_of(pretrained, "clip-vit"), "clip-vit", signals, as_published=False, seed=0)
    parts = [features_of(pretrained[name][0], name, signals, as_published=False, seed=0) for name in ("clip", "vit")]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1), atol=1e-5)
    with pytest.raises(ValueError, match="pretrained: expected a folder for each of clip, vit, got 1"):
        load_encoder(pretrained["clip"][0], "clip-vit", as_published=False, seed=0)
    with pytest.raises(ValueError, match="encoder: got 'clip-vit', expected one of 'merl', 'vit', 'clip'"):
        segments, training, validation = make_data()
        pretrain_encoder(Path(), "clip-vit", segments, training, validation, SETTINGS, 0)


def test_a_finished_stage_is_found_again_and_the_seed_counts(
    pretrained: dict[str, tuple[Path, dict]], tmp_path: Path
) -> None:
    segments, training, validation = make_data()
    folder, details = pretrained["vit"]
    assert pretrain_encoder(folder, "vit", segments, training, validation, SETTINGS, 5) == details
    fresh, other = tmp_path / "fresh", tmp_path / "other"
    for place, seed in ((fresh, 5), (other, 6)):
        place.mkdir()
        pretrain_encoder(place, "vit", segments, training, validation, SETTINGS, seed)
    signals = segments.signals[:2, 0]
    features = [extract_features(load_vit(place / "vit").encoder(), signals) for place in (folder, fresh, other)]
    assert np.array_equal(features[0], features[1])
    assert not np.allclose(features[0], features[2])


def test_as_published_settings_reach_the_models(tmp_path: Path) -> None:
    segments, training, validation = make_data()
    settings = dataclasses.replace(SETTINGS, normalisation="record", identical_reports="as-published")
    pretrain_encoder(tmp_path, "clip", segments, training, validation, settings, 0)
    text = (tmp_path / "clip" / "clip.json").read_text()
    assert '"normalisation": "record"' in text and '"identical_reports": "as-published"' in text
    signals = segments.signals[:2, 0]
    once, twice = (features_of(tmp_path, "clip", gain * signals, as_published=False, seed=0) for gain in (1, 2))
    np.testing.assert_allclose(once, twice, atol=1e-3)
