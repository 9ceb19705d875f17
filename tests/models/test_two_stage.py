"""The second stage: one projected vector at <signal>, trained, generating, and compared with the formula."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.models.language.ecg_tokens import ECGTokenMap, add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.two_stage import FeatureProjection, TwoStageModel, load_two_stage, save_two_stage
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_log_likelihood, generate_answers, score_yes_no
from ecgbyte.training.loop import TrainingSettings, train

ANSWERS = ["atrial fibrillation", "sinus rhythm", "left bundle branch block", "normal ecg"]
QUESTION = "what does this ecg show?"
TEXTS = [QUESTION, *ANSWERS] * 2
SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=64, text_vocabulary=500)


def build(feature_size: int = 6, **options: object) -> tuple[TwoStageModel, Collator]:
    language_model, text_tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE, seed=0)
    token_map = add_signal_token(language_model, text_tokenizer)
    collate = Collator(token_map, text_tokenizer, max_length=80, answer_room=40)
    return TwoStageModel(language_model, token_map, feature_size, **options), collate


def toy_examples(*, informative: bool = True, feature_size: int = 6) -> list[Example]:
    """Eight records of four kinds; where informative, the features tell the kind."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((4, feature_size))
    examples = []
    for record in range(8):
        centre = centres[record % 4] if informative else centres[0]
        features = (centre + 0.1 * rng.standard_normal(feature_size) * informative).astype(np.float32)
        examples.append(Example(f"s{record}", f"r{record}", f"p{record}", QUESTION, ANSWERS[record % 4], features))
    return examples


def overfit(examples: list[Example], **options: object) -> tuple[TwoStageModel, Collator, list[float]]:
    model, collate = build(training_features=np.stack([example.ecg for example in examples]), **options)
    report = train(
        model, examples, collate, TrainingSettings(batch_size=8, max_steps=160, learning_rate=1e-2), progress=False
    )
    return model, collate, report.losses


def test_the_vector_stands_at_the_signal_and_the_rest_are_token_rows() -> None:
    model, collate = build()
    examples = toy_examples()[:3]
    batch = collate(examples)
    rows = model.embed(batch)
    signal = model.token_map.signal_id
    features = torch.from_numpy(np.stack([example.ecg for example in examples]))
    for row, ids in enumerate(batch["input_ids"]):
        at = int((ids == signal).nonzero())
        around = [collate.text_tokenizer.bos_token_id, model.token_map.start_id, signal, model.token_map.end_id]
        assert ids[at - 2 : at + 2].tolist() == around
        torch.testing.assert_close(rows[row, at], model.projection(features)[row])
    others = batch["input_ids"] != signal
    torch.testing.assert_close(rows[others], model.embed_tokens(batch["input_ids"])[others])


def test_labels_mask_everything_but_answer_and_end() -> None:
    _, collate = build()
    examples = toy_examples()[:4]
    batch = collate(examples)
    for row, example in enumerate(examples):
        kept = batch["labels"][row][batch["labels"][row] != -100]
        assert collate.text_tokenizer.decode(kept[:-1]) == " " + example.answer
        assert kept[-1] == collate.text_tokenizer.eos_token_id
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


def test_text_alone_and_records_with_an_ecg_share_a_batch() -> None:
    model, collate = build()
    model.eval()
    with_ecg = toy_examples()[:2]
    without = Example("s9", "r9", "p9", QUESTION, ANSWERS[0], None)
    batch = collate([with_ecg[0], without, with_ecg[1]])
    assert batch["features"].shape == (2, 6)
    assert (batch["input_ids"] == model.token_map.signal_id).sum(dim=1).tolist() == [1, 0, 1]
    together, _ = model.label_logits(batch)
    alone = [model.label_logits(collate([example]))[0] for example in (with_ecg[0], without, with_ecg[1])]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-3)
    assert "features" not in collate([without])


@pytest.mark.parametrize("projection", ["linear", "mlp"])
@pytest.mark.parametrize("training", ["full", "lora"])
def test_gradients_reach_projection_and_language_model(projection: str, training: str) -> None:
    lora = LoraSettings(dropout=0.0) if training == "lora" else None
    model, collate = build(projection=projection, training=training, lora=lora)
    examples = toy_examples()
    if training == "lora":
        # LoRA's second factor starts at zero, and with it the gradient of the first; one step moves it.
        train(model, examples, collate, TrainingSettings(batch_size=8, max_steps=1), progress=False)
    model(**collate(examples)).loss.backward()
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    silent = [name for name, value in trained.items() if value.grad is None or not value.grad.abs().max() > 0]
    assert silent == []
    assert {name.split(".")[0] for name in trained} == {"projection", "language_model"}
    if training == "lora":
        assert all("lora_" in name for name in trained if name.startswith("language_model."))


def test_the_row_of_the_signal_token_is_never_read() -> None:
    language_model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=400,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            tie_word_embeddings=False,
        )
    )
    _, text_tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    token_map = add_signal_token(language_model, text_tokenizer)
    model = TwoStageModel(language_model, token_map, 6)
    batch = Collator(token_map, text_tokenizer, max_length=80, answer_room=40)(toy_examples())
    loss = model(**batch).loss
    loss.backward()
    gradient = language_model.get_input_embeddings().weight.grad
    assert gradient[token_map.signal_id].abs().max() == 0
    assert gradient[token_map.start_id].abs().max() > 0
    with torch.no_grad():
        language_model.get_input_embeddings().weight[token_map.signal_id] += 7
    assert model(**batch).loss.item() == loss.item()


