"""ECG tokens in a language model's vocabulary: ``signal_0``, ``signal_1``, ..., ``<sig_start>`` and ``<sig_end>``.

Beside them, on demand, a marker for each lead (`ecgbyte.models.language.lead_markers`).

Where a token stands is always asked of the text tokenizer, by its string. The published code computed it from the
order in which tokens were added, and so moved rows by up to 4 places when a model was loaded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from transformers import AddedToken

from ecgbyte.checks import check_option
from ecgbyte.models.language.lead_markers import marker_strings, stored_markers

START, END, SIGNAL = "<sig_start>", "<sig_end>", "<signal>"
# In the folder of a saved model: which ECG tokenizer its ECG tokens belong to.
DESCRIPTION_FILE = "ecg_tokens.json"
INITIALISATIONS = ("mean", "random", "waveform", "as-published")
_SHAPE_POINTS = 8
# How far new rows stand from the mean of the text rows, in deviations of these. Where the output layer is tied to the
# embedding, a new row is also a rival of every answer: at full deviation, 3,500 of them take SmolLM2-135M's answers
# over (loss 10 to 12 instead of 8.9), at a quarter they take less than a thousandth.
_MEAN_SHARE, _TIED_WAVEFORM_SHARE = 0.1, 0.25


def ecg_token(token_id: int) -> str:
    """Return the string of an ECG token in the language model's vocabulary."""
    return f"signal_{token_id}"


@dataclass(frozen=True, eq=False)
class ECGTokenMap:
    """Where the ECG tokens stand in a language model's vocabulary.

    Parameters
    ----------
    ids : int64 [ECG vocabulary]
        The language model's id of each ECG token; empty where an encoder's vector takes their place.
    start_id, end_id : int
        ``<sig_start>`` and ``<sig_end>``.
    signal_id : int or None
        ``<signal>``, the position of an encoder's vector.
    fingerprint : str or None
        Of the ECG tokenizer the ids belong to, where it is known.
    lead_ids : int64 [leads]
        The markers of the leads, in canonical order; empty where leads are not marked.
    token_lengths : int64 [ECG vocabulary] or None
        Samples that each ECG token covers, where the map was made with the ECG tokenizer.
    lead_names : tuple of str or None
        The leads of its ECGs, where they are known.
    """

    ids: np.ndarray
    start_id: int
    end_id: int
    signal_id: int | None = None
    fingerprint: str | None = None
    lead_ids: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    token_lengths: np.ndarray | None = None
    lead_names: tuple[str, ...] | None = None

    @property
    def vocabulary_size(self) -> int:
        """Number of ECG tokens."""
        return len(self.ids)

    def all_ids(self) -> list[int]:
        """Return the language model's ids of all tokens that were added for ECGs."""
        last = [] if self.signal_id is None else [self.signal_id]
        return [*map(int, self.ids), self.start_id, self.end_id, *last, *map(int, self.lead_ids)]

    def shown_ids(self) -> np.ndarray:
        """Return the language model's id of each ECG token and, after them, of each lead's marker, int64."""
        return np.concatenate([self.ids, self.lead_ids])


