"""Questions that share an ECG's positions: the same loss and gradients as the questions apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgbyte.models import ecg_language_model
from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language import packed_attention
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens, add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.shared_prefix import ExampleGroup, SharedPrefixCollator, group_examples

QUESTIONS = [("Is it normal?", "yes"), ("Which axis, left or right?", "left axis deviation"), ("Any block?", "no")]


def small_model(kind: str) -> tuple[ECGLanguageModel, Collator, Callable[[int], np.ndarray | None]]:
    texts = [text for pair in QUESTIONS for text in pair]
    language_model, tokenizer = load_language_model(
        "tiny", texts=texts, size=TinySize(hidden=32, layers=2, heads=2, mlp=48), seed=1
    )
    model: ECGLanguageModel
    if kind == "two-stage":
        token_map = add_signal_token(language_model, tokenizer)
        model = TwoStageModel(language_model, token_map, 6)

        def ecg(number: int) -> np.ndarray | None:
            return np.random.default_rng(number).normal(size=6).astype(np.float32)
    else:
        token_map = add_ecg_tokens(language_model, tokenizer, 40, initialisation="random")
        model = EndToEndModel(language_model, token_map)

        def ecg(number: int) -> np.ndarray | None:
            rng = np.random.default_rng(number)
            return rng.integers(0, 40, size=5 + 4 * number).astype(np.int32) if kind == "end-to-end" else None

    return model, Collator(token_map, tokenizer, max_length=64, answer_room=16), ecg


def examples(ecg: Callable[[int], np.ndarray | None]) -> list[Example]:
    """Record 0 is asked three questions, record 1 one, record 2 two."""
    asked = [(0, 0), (1, 1), (0, 2), (2, 0), (0, 1), (2, 2)]
    return [
        Example(f"s{place}", f"r{record}", f"p{record}", *QUESTIONS[question], ecg(record))
        for place, (record, question) in enumerate(asked)
    ]


@pytest.mark.parametrize("kind", ["end-to-end", "two-stage", "text-only"])
@pytest.mark.parametrize("on_gpu", [False, True])
def test_loss_and_gradients_are_those_of_the_questions_apart(
    kind: str, on_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_gpu:  # the same arithmetic, done on a CPU: one call of attention takes all groups
        for module in (packed_attention, ecg_language_model):
            monkeypatch.setattr(module, "is_gpu", lambda _: True)
    model, collator, ecg = small_model(kind)
    model.train()
    apart = examples(ecg)
    groups = group_examples(apart, 4)
    results = []
    for batch in (collator(apart), SharedPrefixCollator(collator)(groups)):
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        gradients = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
        results.append((loss.item(), gradients))
    (loss_apart, gradients_apart), (loss_shared, gradients_shared) = results
    assert loss_shared == pytest.approx(loss_apart, rel=1e-5)
    assert gradients_apart.keys() == gradients_shared.keys()
    for name, gradient in gradients_apart.items():
        torch.testing.assert_close(gradients_shared[name], gradient, rtol=1e-3, atol=1e-6)


def test_padding_may_see_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    model, collator, ecg = small_model("end-to-end")
    model.train()
    batch = collator(examples(ecg))
    assert not batch["attention_mask"].all()
    results = []
    for on_gpu in (False, True):
        monkeypatch.setattr(ecg_language_model, "is_gpu", lambda _, on_gpu=on_gpu: on_gpu)
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        results.append([loss.detach(), *(value.grad for value in model.parameters() if value.grad is not None)])
    for usual, other in zip(*results, strict=True):
        torch.testing.assert_close(other, usual, rtol=1e-4, atol=1e-7)


def test_an_ecg_is_computed_once_for_all_its_questions() -> None:
    _, collator, ecg = small_model("end-to-end")
    batch = SharedPrefixCollator(collator)(group_examples(examples(ecg), 4))
    assert batch["input_ids"].shape[0] == 3  # records
    assert batch["labels"].shape[0] == 6  # questions
    assert sorted(batch["prefix_rows"].tolist()) == [0, 0, 0, 1, 2, 2]


def test_ecgs_that_are_cut_to_different_lengths_are_not_shared() -> None:
    _, collator, _ = small_model("end-to-end")
    long = np.zeros(200, np.int32)
    pair = [Example(f"s{place}", "r", "p", *question, long) for place, question in enumerate(QUESTIONS[:2])]
    batch = SharedPrefixCollator(collator)(group_examples(pair, 4))
    kept = [len(collator.sequence(example).input_ids) for example in pair]
    assert batch["input_ids"].shape[0] == 2
    joined = batch["attention_mask"].sum(1)[batch["prefix_rows"]] + batch["suffix_attention_mask"].sum(1)
    assert joined.tolist() == kept


def test_groups_keep_every_example_once_in_order_of_first_appearance() -> None:
    _, _, ecg = small_model("end-to-end")
    apart = examples(ecg)
    groups = group_examples(apart, 4)
    assert [group.record_id for group in groups] == ["r0", "r1", "r2"]
    assert [[example.sample_id for example in group.examples] for group in groups] == [
        ["s0", "s2", "s4"],
        ["s1"],
        ["s3", "s5"],
    ]


def test_training_counts_questions_and_positions() -> None:
    model, collator, ecg = small_model("end-to-end")
    apart = examples(ecg)
    report = train(
        model,
        group_examples(apart, 4),
        SharedPrefixCollator(collator),
        TrainingSettings(batch_size=2, epochs=3, group_by_length=True),
        progress=False,
    )
    assert report.samples_seen == 18
    assert report.distinct_records == 3
    assert report.steps == 6
    beginnings = {example.record_id: len(example.ecg) + 3 for example in apart if example.ecg is not None}
    rests = [len(collator.sequence(example).input_ids) - beginnings[example.record_id] for example in apart]
    assert report.positions == 3 * (sum(beginnings.values()) + sum(rests))


def test_a_tokenizer_without_bos_is_refused() -> None:
    _, collator, _ = small_model("end-to-end")
    collator.text_tokenizer.bos_token = None
    collator = Collator(collator.token_map, collator.text_tokenizer)
    with pytest.raises(ValueError, match="no BOS token"):
        SharedPrefixCollator(collator)


def test_group_counts_its_examples() -> None:
    _, _, ecg = small_model("end-to-end")
    assert ExampleGroup("r0", tuple(examples(ecg)[:2])).num_samples == 2


@pytest.mark.parametrize("largest", [1, 2, 3])
def test_groups_are_the_same_for_every_kind_of_ecg_and_none_is_larger_than_asked(largest: int) -> None:
    partitions = []
    for kind in ("end-to-end", "two-stage", "text-only"):
        _, _, ecg = small_model(kind)
        groups = group_examples(examples(ecg), largest)
        partitions.append([[example.sample_id for example in group.examples] for group in groups])
    assert partitions[0] == partitions[1] == partitions[2]
    assert max(len(group) for group in partitions[0]) == largest
    with pytest.raises(ValueError, match="largest: expected a positive number, got 0"):
        group_examples(examples(ecg), 0)


def test_an_example_without_a_question_is_refused() -> None:
    _, collator, ecg = small_model("end-to-end")
    nothing_asked = Example("s", "r", "p", "", "yes", ecg(1))
    with pytest.raises(ValueError, match="expected a question in each"):
        SharedPrefixCollator(collator)(group_examples([nothing_asked], 1))


def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    class Interrupting(SharedPrefixCollator):
        calls = 0

        def __call__(self, groups: Sequence[ExampleGroup]) -> dict[str, torch.Tensor]:
            self.calls += 1
            if self.calls == 5:
                raise KeyboardInterrupt
            return super().__call__(groups)

    settings = TrainingSettings(batch_size=2, epochs=4, group_by_length=True, checkpoint_every=2, seed=3)

    def run(folder: Path, kind: type[SharedPrefixCollator]) -> dict[str, torch.Tensor]:
        model, collator, ecg = small_model("end-to-end")
        train(model, group_examples(examples(ecg), 2), kind(collator), settings, output_folder=folder, progress=False)
        return model.state_dict()

    whole = run(tmp_path / "whole", SharedPrefixCollator)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "interrupted", Interrupting)
    continued = run(tmp_path / "interrupted", SharedPrefixCollator)
    assert all(torch.equal(whole[name], continued[name]) for name in whole)
