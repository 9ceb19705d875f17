"""Training a tokenizer: corpus, merges, and the summary of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ecgbyte.bpe import MATCHING, Vocabulary, train_merges
from ecgbyte.bpe.training import MAX_COUNT, MAX_TOKENS
from ecgbyte.checks import check_num_threads, check_option, whole_number
from ecgbyte.progress import progress_bar
from ecgbyte.signals.amplitude_range import AmplitudeRange
from ecgbyte.tokenizer.input_signals import Signal
from ecgbyte.tokenizer.tokenizer_content import TokenizerContent, TrainingSummary
from ecgbyte.tokenizer.training_corpus import TrainingCorpus

if TYPE_CHECKING:
    from ecgbyte.signals.preprocess import Preprocessor


def train_content(
    records: Iterable[Signal],
    num_merges: int,
    *,
    amplitude_range: AmplitudeRange | tuple[float, float] | str,
    boundary: str,
    matching: str,
    min_count: int,
    alphabet_size: int,
    sampling_rate: float | None,
    lead_names: Sequence[str] | None,
    preprocessing: Preprocessor | Mapping[str, Any] | None,
    num_threads: int,
    progress: bool,
) -> TokenizerContent:
    """Learn range and merges; see `ecgbyte.ECGTokenizer.train` for the parameters and errors."""
    check_option("matching", matching, MATCHING)
    min_count = whole_number("min_count", min_count, minimum=1, maximum=MAX_COUNT)
    alphabet_size = whole_number("alphabet_size", alphabet_size, minimum=2, maximum=256)
    num_merges = whole_number("num_merges", num_merges, minimum=0, maximum=MAX_TOKENS - alphabet_size)
    num_threads = check_num_threads(num_threads)
    if preprocessing is not None and not isinstance(preprocessing, Mapping):
        preprocessing = preprocessing.settings()
    corpus = TrainingCorpus(
        records,
        amplitude_range=amplitude_range,
        boundary=boundary,
        alphabet_size=alphabet_size,
        sampling_rate=sampling_rate,
        lead_names=lead_names,
        num_threads=num_threads,
        progress=progress,
    )
    with _MergingBar(num_merges, shown=progress) as bar:
        merges = train_merges(
            corpus,
            num_merges,
            alphabet_size=alphabet_size,
            min_count=min_count,
            num_threads=num_threads,
            progress=bar.show,
        )
    return TokenizerContent(
        vocabulary=Vocabulary(merges, alphabet_size=alphabet_size),
        boundary=boundary,
        matching=matching,
        amplitude_range=corpus.amplitude_range,
        sampling_rate=corpus.sampling_rate,
        num_leads=corpus.num_leads,
        lead_names=corpus.lead_names,
        preprocessing=preprocessing,
        training=TrainingSummary(
            records=corpus.num_records,
            symbols=corpus.num_symbols,
            amplitude_range=corpus.range_source,
            merges_requested=num_merges,
            merges_made=len(merges),
            min_count=min_count,
            fingerprint=corpus.fingerprint,
        ),
    )


class _MergingBar:
    """A progress bar that appears with the first merges: before them the bar of the reading stands."""

    def __init__(self, num_merges: int, *, shown: bool) -> None:
        self._num_merges = num_merges
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, made: int) -> None:
        """Take the number of merges made so far."""
        if self._bar is None:
            self._bar = progress_bar(None, "merging", " merges", total=self._num_merges, shown=self._shown)
        self._bar.update(made - self._bar.n)
