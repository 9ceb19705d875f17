"""Words in any script, and the measures that count them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer

from ecgbyte.metrics.language import exact_match, rouge_scores, rouge_signature
from ecgbyte.metrics.words import words

TEXTS = {
    "Chinese": "窦性心律 左轴偏离",
    "Japanese": "洞調律、左軸偏位",
    "Korean": "동리듬 좌축편위",
    "Russian": "синусовый ритм без отклонений",
    "Greek": "φλεβοκομβικός ρυθμός",
    "Arabic": "نظم جيبي طبيعي",
    "Hindi": "सामान्य साइनस लय",
    "Thai": "จังหวะไซนัสปกติ",
    "German": "sinusrhythmus überhöhte äußere p-wellen für größere",
    "Swedish": "sinusrytm, förmaksflimmer på",
}


@pytest.mark.parametrize("language", TEXTS)
def test_identical_texts_score_100_in_any_script(language: str) -> None:
    text = TEXTS[language]
    for same in (text, text.upper(), unicodedata.normalize("NFD", text), f"  {text}. "):
        assert rouge_scores([text], [same])["rouge-1"] == 100.0
        assert rouge_scores([text], [same])["rouge-l"] == 100.0
    assert exact_match([text], [text.upper()]) == 100.0
    assert exact_match([text], [unicodedata.normalize("NFD", text)]) == 100.0
    # Another text of the same script does not.
    half = words(text)
    assert 0 < rouge_scores([text], [" ".join(half[: len(half) // 2])])["rouge-1"] < 100


def test_umlauts_belong_to_words() -> None:
    assert words("Überhöht, für ÄUßERE") == ["überhöht", "für", "äussere"]
    assert rouge_scores(["überhöht"], ["berh ht"])["rouge-1"] == 0.0
    assert rouge_scores(["für"], ["fr r"])["rouge-1"] == 0.0


def test_scripts_without_spaces_count_characters() -> None:
    assert words("窦性心律不齐70bpm") == ["窦", "性", "心", "律", "不", "齐", "70bpm"]
    assert rouge_scores(["窦性心律"], ["窦性心动"])["rouge-1"] == pytest.approx(75.0)
    assert words("क्षिप्रहृदयता 100") == ["क्षिप्रहृदयता", "100"]
    assert words("\u0301a") == ["a"]  # a mark on nothing


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_words_in_ascii_are_those_of_rouge_score(text: str) -> None:
    assert words(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)


@given(st.text(max_size=40))
def test_words_of_any_text(text: str) -> None:
    found = words(text)
    assert all(found) and not any(any(character.isspace() for character in word) for word in found)
    # Composed or not makes no difference, nor do words apart.
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


def test_lists_of_other_scripts_have_no_order() -> None:
    assert exact_match(["左轴偏离，心房颤动"], ["心房颤动、左轴偏离"]) == 100.0


def test_the_signature_names_the_words() -> None:
    assert "tok:unicode" in rouge_signature()
