"""Training with the trainers of others: TRL's on the plain form, transformers' on the processor."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch
from accelerate.state import AcceleratorState
from peft import LoraConfig, get_peft_model
from transformers import Trainer, TrainingArguments

from ecgbyte.hub import ECGProcessor, ecg_as_text
from tests.hub.tiny_models import tiny_model
from tests.tokenizer.ecg_examples import wandering_signal


@pytest.fixture(autouse=True)
def nothing_left_for_other_trainings() -> Iterator[None]:
    """These trainers set a precision for the whole process, for which later trainings would be refused."""
    before = {name: value for name, value in os.environ.items() if name.startswith("ACCELERATE_")}
    yield
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]
    os.environ.update(before)
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ["questions", "chats"])
def test_transformers_trainer_with_lora_and_trained_rows(kind, tied, tmp_path):
    model, text, ecg, token_map = tiny_model(1, tied=tied)
    rows = [
        {"ecg": wandering_signal(k), "question": "Is it normal?", "answer": "yes"}
        if kind == "questions"
        else {
            "messages": [{"role": "user", "content": "<ecg>Normal?"}, {"role": "assistant", "content": "yes"}],
            "ecgs": [wandering_signal(k)],
        }
        for k in range(4)
    ]
    lora = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], trainable_token_indices=token_map.all_ids())
    wrapped = get_peft_model(model, lora)
    before = wrapped.get_input_embeddings()(torch.tensor([token_map.start_id])).detach().clone()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=3,
        learning_rate=0.05,
        per_device_train_batch_size=2,
        remove_unused_columns=False,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        use_cpu=True,
    )
    processor = ECGProcessor(text, ecg)
    trainer = Trainer(model=wrapped, args=arguments, train_dataset=rows, data_collator=processor.collate)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]
    after = wrapped.get_input_embeddings()(torch.tensor([token_map.start_id]))
    assert not torch.equal(before, after)


@pytest.mark.parametrize(("tied", "trained_rows"), [(True, False), (False, True)])
def test_trl_reads_the_plain_form(tied, trained_rows, tmp_path):
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    model, text, ecg, token_map = tiny_model(1, tied=tied)
    signals = [wandering_signal(k) for k in range(4)]
    rows = [{"prompt": ecg_as_text(ecg.encode(x)) + "Is it normal?", "completion": " yes"} for x in signals]
    lora = LoraConfig(
        r=4,
        target_modules=["q_proj", "v_proj"],
        trainable_token_indices=token_map.all_ids() if trained_rows else None,
    )
    trainer = trl.SFTTrainer(
        model=model,
        args=trl.SFTConfig(
            output_dir=str(tmp_path),
            max_steps=2,
            per_device_train_batch_size=1,
            report_to="none",
            save_strategy="no",
            max_length=1024,
            gradient_checkpointing=False,
            use_cpu=True,
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=text,
        peft_config=lora,
    )
    seen = {tuple(batch["input_ids"][0].tolist()) for batch in trainer.get_train_dataloader()}
    expected = ECGProcessor(text, ecg)([row["prompt"].partition("<sig_end>")[2] for row in rows], signals)
    for ids in expected["input_ids"]:
        # BOS aside, which TRL leaves to the tokenizer, the prompt is that of the processor.
        assert any(tuple(ids[1:]) == row[: len(ids) - 1] for row in seen)
    assert trainer.train().training_loss > 0