def add_ecg_tokens(
    model: Any,
    text_tokenizer: Any,
    ecg: Any,
    *,
    initialisation: str | None = None,
    lead_markers: Sequence[str] = (),
    seed: int = 0,
) -> ECGTokenMap:
    """Add the ECG vocabulary to a language model.

    Tokens that the text tokenizer already has keep their rows, so a pretrained checkpoint is continued as it is. What
    the model makes of text stays as it is: rows of text are not touched, and the models of this project keep the new
    tokens out of the softmax of answers (`ecgbyte.models.ecg_language_model.ECGLanguageModel`). With ``"mean"`` and
    ``"waveform"`` it stays, to less than a hundredth of a nat, even where they are let into it.

    Parameters
    ----------
    model : transformers causal language model
        Its embeddings are resized in place.
    text_tokenizer : transformers tokenizer
        Gets the tokens, in place.
    ecg : ECGTokenizer, bpe.Vocabulary or int
        The ECG vocabulary, or its size.
    initialisation : "mean", "random", "waveform", "as-published" or None
        New rows are drawn around the mean of the text rows, with the standard deviation of the text rows in each
        dimension (``"random"``) or a tenth of it (``"mean"``: without the tenth, frozen rows would all be the same and
        would carry nothing). ``"waveform"``: a random projection of what each token looks like
        (`describe_waveforms`), so that tokens which look alike start alike; it needs the symbols, not only the size.
        Its deviation is that of the text rows, or a quarter of it where the output layer is tied to the embedding; rows
        of an output layer of its own start as with ``"mean"``. ``"as-published"``: what transformers gives new rows
        where nothing is said, the mean of all rows but for noise of a thirty-thousandth of their deviation, so that
        frozen rows carry next to nothing. None: ``"waveform"`` where the symbols are known, as
        these rows can be told apart from the first step on and do no harm, else ``"mean"``.
    lead_markers : sequence of str
        The leads of the ECGs, in canonical order, to have a marker each (`ecgbyte.models.language.lead_markers`);
        none without.
    seed : int

    Returns
    -------
    ECGTokenMap

    Raises
    ------
    ValueError
        If the tokenizer already has another ECG vocabulary, or an option is unknown.
    """
    vocabulary_size, vocabulary, fingerprint = _vocabulary(ecg)
    if initialisation is None:
        initialisation = "mean" if vocabulary is None else "waveform"
    check_option("initialisation", initialisation, INITIALISATIONS)
    if initialisation == "waveform" and vocabulary is None:
        raise ValueError("initialisation: 'waveform' needs an ECGTokenizer or a Vocabulary, got only its size")
    # A published vocabulary names its tokens in the order that its checkpoints have the rows in.
    strings = list(ecg.get_vocab()) if hasattr(ecg, "get_vocab") else list(map(ecg_token, range(vocabulary_size)))
    known = text_tokenizer.get_vocab()
    stored = count_ecg_tokens(text_tokenizer)
    if stored not in (0, vocabulary_size):
        raise ValueError(f"ecg: the text tokenizer has {stored} ECG tokens, the ECG vocabulary has {vocabulary_size}")
    markers = marker_strings(lead_markers)
    if stored and stored_markers(text_tokenizer) != markers:
        raise ValueError(
            f"lead_markers: the text tokenizer has {stored_markers(text_tokenizer)}, the ECGs need {markers}"
        )
    new = [string for string in [*strings, START, END, *markers] if string not in known]
    _add(model, text_tokenizer, new, "mean" if initialisation == "waveform" else initialisation, seed)
    token_map = find_ecg_tokens(text_tokenizer, vocabulary_size, fingerprint=fingerprint)
    if initialisation == "waveform" and stored == 0:
        rows = _waveform_rows(
            model, describe_waveforms(vocabulary), np.setdiff1d(np.arange(len(known)), token_map.all_ids()), seed
        )
        described = token_map.ids[ecg.used_ids] if hasattr(ecg, "used_ids") else token_map.ids
        with torch.no_grad():
            model.get_input_embeddings().weight[torch.from_numpy(described)] = rows
    lengths = getattr(vocabulary, "lengths", None)
    if lengths is None:
        return token_map
    by_id = np.zeros(vocabulary_size, np.int64)
    by_id[ecg.used_ids if hasattr(ecg, "used_ids") else slice(None)] = lengths
    return replace(token_map, token_lengths=by_id, lead_names=getattr(ecg, "lead_names", None))


def add_signal_token(model: Any, text_tokenizer: Any, *, seed: int = 0) -> ECGTokenMap:
    """Add ``<sig_start>``, ``<signal>`` and ``<sig_end>``, for a model that reads an encoder's vector.

    Parameters
    ----------
    model : transformers causal language model
    text_tokenizer : transformers tokenizer
    seed : int

    Returns
    -------
    ECGTokenMap
        Without ECG tokens, with ``signal_id``.
    """
    known = text_tokenizer.get_vocab()
    _add(model, text_tokenizer, [string for string in (START, SIGNAL, END) if string not in known], "mean", seed)
    return find_ecg_tokens(text_tokenizer, 0)


def count_ecg_tokens(text_tokenizer: Any) -> int:
    """Return how many of ``signal_0``, ``signal_1``, ... a text tokenizer has.

    Raises
    ------
    ValueError
        If one is missing between others.
    """
    numbers = sorted(
        int(string.removeprefix("signal_"))
        for string in text_tokenizer.get_added_vocab()
        if string.startswith("signal_") and string.removeprefix("signal_").isdecimal()
    )
    if numbers != list(range(len(numbers))):
        missing = sorted(set(range(numbers[-1])) - set(numbers))
        raise ValueError(
            f"text_tokenizer: expected the ECG tokens signal_0 to signal_{numbers[-1]}, {missing[:5]} missing"
        )
    return len(numbers)


