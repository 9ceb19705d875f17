"""The methods, by name: what each reads, which encoder it has, and which of the published faults it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from ecgbyte.checks import check_option

ENCODERS = ("merl", "vit", "clip", "clip-vit")
AS_PUBLISHED, FROM_SCRATCH = "-as-published", "-from-scratch"


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes
    ----------
    name : str
        As in ``runs.csv``.
    reads : str
        ``"tokens"``: the ECG tokenizer's ids, as tokens of the language model. ``"features"``: one vector of a frozen
        encoder. ``"signals"``: the signal itself, through layers trained together with the language model.
        ``"text"``: the question alone, no ECG. ``"training-answers"``: no language model at all.
    encoder : str
        One of `ENCODERS`, ``"linear-patches"``, or empty.
    as_published : bool
        Whether the faults of the published code are on.
    matching : str
        For tokens: the tokenizer's ``matching``.
    """

    name: str
    reads: str
    encoder: str = ""
    as_published: bool = False
    matching: str = ""

    @property
    def family(self) -> str:
        """The family of the paper's comparison that the method belongs to."""
        if self.reads == "signals":
            return "no pretraining"
        return {"tokens": "end to end", "features": "two-stage"}.get(self.reads, "trivial")

    @property
    def is_trained(self) -> bool:
        """Whether a language model is trained."""
        return self.reads != "training-answers"

    @property
    def sees_ecg(self) -> bool:
        """Whether anything of the ECG reaches the method."""
        return self.reads in ("tokens", "features", "signals")

    @property
    def stage(self) -> str:
        """The stage in which the language model is trained."""
        return "stage-2" if self.reads == "features" else "end-to-end"


_ALL = (
    Method("ecg-byte", "tokens", matching="longest"),
    Method("ecg-byte-merge-order", "tokens", matching="merge-order"),
    *(Method(name, "features", name) for name in ENCODERS),
    *(Method(name + AS_PUBLISHED, "features", name, as_published=True) for name in ENCODERS),
    *(Method(name + FROM_SCRATCH, "signals", name) for name in ENCODERS),
    Method("linear-patches", "signals", "linear-patches"),
    Method("text-only", "text"),
    Method("most-frequent", "training-answers"),
    Method("nearest-question", "training-answers"),
)
METHODS = {method.name: method for method in _ALL}


def find_method(name: str) -> Method:
    """The method called `name`.

    Raises
    ------
    ValueError
        If there is none.
    """
    return METHODS[check_option("method", name, tuple(METHODS))]
