"""Models as folders: they come back with the same answers, and nothing that does not belong together is taken."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import torch

from ecgbyte import ECGTokenizer
from ecgbyte.hub import Reading, load_model, save_model
from ecgbyte.models.end_to_end import EndToEndModel, LoraSettings
from ecgbyte.models.language.language_models import load_language_model
from ecgbyte.training.collate import Collator
from ecgbyte.training.examples import Example
from tests.hub.tiny_models import base_model, tiny_model
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_signal

_, _, ECG, _ = tiny_model()
EXAMPLES = [
    Example("1", "r", "p", "Is this ECG normal?", "yes", ECG.encode(wandering_signal(1)).ids),
    Example("2", "r", "p", "Which rhythm is it?", "sinus rhythm", None),
]
LORA = LoraSettings(rank=4, dropout=0.0)
READING = {"max_length": 9, "answer_room": 2, "segment_seconds": None, "form": "published"}


def logits(model: Any, text: Any) -> torch.Tensor:
    batch = Collator(model.token_map, text, form="published")(EXAMPLES)
    with torch.inference_mode():
        return model.eval().label_logits(batch)[0]


def trained(options: dict[str, Any], *, tied: bool = True) -> tuple[EndToEndModel, Any]:
    """A model after a few steps, so that everything that is trained has moved."""
    language_model, text, _, token_map = tiny_model(3, tied=tied)
    model = EndToEndModel(language_model, token_map, **options)
    optimizer = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=0.5)
    for _ in range(3):
        model(**Collator(token_map, text, form="published")(EXAMPLES)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval(), text


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"train_embeddings": False},
        {"training": "lora", "lora": LORA},
        {"training": "lora", "lora": LORA, "train_embeddings": True},
    ],
)
def test_a_whole_model_comes_back(options, tmp_path):
    model, text = trained(options)
    before = logits(model, text)
    save_model(tmp_path / "model", model, text, ECG, reading=Reading(segment_seconds=0.5))
    torch.testing.assert_close(logits(model, text), before, rtol=0, atol=0)
    saved = load_model(tmp_path / "model", ECG)
    assert saved.ecg_tokenizer == ECG and saved.reading.segment_seconds == 0.5
    assert saved.token_map.ids.tolist() == model.token_map.ids.tolist()
    torch.testing.assert_close(logits(saved.model, saved.text_tokenizer), before, rtol=1e-4, atol=1e-5)
    assert not any(value.requires_grad for value in saved.model.parameters())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not any(path.suffix in (".bin", ".pt", ".pkl", ".py") for path in (tmp_path / "model").iterdir())


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def base(request, tmp_path):
    """A base model in a folder, and whether its output layer is its embedding."""
    model, text = base_model(3, tied=request.param)
    model.save_pretrained(tmp_path / "base")
    text.save_pretrained(tmp_path / "base")
    return tmp_path / "base", request.param


@pytest.mark.parametrize("train_embeddings", [False, True])
def test_an_adapter_comes_back_to_equal_logits_elsewhere(train_embeddings, base, tmp_path):
    folder, tied = base
    model, text = trained({"training": "lora", "lora": LORA, "train_embeddings": train_embeddings}, tied=tied)
    before = logits(model, text)
    save_model(tmp_path / "adapter", model, text, ECG, adapter=True, base=folder)
    files = {path.name: path.stat().st_size for path in (tmp_path / "adapter").iterdir()}
    assert "model.safetensors" not in files and files["adapter_model.safetensors"] < 200_000
    saved = load_model(tmp_path / "adapter")
    torch.testing.assert_close(logits(saved.model, saved.text_tokenizer), before, rtol=0, atol=0)
    # The base elsewhere, as on another machine.
    shutil.move(folder, tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match=r"belongs to .*base.*, which could not be read here; say where"):
        load_model(tmp_path / "adapter")
    again = load_model(tmp_path / "adapter", base=tmp_path / "moved")
    torch.testing.assert_close(logits(again.model, again.text_tokenizer), before, rtol=0, atol=0)


def test_an_adapter_is_not_put_on_another_base(base, tmp_path):
    folder, tied = base
    model, text = trained({"training": "lora", "lora": LORA}, tied=tied)
    save_model(tmp_path / "adapter", model, text, ECG, adapter=True, base=folder)
    other, _ = base_model(4, tied=tied)
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match=r"is not the model that the adapter in .* was trained on"):
        load_model(tmp_path / "adapter", base=tmp_path / "other")


def test_no_answer_of_transformers_own_generation_holds_an_ecg_token(tmp_path):
    model, text = trained({})
    # ECG tokens are made the likeliest by far.
    weight = model.language_model.get_input_embeddings().weight
    with torch.no_grad():
        weight[torch.from_numpy(model.token_map.ids)] *= 50
    save_model(tmp_path / "model", model, text, ECG)
    saved = load_model(tmp_path / "model")
    prompt = Collator(saved.token_map, text, form="published").prompts(EXAMPLES[:1])
    prompt = {key: prompt[key] for key in ("input_ids", "attention_mask")}
    plain = saved.model.language_model
    answer = plain.generate(**prompt, max_new_tokens=10)[0, prompt["input_ids"].shape[1] :]
    assert not set(answer.tolist()) & set(saved.token_map.all_ids())
    unsuppressed = plain.generate(**prompt, max_new_tokens=10, suppress_tokens=None)[0, prompt["input_ids"].shape[1] :]
    assert set(unsuppressed.tolist()) & set(saved.token_map.all_ids())


def test_the_weights_may_be_written_in_half_the_bytes(tmp_path):
    model, text = trained({})
    save_model(tmp_path / "whole", model, text, ECG)
    save_model(tmp_path / "half", model, text, ECG, dtype="bfloat16")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    saved = load_model(tmp_path / "half")
    assert saved.model.language_model.dtype == torch.bfloat16 and model.language_model.dtype == torch.float32
    torch.testing.assert_close(
        logits(saved.model, saved.text_tokenizer).float(), logits(model, text), rtol=0.05, atol=0.1
    )
    with pytest.raises(ValueError, match="dtype: goes with whole models"):
        save_model(tmp_path / "no", model, text, ECG, dtype="bfloat16", adapter=True)


def test_the_card_says_what_it_is(tmp_path):
    model, text = trained({})
    save_model(tmp_path / "model", model, text, ECG, description="Trained on made-up ECGs.")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Trained on made-up ECGs." in card and "no medical device" in card and ECG.fingerprint in card


def test_parts_that_do_not_belong_together_are_not_saved(tmp_path):
    model, text = trained({})
    other = small_tokenizer(min_count=2, boundary="record")
    for tokenizer, message in ((other, "was trained with the tokenizer"), (ECGTokenizer.from_merges([]), "66 ECG tok")):
        with pytest.raises(ValueError, match=message):
            save_model(tmp_path / "model", model, text, tokenizer)
    with pytest.raises(ValueError, match="expected 66 ECG tokens, got 0"):
        save_model(tmp_path / "model", model, base_model()[1], ECG)
    with pytest.raises(ValueError, match="adapter: expected a model with training='lora'"):
        save_model(tmp_path / "model", model, text, ECG, adapter=True, base="somewhere")
    lora, text = trained({"training": "lora", "lora": LORA})
    with pytest.raises(ValueError, match="base: missing"):
        save_model(tmp_path / "model", lora, text, ECG, adapter=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"reading\.answer_room: got 200"):
        Reading(max_length=100, answer_room=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model, text = trained({})
    path = tmp_path_factory.mktemp("saved") / "model"
    save_model(path, model, text, ECG)
    return path


def altered(folder, tmp_path, **changes: Any):
    shutil.copytree(folder, tmp_path / "model")
    description = tmp_path / "model" / "ecg_tokens.json"
    content = {key: value for key, value in (json.loads(description.read_text()) | changes).items() if value != "?"}
    description.write_text(json.dumps(content))
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({key: "?"}, key)
            for key in ("vocabulary_size", "tokenizer_fingerprint", "base", "rows", "dtype", "reading")
        ),
        ({"format_version": 1}, "expected format_version 2"),
        ({"vocabulary_size": True}, "vocabulary_size: expected a positive whole number, got True"),
        ({"vocabulary_size": 65}, "trained with 65 ECG tokens"),
        ({"tokenizer_fingerprint": 5}, "tokenizer_fingerprint: expected a string"),
        ({"tokenizer_fingerprint": "sha256:00"}, "trained with the tokenizer sha256:00"),
        ({"dtype": "int8"}, "dtype: expected one of"),
        ({"base": 3}, "base: expected a string or null"),
        ({"reading": {"max_length": 10}}, "reading: expected an object with"),
        ({"reading": {**READING, "answer_room": "a"}}, "answer_room: expected a whole"),
        ({"reading": {**READING, "segment_seconds": -1}}, "segment_seconds: got -1"),
        ({"reading": {**READING, "form": "verse"}}, "reading.form: got 'verse'"),
    ],
)
def test_an_altered_description_is_told(changes, message, folder, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_model(altered(folder, tmp_path, **changes))


def test_missing_and_exchanged_files_are_told(folder, tmp_path):
    with pytest.raises(FileExistsError, match="exists and is not an empty folder"):
        save_model(folder, *trained({}), ECG)
    with pytest.raises(ValueError, match=r"load it with ecgbyte\.hub\.load_model"):
        load_language_model(str(folder))
    with pytest.raises(ValueError, match="was trained with the tokenizer"):
        load_model(folder, small_tokenizer(boundary="record"))
    with pytest.raises(ValueError, match="holds a whole model, expected none"):
        load_model(folder, base="somewhere")
    copy = altered(folder, tmp_path)
    small_tokenizer(boundary="record").save(copy / "ecg_tokenizer.json")
    with pytest.raises(ValueError, match="was trained with the tokenizer"):
        load_model(copy)
    (copy / "ecg_tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"ecg_tokenizer\.json"):
        load_model(copy)
    (copy / "ecg_tokens.json").write_text("{")
    with pytest.raises(ValueError, match="expected JSON, got a damaged file"):
        load_model(copy)
    (copy / "ecg_tokens.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected a saved model with ecg_tokens\.json"):
        load_model(copy)


def test_code_in_a_folder_is_never_run(folder, tmp_path):
    copy = altered(folder, tmp_path)
    configuration = json.loads((copy / "config.json").read_text())
    configuration["auto_map"] = {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}
    configuration["model_type"] = "evil"
    (copy / "config.json").write_text(json.dumps(configuration))
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\nclass Model: pass\nclass Config: pass\n")
    with pytest.raises(ValueError):
        load_model(copy)
    assert not (tmp_path / "executed").exists()