def test_answers_that_the_features_tell_are_learnt_and_otherwise_are_not() -> None:
    model, collate, losses = overfit(toy_examples())
    examples = toy_examples()
    logits, targets = model.label_logits(collate(examples))
    assert (logits.argmax(dim=1) == targets).all()
    assert losses[-1] < 0.05 < 2 < losses[0]
    # The first token of the answer decides among four: without the ECG no loss below log(4) a sample is possible.
    _, collate, blind = overfit(toy_examples(informative=False))
    labels = int((collate(examples)["labels"] != -100).sum())
    floor = 8 * np.log(4) / labels
    assert blind[-1] > 0.95 * floor > 2 * losses[-1]


def test_another_records_features_change_the_answer() -> None:
    model, collate, _ = overfit(toy_examples())
    examples = toy_examples()
    others = [
        Example(e.sample_id, e.record_id, e.patient_id, e.question, e.answer, o.ecg)
        for e, o in zip(examples, examples[1:] + examples[:1], strict=True)
    ]
    assert model(**collate(others)).loss > 5 * model(**collate(examples)).loss + 0.5


def test_shared_generation_and_scores_read_the_features() -> None:
    model, collate, _ = overfit(toy_examples())
    examples = toy_examples()
    answers = generate_answers(model, examples, collate, max_new_tokens=20, batch_size=3, progress=False)
    assert [answer.answer for answer in answers] == ANSWERS * 2
    scores = score_yes_no(model, examples, collate, yes="atrial", no="normal", progress=False)
    assert scores[0] > 0.9 and scores[3] < 0.1
    likelihoods = answer_log_likelihood(model, examples, collate, batch_size=3, progress=False)
    assert (likelihoods > np.log(0.5)).all()


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_a_projected_vector_has_the_norm_of_a_text_row(kind: str) -> None:
    rng = np.random.default_rng(0)
    features = (100 + rng.standard_normal((500, 64)) * rng.uniform(0.01, 50, 64)).astype(np.float32)
    projection = FeatureProjection(64, 256, kind=kind, row_deviation=0.02, seed=0)
    projection.fit_scale(features)
    norms = projection(torch.from_numpy(features)).norm(dim=1)
    assert norms.mean().item() == pytest.approx(0.02 * 256**0.5, rel=0.15)


def test_a_feature_that_never_varies_stays_quiet() -> None:
    projection = FeatureProjection(2, 4, kind="linear", row_deviation=1.0, seed=0)
    projection.fit_scale(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    assert projection.feature_mean.tolist() == [2.0, 5.0]
    assert projection.feature_deviation.tolist() == [1.0, 1.0]


def test_same_seed_same_model_whatever_the_global_random_state() -> None:
    torch.manual_seed(1)
    first = build(seed=3)[0].state_dict()
    torch.manual_seed(2)
    second, other = build(seed=3)[0].state_dict(), build(seed=4)[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["projection.layers.0.weight"], other["projection.layers.0.weight"])
    losses = [overfit(toy_examples())[2] for _ in range(2)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("training", ["full", "lora"])
def test_saved_and_loaded_model_gives_the_same_logits(tmp_path, training: str) -> None:
    model, collate = build(training=training, training_features=np.stack([e.ecg for e in toy_examples()]))
    train(model, toy_examples(), collate, TrainingSettings(batch_size=8, max_steps=3), progress=False)
    save_two_stage(tmp_path / "model", model, collate.text_tokenizer)
    loaded, text_tokenizer = load_two_stage(tmp_path / "model")
    collate_again = Collator(loaded.token_map, text_tokenizer, max_length=80, answer_room=40)
    logits, _ = model.label_logits(collate(toy_examples()))
    again, _ = loaded.label_logits(collate_again(toy_examples()))
    torch.testing.assert_close(logits, again, atol=1e-5, rtol=1e-4)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        save_two_stage(tmp_path / "model", model, collate.text_tokenizer)
    settings_file = tmp_path / "model" / "two_stage.json"
    settings = json.loads(settings_file.read_text())
    settings_file.write_text(json.dumps({**settings, "feature_size": 7}))
    with pytest.raises(ValueError, match=r"projection\.safetensors: 3 of its tensors do not fit two_stage\.json"):
        load_two_stage(tmp_path / "model")
    settings_file.write_text(json.dumps({**settings, "format_version": 2}))
    with pytest.raises(ValueError, match="expected format_version 1"):
        load_two_stage(tmp_path / "model")


def test_wrong_inputs_are_named() -> None:
    model, collate = build()
    with pytest.raises(ValueError, match=r"features: expected shape \[records, 6\], got \[8, 5\]"):
        model(**collate(toy_examples(feature_size=5)))
    batch = collate(toy_examples())
    with pytest.raises(ValueError, match="one vector for each of 8 <signal>, got 0"):
        model(**{name: value for name, value in batch.items() if name != "features"})
    with pytest.raises(ValueError, match="one vector for each of 8 <signal>, got 7"):
        model(**{**batch, "features": batch["features"][:7]})
    with pytest.raises(ValueError, match=r"training_features: expected \[records, 6\], got \[8, 5\]"):
        build(training_features=np.zeros((8, 5), np.float32))
    with pytest.raises(ValueError, match="projection: got 'deep', expected one of 'linear', 'mlp'"):
        build(projection="deep")
    with pytest.raises(ValueError, match="training: got 'half'"):
        build(training="half")
    language_model, _ = load_language_model("tiny", texts=TEXTS, size=SIZE)
    with pytest.raises(ValueError, match="expected the token <signal>, it has none"):
        TwoStageModel(language_model, ECGTokenMap(np.empty(0, np.int64), 1, 2), 6)
    with pytest.raises(ValueError, match="highest id is 9999"):
        TwoStageModel(language_model, ECGTokenMap(np.empty(0, np.int64), 1, 2, 9999), 6)
