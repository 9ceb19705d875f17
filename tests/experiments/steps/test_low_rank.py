"""Low-rank training: the weights that stay are kept in the precision that they are multiplied in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ecgbyte.training.generation import answer_and_score
from ecgbyte.training.steps import inputs_as_they_are
from experiments.steps.learning import train_learner
from experiments.steps.work_folder import WorkFolder
from tests.experiments.steps.test_plus import run_of


@pytest.mark.parametrize("method", ["ecg-byte", "linear-patches"])
def test_weights_that_stay_are_rounded_once_and_trained_ones_are_not(tmp_path: Path, method: str) -> None:
    work = WorkFolder(tmp_path / "work")
    losses = {}
    for precision in ("no", "bf16"):
        run = run_of(work, f"model.lora=true, model.lora_dropout=0, training.precision={precision}", method)
        learner, report = train_learner(tmp_path / precision, run.reader, run.learning, run.shown)
        losses[precision] = torch.tensor(report.losses)
        parameters = list(learner.model.language_model.parameters())
        trained = {value.dtype for value in parameters if value.requires_grad}
        kept = {value.dtype for value in parameters if not value.requires_grad}
        assert trained == {torch.float32}
        assert kept == {torch.float32 if precision == "no" else torch.bfloat16}
        converting = [part for part in learner.model.modules() if hasattr(part, "cast_input_dtype_enabled")]
        with inputs_as_they_are(learner.model, precision == "bf16"):
            assert {part.cast_input_dtype_enabled for part in converting} == {precision == "no"}
        assert all(part.cast_input_dtype_enabled for part in converting)
        answers, scores = answer_and_score(
            learner.model, run.shown.examples("test")[:6], learner.collator, progress=False
        )
        assert len(answers) == 6 and scores.dtype.kind == "f"
    assert losses["no"][-1] < losses["no"][0]
    torch.testing.assert_close(losses["bf16"], losses["no"], rtol=0.02, atol=0.02)
    assert not torch.equal(losses["bf16"], losses["no"])
