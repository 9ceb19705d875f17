"""The joint model: signals through layers that are trained with the language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ecgbyte.bpe import Vocabulary
from ecgbyte.models.encoders.resnet1d import ECGEncoder
from ecgbyte.models.end_to_end import LoraSettings
from ecgbyte.models.joint import JointModel, build_encoder_model, build_frame_model, build_patch_model
from ecgbyte.models.joint_folder import load_joint, save_joint
from ecgbyte.models.language.ecg_tokens import ECGTokenMap, add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.linear_patches import LinearPatches
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_log_likelihood, generate_answers, score_yes_no
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.packing import PackedCollator
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples

ANSWERS = ["atrial fibrillation", "sinus rhythm", "left bundle branch block", "normal ecg"]
QUESTION = "what does this ecg show?"
TEXTS = [QUESTION, "is it normal?", *ANSWERS] * 2
SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=64, text_vocabulary=500)
LEADS, SAMPLES = 3, 64
KINDS = ["encoder", "lead", "all-leads", "frames"]
LARGEST = 20
ENCODER = {"architecture": "tiny", "num_leads": LEADS}


def build(kind: str, **options: Any) -> tuple[JointModel, Collator]:
    language_model, text_tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE, seed=0)
    token_map = add_signal_token(language_model, text_tokenizer)
    if kind == "encoder":
        torch.manual_seed(0)
        encoder = ECGEncoder(**ENCODER)
        model = build_encoder_model(language_model, token_map, encoder, encoder_settings=ENCODER, **options)
    elif kind == "frames":
        model = build_frame_model(
            language_model,
            token_map,
            num_leads=LEADS,
            num_samples=SAMPLES,
            vocabulary=Vocabulary([], alphabet_size=LARGEST),
            frame_samples=16,
            training_ecgs=options.pop("training_signals", None),
            **options,
        )
    else:
        patches: dict[str, Any] = {"num_leads": LEADS, "num_samples": SAMPLES, "layout": kind, "patch_samples": 16}
        model = build_patch_model(language_model, token_map, **patches, **options)
    collate = Collator(
        token_map, text_tokenizer, max_length=80, answer_room=30, signal_positions=model.signal_positions
    )
    return model, collate


def toy_signals(*, informative: bool = True) -> np.ndarray:
    """Eight records of four kinds, float32 [records, leads, samples]; the frequency of a wave tells the kind.

    Whole numbers from 0 to `LARGEST`: a signal, and as well the ids, plus 1, of tokens that begin at each sample.
    """
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLES) / SAMPLES
    waves = [np.sin(2 * np.pi * (3 + 4 * (record % 4 if informative else 0)) * time) for record in range(8)]
    noise = 0.05 * rng.standard_normal((8, LEADS, SAMPLES)) * informative
    levels = (0.3 * np.array(waves)[:, None] + noise + 0.5) * LARGEST
    return levels.round().clip(0, LARGEST).astype(np.float32)


def toy_examples(values: np.ndarray | None = None, question: str = QUESTION) -> list[Example]:
    values = toy_signals() if values is None else values
    return [
        Example(f"s{record}-{question}", f"r{record}", f"p{record}", question, ANSWERS[record % 4], values[record])
        for record in range(8)
    ]


def overfit(kind: str, values: np.ndarray, steps: int = 120) -> tuple[JointModel, Collator, list[float]]:
    model, collate = build(kind, training_signals=values)
    settings = TrainingSettings(batch_size=8, max_steps=steps, learning_rate=5e-3, warmup_steps=10)
    report = train(model, toy_examples(values), collate, settings, progress=False)
    return model, collate, report.losses


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_of_a_signal_stand_in_its_block_in_their_order(kind: str) -> None:
    model, collate = build(kind)
    model.eval()
    without = Example("s9", "r9", "p9", QUESTION, ANSWERS[0], None)
    examples = [toy_examples()[0], without, *toy_examples()[1:3]]
    batch = collate(examples)
    assert batch["features"].shape == (3, LEADS, SAMPLES)
    rows = model.embed(batch)
    at_signal = batch["input_ids"] == model.signal_id
    assert at_signal.sum(dim=1).tolist() == [model.signal_positions, 0, model.signal_positions, model.signal_positions]
    for row, example in enumerate(examples):
        if example.ecg is not None:
            alone = model.signal_layers(torch.from_numpy(example.ecg)[None])[0]
            torch.testing.assert_close(rows[row][at_signal[row]], alone, rtol=1e-4, atol=1e-6)
            ids = batch["input_ids"][row]
            first = int(at_signal[row].nonzero()[0])
            assert ids[first - 1] == model.token_map.start_id
            assert ids[first + model.signal_positions] == model.token_map.end_id
    torch.testing.assert_close(rows[~at_signal], model.embed_tokens(batch["input_ids"])[~at_signal])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", ["full", "lora"])
def test_gradients_reach_the_signal_layers_whole_and_the_language_model(kind: str, training: str) -> None:
    lora = LoraSettings(dropout=0.0) if training == "lora" else None
    model, collate = build(kind, training=training, lora=lora, training_signals=toy_signals())
    examples = toy_examples()
    # LoRA's second factor starts at zero, and with it the gradient of the first; one step moves it.
    train(model, examples, collate, TrainingSettings(batch_size=8, max_steps=1), progress=False)
    model.train()
    model(**collate(examples)).loss.backward()
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    silent = [name for name, value in trained.items() if value.grad is None or not value.grad.abs().max() > 0]
    # A bias of the keys is the same for all positions, and the softmax takes it away but for rounding.
    assert [name for name in silent if not name.endswith("pooling.keys.bias")] == []
    layers = {name for name in trained if name.startswith("signal_layers.")}
    assert layers == {f"signal_layers.{name}" for name, _ in model.signal_layers.named_parameters()}
    others = [name for name in trained if not name.startswith("signal_layers.")]
    assert others and all(name.startswith("language_model.") for name in others)
    if training == "lora":
        assert all("lora_" in name for name in others)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_that_the_signal_tells_are_learnt_and_otherwise_are_not(kind: str) -> None:
    values = toy_signals()
    model, collate, losses = overfit(kind, values)
    examples = toy_examples(values)
    # In evaluation mode, with the running means of batch norms.
    logits, targets = model.label_logits(collate(examples))
    assert not model.training and (logits.argmax(dim=1) == targets).all()
    blind = overfit(kind, toy_signals(informative=False), steps=60)[2]
    floor = 8 * np.log(4) / len(targets)
    assert blind[-1] > 0.95 * floor > 2 * losses[-1]
    answers = generate_answers(model, examples, collate, max_new_tokens=20, batch_size=3, progress=False)
    assert [answer.answer for answer in answers] == ANSWERS * 2
    scores = score_yes_no(model, examples, collate, yes="atrial", no="normal", progress=False)
    assert scores[0] > 0.9 and scores[3] < 0.1
    likelihoods = answer_log_likelihood(model, examples, collate, batch_size=3, progress=False)
    assert (likelihoods > np.log(0.5)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_questions_that_share_a_signal_or_a_row_have_the_loss_and_gradients_of_the_questions_apart(kind: str) -> None:
    model, collate = build(kind, training_signals=toy_signals())
    model.train()
    if kind == "encoder":
        # A batch norm's means go over the signals of a batch, and each is computed once here.
        model.signal_layers.encoder.eval()
    apart = [*toy_examples()[:3], *toy_examples(question="is it normal?")[:2]]
    groups = group_examples(apart, 4)
    runs = []
    shared = SharedPrefixCollator(collate)(groups)
    assert shared["features"].shape[0] == 3 and len(shared["labels"]) == 5
    for batch in (collate(apart), shared, PackedCollator(collate)(apart)):
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        runs.append((loss.item(), {name: value.grad for name, value in model.named_parameters()}))
        model.zero_grad(set_to_none=True)
    for other_loss, others in runs[1:]:
        assert other_loss == pytest.approx(runs[0][0], rel=1e-5)
        for name, gradient in runs[0][1].items():
            assert (gradient is None) == (others[name] is None)
            if gradient is not None:
                torch.testing.assert_close(others[name], gradient, rtol=1e-3, atol=2e-6)


def test_a_batch_norm_sees_a_shared_signal_once() -> None:
    model, collate = build("encoder")
    model.train()
    seen = []
    model.signal_layers.encoder.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    apart = [*toy_examples()[:3], *toy_examples(question="is it normal?")[:3]]
    model(**SharedPrefixCollator(collate)(group_examples(apart, 2)))
    assert seen == [3]


def test_a_batch_of_one_signal_trains_though_its_encoder_has_batch_norms() -> None:
    model, collate = build("encoder", training_signals=toy_signals())
    report = train(model, toy_examples()[:3], collate, TrainingSettings(batch_size=1, epochs=2), progress=False)
    assert len(report.losses) == 6 and np.isfinite(report.losses).all()
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_bfloat16_keeps_weights_in_float32(kind: str) -> None:
    model, collate = build(kind, training_signals=toy_signals())
    settings = TrainingSettings(batch_size=8, max_steps=30, learning_rate=5e-3, precision="bf16")
    report = train(model, toy_examples(), collate, settings, progress=False)
    assert report.losses[-1] < 0.7 * report.losses[0]
    assert {value.dtype for value in model.parameters()} == {torch.float32}


def test_evaluation_does_not_depend_on_the_batch_and_leaves_running_means_alone() -> None:
    model, collate = build("encoder", training_signals=toy_signals())
    train(model, toy_examples(), collate, TrainingSettings(batch_size=4, max_steps=4), progress=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    results = [
        answer_log_likelihood(model, toy_examples(), collate, batch_size=size, progress=False) for size in (1, 8)
    ]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["encoder", "lead"])
def test_an_interrupted_run_ends_with_the_same_bits_running_means_included(kind: str, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def run(folder: Path, stop_at: int | None) -> dict[str, torch.Tensor]:
        model, collate = build(kind, training_signals=toy_signals())
        calls = 0

        def counting(examples: list[Example]) -> dict[str, torch.Tensor]:
            nonlocal calls
            calls += 1
            if calls == stop_at:
                raise Interrupted
            return collate(examples)

        settings = TrainingSettings(batch_size=3, epochs=2, checkpoint_every=2)
        train(model, toy_examples(), counting, settings, output_folder=folder, progress=False)
        return model.state_dict()

    whole = run(tmp_path / "whole", None)
    with pytest.raises(Interrupted):
        run(tmp_path / "interrupted", 4)
    continued = run(tmp_path / "interrupted", None)
    assert all(torch.equal(whole[name], continued[name]) for name in whole)
    assert kind != "encoder" or any(name.endswith("running_mean") for name in whole)


def test_the_scale_of_encoder_features_is_set_without_a_change_of_weights() -> None:
    values = toy_signals()
    model, _ = build("encoder", training_signals=values)
    plain, _ = build("encoder")
    weights = dict(plain.signal_layers.encoder.named_parameters())
    assert all(torch.equal(v, weights[n]) for n, v in model.signal_layers.encoder.named_parameters())
    model.train()
    rows = model.signal_layers(torch.from_numpy(values))[:, 0]
    torch.testing.assert_close(rows.mean(dim=0), torch.zeros(32), rtol=0, atol=1e-4)
    text = float(model.signal_layers.projection.row_deviation)
    assert rows.square().mean().sqrt().item() == pytest.approx(text, rel=0.4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", ["full", "lora"])
def test_a_saved_model_comes_back(tmp_path: Path, kind: str, training: str) -> None:
    model, collate = build(kind, training=training, training_signals=toy_signals())
    train(model, toy_examples(), collate, TrainingSettings(batch_size=8, max_steps=3), progress=False)
    save_joint(tmp_path / "model", model, collate.text_tokenizer)
    build_encoder = ECGEncoder if kind == "encoder" else None
    loaded, text_tokenizer = load_joint(tmp_path / "model", build_encoder=build_encoder)
    assert not loaded.training and loaded.signal_positions == model.signal_positions
    again = Collator(
        loaded.token_map, text_tokenizer, max_length=80, answer_room=30, signal_positions=loaded.signal_positions
    )
    logits = model.label_logits(collate(toy_examples()))[0]
    torch.testing.assert_close(loaded.label_logits(again(toy_examples()))[0], logits, atol=1e-5, rtol=1e-4)
    assert not any(path.suffix in (".bin", ".pt", ".pkl") for path in (tmp_path / "model").rglob("*"))


def test_a_folder_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    model, collate = build("lead")
    folder = tmp_path / "model"
    save_joint(folder, model, collate.text_tokenizer)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        save_joint(folder, model, collate.text_tokenizer)
    settings = json.loads((folder / "joint.json").read_text())
    settings["signal_layers"]["patch_samples"] = 8
    (folder / "joint.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"signal_layers\.safetensors: 2 of its tensors do not fit joint\.json"):
        load_joint(folder)
    model, collate = build("encoder")
    save_joint(tmp_path / "encoder", model, collate.text_tokenizer)
    with pytest.raises(ValueError, match=r"build_encoder: .* holds the encoder"):
        load_joint(tmp_path / "encoder")


def test_same_seed_same_model_whatever_the_global_random_state() -> None:
    torch.manual_seed(1)
    first = build("lead", seed=3, training_signals=toy_signals())[0].state_dict()
    torch.manual_seed(2)
    second = build("lead", seed=3, training_signals=toy_signals())[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert overfit("encoder", toy_signals(), steps=3)[2] == overfit("encoder", toy_signals(), steps=3)[2]


def test_wrong_inputs_are_named() -> None:
    model, collate = build("lead")
    batch = collate(toy_examples())
    with pytest.raises(ValueError, match="features: expected one signal for each of 8 blocks of 12 <signal>, got 0"):
        model(**{name: value for name, value in batch.items() if name != "features"})
    with pytest.raises(ValueError, match="one signal for each of 8 blocks of 12 <signal>, got 7"):
        model(**{**batch, "features": batch["features"][:7]})
    with pytest.raises(ValueError, match=r"features: expected signals \[signals, leads, samples\], got \[8, 5\]"):
        model(**{**batch, "features": torch.zeros(8, 5)})
    with pytest.raises(ValueError, match=r"expected shape \[batch, 3 leads, 64 samples\]"):
        model(**{**batch, "features": torch.zeros(8, LEADS, 65)})
    wrong = Collator(model.token_map, collate.text_tokenizer, max_length=80, answer_room=30, signal_positions=2)
    with pytest.raises(ValueError, match=r"one signal for each of 1\.33333 blocks of 12 <signal>, got 8"):
        model(**wrong(toy_examples()))
    with pytest.raises(ValueError, match="train_embeddings: training='full' trains every row"):
        build("lead", train_embeddings=False)
    language_model, _ = load_language_model("tiny", texts=TEXTS, size=SIZE)
    layers: nn.Module = LinearPatches(LEADS, SAMPLES, 32, patch_samples=16)
    with pytest.raises(ValueError, match="expected the token <signal>, it has none"):
        JointModel(language_model, ECGTokenMap(np.empty(0, np.int64), 1, 2), layers)
