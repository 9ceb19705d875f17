"""Masked image modelling: its loss by hand, learning on a toy problem, the published mask, and its file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForMaskedImageModeling

from ecgbyte.models.encoders.vision_folder import load_vit, save_vit
from ecgbyte.models.encoders.vit import MASKED_SHARE, MaskedECGModel, build_vit, build_vit_encoder, vit_configuration
from ecgbyte.training.features import extract_features
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.masked_modelling import SignalCollator, SignalExample, reconstruction_error


def level_examples(num_records: int, seed: int) -> list[SignalExample]:
    """Every lead at a level of its own in every record, all the time: any patch tells the others."""
    levels = np.random.default_rng(seed).standard_normal((num_records, 12, 1)).astype(np.float32)
    return [SignalExample(f"r{record}", np.tile(0.25 * level, 100)) for record, level in enumerate(levels)]


def signals(num_records: int, seed: int = 5) -> torch.Tensor:
    return SignalCollator()(level_examples(num_records, seed))["ecg"]


@pytest.fixture(scope="module")
def trained() -> MaskedECGModel:
    model = build_vit(seed=0, samples=100)
    settings = TrainingSettings(batch_size=16, epochs=4, learning_rate=1e-3, seed=1)
    train(model, level_examples(320, seed=0), SignalCollator(), settings, progress=False)
    return model


def test_loss_is_the_mean_absolute_error_of_hidden_patches_alone() -> None:
    model = build_vit(seed=0, samples=100).eval()
    ecg = signals(4)
    mask = torch.zeros(4, 25, dtype=torch.bool)
    mask[0, 7], mask[2, [0, 24]] = True, True
    output = model(ecg, mask)
    wrong = (model.image(ecg) - output.reconstruction).abs().flatten(2).mean(dim=1)
    assert output.loss.item() == pytest.approx(wrong[mask].mean().item(), rel=1e-4)
    # What is hidden is not read.
    other = ecg.clone()
    other[0, 2:4, 17:34] += 5.0
    hidden = model.image(other).sub(model.image(ecg)).abs().sum(dim=1).flatten(1)[0].nonzero().flatten()
    everything = torch.zeros(4, 25, dtype=torch.bool)
    everything[0, hidden] = True
    assert hidden.numel() > 0
    assert torch.equal(model(ecg, everything).reconstruction[0], model(other, everything).reconstruction[0])


def test_masks_are_drawn_anew_and_follow_the_random_state() -> None:
    model = build_vit(seed=0, samples=100)
    ecg = signals(4)
    torch.manual_seed(0)
    first, second = model(ecg).loss.item(), model(ecg).loss.item()
    torch.manual_seed(0)
    assert first != second
    assert first == model(ecg).loss.item()


def test_every_weight_gets_a_gradient() -> None:
    model = build_vit(seed=0, samples=100)
    model(signals(8)).loss.backward()
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # A bias of keys shifts all scores of a softmax alike, which changes nothing.
    assert {name for name in without if "k_proj.bias" not in name and "key.bias" not in name} == set()


def test_training_rebuilds_hidden_patches_better_than_the_mean_picture(trained: MaskedECGModel) -> None:
    held_out, training = level_examples(60, seed=99), level_examples(320, seed=0)
    after = reconstruction_error(trained, held_out, training, seed=3)
    before = reconstruction_error(build_vit(seed=0, samples=100), held_out, training, seed=3)
    assert after.mean == before.mean
    assert after.model < 0.7 * after.mean
    assert before.model > after.model
    assert after.num_ecgs == 60
    pictures = trained.image(signals(320, seed=0)).mean(dim=0)
    expected = (trained.image(signals(60, seed=99)) - pictures).abs().mean().item()
    # Three quarters of the patches were drawn, so the two agree up to chance.
    assert after.mean == pytest.approx(expected, rel=0.02)


def test_features_depend_on_the_record_alone(trained: MaskedECGModel) -> None:
    ecg = signals(6).numpy()
    for mask_seed in (None, 4):
        encoder = trained.encoder(mask_seed=mask_seed)
        features = extract_features(encoder, ecg, batch_size=6)
        assert features.shape == (6, encoder.feature_size)
        assert np.array_equal(features, extract_features(encoder, ecg, batch_size=6))
        np.testing.assert_allclose(features[::-1], extract_features(encoder, ecg[::-1].copy(), batch_size=2), atol=1e-5)


def test_as_published_a_random_mask_stays_on_the_picture(trained: MaskedECGModel) -> None:
    ecg = signals(40)
    encoder = trained.encoder(mask_seed=4)
    masks = encoder._masks(ecg)
    assert masks.float().mean().item() == pytest.approx(MASKED_SHARE, abs=0.05)
    assert len({tuple(row) for row in masks.tolist()}) > 30
    features = {seed: extract_features(trained.encoder(mask_seed=seed), ecg.numpy()) for seed in (None, 4, 5)}
    assert not np.allclose(features[4], features[None], atol=1e-3)
    assert not np.allclose(features[4], features[5], atol=1e-3)
    with pytest.raises(ValueError, match="mask_seed: expected a transformer with a mask token"):
        type(encoder)(encoder.image, build_vit_encoder(seed=0, size="tiny", leads=12, samples=100).vit, mask_seed=1)


def test_saved_and_loaded_model_gives_the_same_features(tmp_path, trained: MaskedECGModel) -> None:
    folder = tmp_path / "vit"
    save_vit(folder, trained)
    loaded = load_vit(folder)
    ecg = signals(5).numpy()
    for mask_seed in (None, 2):
        both = [extract_features(model.encoder(mask_seed=mask_seed), ecg) for model in (trained, loaded)]
        assert np.array_equal(*both)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        save_vit(folder, trained)
    settings = json.loads((folder / "vit.json").read_text())
    settings["config"]["num_hidden_layers"] = 2
    (folder / "vit.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"vit\.safetensors: does not fit vit\.json"):
        load_vit(folder)


def test_the_base_configuration_is_the_published_one() -> None:
    layout, config = vit_configuration("base", 12, 500)
    assert (layout.size, layout.num_channels, config.patch_size, config.encoder_stride) == (224, 3, 16, 16)
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (768, 12, 12)
    assert not layout.is_folded
    with torch.device("meta"):
        model = ViTForMaskedImageModeling(config)
    assert sum(value.numel() for value in model.parameters()) == pytest.approx(86.4e6, rel=0.01)


def test_pretrained_weights_come_from_a_folder(tmp_path) -> None:
    config = ViTConfig(
        image_size=32, patch_size=8, encoder_stride=8, hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    pretrained = ViTForMaskedImageModeling(config)
    pretrained.save_pretrained(tmp_path / "model")
    model = build_vit(seed=0, size=str(tmp_path / "model"), samples=100)
    assert all(torch.equal(value, model.vit.state_dict()[name]) for name, value in pretrained.state_dict().items())
    model(signals(2)).loss.backward()
    encoder = build_vit_encoder(seed=0, size=str(tmp_path / "model"), leads=12, samples=100).eval()
    torch.testing.assert_close(encoder(signals(2)), model.eval().encoder()(signals(2)))
    with pytest.raises(ValueError, match="size: got 'huge', expected 'tiny', 'base', a folder or a hub name"):
        build_vit(seed=0, size="huge")
