"""Rows of the ECG tokens that stay bit by bit while everything else is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens
from ecgbyte.models.language.frozen_rows import PartlyFrozenEmbedding
from ecgbyte.models.language.language_models import TinySize, load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from ecgbyte.training.generation import generate_answers
from ecgbyte.training.loop import TrainingSettings, train
from ecgbyte.training.shared_prefix import SharedPrefixCollator, group_examples

SIZE = TinySize(hidden=32, layers=2, heads=2, mlp=48, max_positions=128, text_vocabulary=300)
TEXTS = ["Is the rhythm regular?", "yes", "no", "atrial fibrillation"]
EXAMPLES = [
    Example("1", "r1", "p1", TEXTS[0], "yes", np.arange(12, dtype=np.int32)),
    Example("2", "r2", "p2", TEXTS[0], "atrial fibrillation", np.arange(5, 9, dtype=np.int32)),
    Example("3", "r3", "p3", TEXTS[0], "no", None),
]


def build(tied: bool = True, **options: Any) -> tuple[EndToEndModel, Any, Collator]:
    language_model, tokenizer = load_language_model("tiny", texts=TEXTS, size=SIZE)
    if not tied:
        torch.manual_seed(0)
        config = LlamaConfig(**{**language_model.config.to_dict(), "tie_word_embeddings": False})
        language_model = LlamaForCausalLM(config).eval()
    token_map = add_ecg_tokens(language_model, tokenizer, 20, initialisation="random")
    # As a pretrained checkpoint may have them: ECG tokens that do not stand at the end of the vocabulary.
    tokenizer.add_tokens(["<later>"])
    torch.manual_seed(5)
    language_model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    collate = Collator(token_map, tokenizer, max_length=100, answer_room=30)
    return EndToEndModel(language_model, token_map, **options), tokenizer, collate


def plain_rows(model: EndToEndModel) -> torch.Tensor:
    return model.merged_language_model().get_input_embeddings().weight.detach().clone()


@pytest.mark.parametrize("tied", [True, False])
def test_the_model_computes_what_it_did_before(tied: bool) -> None:
    results = []
    for options in ({}, {"train_embeddings": False}):
        model, _, collate = build(tied, **options)
        loss = model(**collate(EXAMPLES)).loss
        loss.backward()
        gradients = {n: v.grad for n, v in model.named_parameters() if v.grad is not None and "layers" in n}
        results.append((loss, gradients, plain_rows(model)))
    torch.testing.assert_close(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-7)
    assert torch.equal(results[0][2], results[1][2])


@pytest.mark.parametrize("tied", [True, False])
def test_the_other_rows_get_the_gradient_of_the_whole_embedding(tied: bool) -> None:
    whole, _, collate = build(tied)
    whole(**collate(EXAMPLES)).loss.backward()
    partly, _, _ = build(tied, train_embeddings=False)
    partly(**collate(EXAMPLES)).loss.backward()
    gradient = whole.language_model.get_input_embeddings().weight.grad
    is_frozen = torch.zeros(len(gradient), dtype=torch.bool)
    is_frozen[whole.token_map.all_ids()] = True
    assert gradient[is_frozen].abs().max() > 0
    found = partly.language_model.get_input_embeddings().trained_rows.grad
    torch.testing.assert_close(found, gradient[~is_frozen], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
@pytest.mark.parametrize("tied", [True, False])
def test_frozen_rows_keep_every_bit_under_weight_decay_and_the_others_move(optimizer: str, tied: bool) -> None:
    model, _, collate = build(tied, train_embeddings=False)
    before = plain_rows(model)
    settings = TrainingSettings(
        max_steps=6, batch_size=3, learning_rate=1e-2, weight_decay=0.5, optimizer=optimizer, max_gradient_norm=None
    )
    train(model, group_examples(EXAMPLES, 1), SharedPrefixCollator(collate), settings, progress=False)
    moved = (plain_rows(model) != before).any(dim=1)
    frozen = model.token_map.all_ids()
    assert not moved[frozen].any()
    others = torch.ones(len(moved), dtype=torch.bool)
    others[frozen] = False
    # Weight decay moves every row that is a parameter, zeros aside.
    assert moved[others & before.any(dim=1)].all() and moved.sum() > 250
    assert (
        model.trained_parameters()
        == sum(value.numel() for value in model.merged_language_model().parameters()) - before[frozen].numel()
    )


def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def run(folder: Path, stop_at: int | None) -> dict[str, torch.Tensor]:
        model, _, collate = build(train_embeddings=False)
        calls = 0

        def counting(examples: list[Example]) -> dict[str, torch.Tensor]:
            nonlocal calls
            calls += 1
            if calls == stop_at:
                raise Interrupted
            return collate(examples)

        settings = TrainingSettings(batch_size=1, epochs=2, checkpoint_every=2)
        train(model, EXAMPLES, counting, settings, output_folder=folder, progress=False)
        return model.state_dict()

    whole = run(tmp_path / "whole", None)
    with pytest.raises(Interrupted):
        run(tmp_path / "interrupted", 4)
    continued = run(tmp_path / "interrupted", None)
    assert all(torch.equal(whole[name], continued[name]) for name in whole)


def test_it_generates_and_its_plain_copy_is_a_model_of_transformers() -> None:
    model, _, collate = build(train_embeddings=False)
    train(model, EXAMPLES, collate, TrainingSettings(max_steps=3, batch_size=3), progress=False)
    plain = model.merged_language_model()
    assert isinstance(plain.get_input_embeddings(), torch.nn.Embedding)
    assert plain.get_output_embeddings().weight is plain.get_input_embeddings().weight
    again = EndToEndModel(plain, model.token_map).eval()
    torch.testing.assert_close(
        again.label_logits(collate(EXAMPLES))[0], model.label_logits(collate(EXAMPLES))[0], rtol=1e-5, atol=1e-6
    )
    answers = [generate_answers(reader, EXAMPLES, collate, progress=False) for reader in (model, again)]
    assert answers[0] == answers[1]
    # The copy shares nothing with the model that goes on.
    with torch.no_grad():
        plain.get_input_embeddings().weight.zero_()
    assert model.embed_tokens(torch.arange(5)).abs().max() > 0


def test_ids_that_cannot_be_frozen_are_refused() -> None:
    weight = torch.zeros(4, 2)
    for ids in ([], [0, 1, 2, 3], [4], [-1]):
        with pytest.raises(ValueError, match=r"frozen_ids: expected some but not all of the ids 0\.\.3"):
            PartlyFrozenEmbedding(weight, ids)