def find_ecg_tokens(text_tokenizer: Any, vocabulary_size: int, *, fingerprint: str | None = None) -> ECGTokenMap:
    """Return where the ECG tokens of a text tokenizer stand, each found by its string.

    Raises
    ------
    ValueError
        If tokens are missing or there are more.
    """
    stored = count_ecg_tokens(text_tokenizer)
    if stored != vocabulary_size:
        raise ValueError(f"text_tokenizer: expected {vocabulary_size} ECG tokens, got {stored}")
    known = text_tokenizer.get_vocab()
    for string in (START, END):
        if string not in known:
            raise ValueError(f"text_tokenizer: expected the token {string}, it has none; use add_ecg_tokens")
    ids = np.array([known[ecg_token(index)] for index in range(vocabulary_size)], np.int64)
    lead_ids = np.array([known[marker] for marker in stored_markers(text_tokenizer)], np.int64)
    return ECGTokenMap(ids, known[START], known[END], known.get(SIGNAL), fingerprint, lead_ids)


def describe_waveforms(vocabulary: Any) -> np.ndarray:
    """Describe what each token looks like.

    Parameters
    ----------
    vocabulary : bpe.Vocabulary

    Returns
    -------
    float64 [tokens, 14]
        The symbols resampled to 8 points, less their mean, over their largest deviation; mean symbol; slope in symbols
        a sample; logarithm of the length; first and last symbol; largest deviation. Each column has mean 0 and
        standard deviation 1 over the vocabulary.
    """
    columns = []
    grid = np.linspace(0.0, 1.0, _SHAPE_POINTS)
    for token_id in range(vocabulary.size):
        symbols = np.asarray(vocabulary.token_symbols(token_id), np.float64)
        points = (
            np.interp(grid, np.linspace(0.0, 1.0, len(symbols)), symbols)
            if len(symbols) > 1
            else np.full(_SHAPE_POINTS, symbols[0])
        )
        shape = points - points.mean()
        deviation = np.abs(shape).max()
        slope = (symbols[-1] - symbols[0]) / max(1, len(symbols) - 1)
        level = [symbols.mean(), slope, np.log(len(symbols)), symbols[0], symbols[-1], deviation]
        columns.append(np.concatenate([shape / max(deviation, 1e-9), level]))
    features = np.array(columns)
    deviation = features.std(axis=0)
    return (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def _vocabulary(ecg: Any) -> tuple[int, Any, str | None]:
    if isinstance(ecg, int) and not isinstance(ecg, bool):
        if ecg < 1:
            raise ValueError(f"ecg: expected a positive vocabulary size, got {ecg}")
        return ecg, None, None
    if hasattr(ecg, "vocabulary") and hasattr(ecg, "fingerprint"):
        return int(ecg.vocabulary_size), ecg.vocabulary, str(ecg.fingerprint)
    if hasattr(ecg, "token_symbols") and hasattr(ecg, "size"):
        return int(ecg.size), ecg, None
    raise TypeError(f"ecg: expected an ECGTokenizer, a Vocabulary or its size, got {type(ecg).__name__}")


def _add(model: Any, text_tokenizer: Any, strings: list[str], initialisation: str, seed: int) -> None:
    """Add tokens; their rows are drawn around the mean of the rows of the tokens that were there."""
    if not strings:
        return
    before = sorted(text_tokenizer.get_vocab().values())
    text_tokenizer.add_tokens([AddedToken(string, special=True, normalized=False) for string in strings])
    known = text_tokenizer.get_vocab()
    ids = torch.tensor([known[string] for string in strings])
    rows = model.get_input_embeddings().weight.shape[0]
    # A model may have more rows than its tokenizer has tokens; it never loses any.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        published = initialisation == "as-published"
        model.resize_token_embeddings(max(rows, int(ids.max()) + 1), mean_resizing=published)
    if published:
        return
    generator = torch.Generator().manual_seed(seed)
    share = 1.0 if initialisation == "random" else _MEAN_SHARE
    embeddings = [model.get_input_embeddings().weight]
    output = model.get_output_embeddings()
    if output is not None and output.weight is not embeddings[0]:
        embeddings.append(output.weight)
    with torch.no_grad():
        for weight in embeddings:
            text_rows = weight[torch.tensor(before)].float()
            noise = torch.randn(len(ids), weight.shape[1], generator=generator).to(weight.device)
            weight[ids] = (text_rows.mean(0) + share * text_rows.std(0) * noise).to(weight.dtype)


def _waveform_rows(model: Any, features: np.ndarray, text_ids: np.ndarray, seed: int) -> torch.Tensor:
    weight = model.get_input_embeddings().weight
    text_rows = weight[torch.from_numpy(text_ids)].detach().float()
    generator = torch.Generator().manual_seed(seed)
    projection = torch.randn(features.shape[1], weight.shape[1], generator=generator) / features.shape[1] ** 0.5
    rows = torch.from_numpy(features).float() @ projection
    output = model.get_output_embeddings()
    share = _TIED_WAVEFORM_SHARE if output is not None and output.weight is weight else 1.0
    rows = share * rows / rows.std(0) * text_rows.std(0).cpu() + text_rows.mean(0).cpu()
    return rows.to(weight)
