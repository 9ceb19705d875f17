"""Words of texts in any script, for measures that count words.

rouge-score's own tokenizer keeps the letters a to z and digits alone: of a Chinese or Russian text nothing is left, and
of ``"überhöht"`` there are three words, ``berh``, ``h`` and ``ht``. On texts in ASCII the words here are the same.
"""

from __future__ import annotations

import functools
import unicodedata

TOKENS_SIGNATURE = "unicode:nfc,case:folded,letters+digits+marks,unspaced-scripts-by-character"
# Scripts that write no spaces between words: each character counts as a word. First and last code point of each block.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),  # ideographic marks
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # CJK ideographs
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def words(text: str) -> list[str]:
    """The words of a text, as `composed` writes it.

    A word is a run of letters, digits and the marks upon them; of scripts that are written without spaces each
    character is one, with its marks.

    Examples
    --------
    >>> words("ST-Hebung: überhöht, V2")
    ['st', 'hebung', 'überhöht', 'v2']
    >>> words("窦性心律 70")
    ['窦', '性', '心', '律', '70']
    """
    if text.isascii():
        spaced = "".join(character if character.isalnum() else " " for character in text.lower())
        return spaced.split()
    found: list[str] = []
    joins = False  # whether the next letter continues the last word
    for character in composed(text):
        kind = _kind(character)
        if (kind == "mark" and found and joins) or (kind == "letter" and joins and not _is_unspaced(found[-1][0])):
            found[-1] += character
        elif kind in ("letter", "unspaced"):
            found.append(character)
        joins = kind in ("letter", "unspaced") or (kind == "mark" and joins)
    return found


def composed(text: str) -> str:
    """A text without regard to case and to how its characters are composed: ``"GROSS"`` and ``"groß"`` are the same."""
    return (
        text.lower() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


class WordTokenizer:
    """`words` as rouge-score takes a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        return words(text)


@functools.lru_cache(4096)
def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "M":
        return "mark"
    if category[0] == "L" or category == "Nd":
        return "unspaced" if _is_unspaced(character) else "letter"
    return "letter" if category in ("Nl", "No") else "other"


@functools.lru_cache(4096)
def _is_unspaced(character: str) -> bool:
    point = ord(character)
    return any(first <= point <= last for first, last in _UNSPACED)
