"""One page that holds records, their tokens, and all it takes to cut them anew; it needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from ecgbyte._version import __version__
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.viz.measures import check_token, with_merges
from ecgbyte.viz.page_content import page_content
from ecgbyte.viz.printout import unknown_filter_line

# In the order in which they build on one another.
SCRIPTS = (
    "packing.js",
    "tokenizer.js",
    "shapes.js",
    "paper.js",
    "drawing.js",
    "card.js",
    "vocabulary.js",
    "measures.js",
    "page.js",
    "controls.js",
)


def token_page(
    records: Sequence[Record],
    tokenizer: ECGTokenizer,
    *,
    filter_lines: Sequence[str] | None = None,
    num_merges: int | None = None,
    token: int | None = None,
    title: str = "What a language model sees of an ECG",
    note: str = "",
) -> str:
    """Write a page that shows records on ECG paper, each token a stretch of colour.

    Pointing at a token shows where else it occurs and what it is made of; a slider cuts the records anew with fewer
    merges, in the page, with the same ids as the library.

    Parameters
    ----------
    records : sequence of Record
        As the tokenizer takes them: preprocessed, of its rate and leads. One at least; some 100 kB each at 250 Hz.
    tokenizer : ECGTokenizer
        With a range.
    filter_lines : sequence of str, optional
        What was done to each record, see `ecgbyte.viz.filter_line`.
    num_merges : int, optional
        The number of merges that the page starts with; all of them where nothing is said.
    token : int, optional
        The token that is chosen at the start.
    title, note : str
        The heading, and a line at the foot, such as where the records come from.

    Returns
    -------
    str
        HTML, complete in itself. The same arguments give the same text. It holds the records' ids and samples and
        nothing else about them.

    Raises
    ------
    ImportError
        If jinja2 is missing.
    TypeError, ValueError
        If there is no record, an argument does not fit, or `ecgbyte.ECGTokenizer.encode` refuses a record.
    """
    if isinstance(records, (str, Record)):
        raise TypeError(f"records: got {type(records).__name__}, expected a list of records")
    shown = list(records)
    for place, record in enumerate(shown):
        if not isinstance(record, Record):
            raise TypeError(f"records: got {type(record).__name__} at {place}, expected an ecgbyte Record")
    if not shown:
        raise ValueError("records: got none, expected at least one")
    if filter_lines is None:
        filter_lines = [unknown_filter_line(tokenizer.preprocessing, record.sampling_rate) for record in shown]
    if isinstance(filter_lines, str) or len(filter_lines) != len(shown):
        raise ValueError(f"filter_lines: got {filter_lines!r}, expected {len(shown)} lines, one for each record")
    num_merges = len(tokenizer.merges) if num_merges is None else num_merges
    check_token(token, with_merges(tokenizer, num_merges))
    content = page_content(shown, tokenizer, list(filter_lines), int(num_merges), token)
    return (
        _environment()
        .get_template("tokens.html.j2")
        .render(
            title=title,
            note=note,
            version=__version__,
            facts=_facts(tokenizer),
            data=_as_json(content),
            style=_source("templates", "tokens.css"),
            scripts=[(name, _source("scripts", name)) for name in SCRIPTS],
        )
    )


def _facts(tokenizer: ECGTokenizer) -> list[tuple[str, str]]:
    """What a reader may want to know about the tokenizer: names and texts."""
    limits = tokenizer.amplitude_range
    facts = [
        (
            "Tokenizer",
            f"{tokenizer.fingerprint}, {len(tokenizer.merges):,} merges of {tokenizer.alphabet_size} letters",
        ),
        (
            "Range",
            f"{limits.low:.3f} to {limits.high:.3f} mV"
            if isinstance(limits, AmplitudeRange)
            else "each record's own smallest and largest sample",
        ),
        ("Matching rule", tokenizer.matching),
        ("No token crosses", f"the end of a {tokenizer.boundary}"),
    ]
    if tokenizer.training is not None:
        training = tokenizer.training
        facts.append(("Trained on", f"{training.records:,} records, {training.symbols:,} samples"))
    return facts


def _environment() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise ImportError("token_page needs jinja2: pip install 'ecgbyte[viz]'") from error
    return jinja2.Environment(
        loader=jinja2.PackageLoader("ecgbyte.viz", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _as_json(content: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _source(folder: str, name: str) -> str:
    """A style sheet or script of this package, as it is."""
    return (resources.files("ecgbyte.viz") / folder / name).read_text(encoding="utf-8")
