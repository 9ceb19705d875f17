"""Chat messages with ECGs in them, as stretches of text, ECGs and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = "<ecg>"
_ROLE_OF_ANSWERS = "assistant"


@dataclass(frozen=True, eq=False)
class Stretch:
    """A part of a sequence.

    Attributes
    ----------
    text : str
        What is read as text; empty where an ECG stands.
    ecg : object or None
        The ECG that stands there.
    answered : bool
        Whether a model learns to write it.
    """

    text: str = ""
    ecg: Any = None
    answered: bool = False


def split_at_placeholders(text: str, ecgs: Sequence[Any]) -> list[Stretch]:
    """Put ECGs where ``<ecg>`` stands in a text; before the text where it stands nowhere, as published.

    Raises
    ------
    ValueError
        If there are more or fewer placeholders than ECGs.

    Examples
    --------
    >>> [stretch.text or stretch.ecg for stretch in split_at_placeholders("Compare <ecg> and <ecg>.", [1, 2])]
    ['Compare ', 1, ' and ', 2, '.']
    """
    pieces = text.split(PLACEHOLDER)
    if len(pieces) == 1 and ecgs:
        return [*(Stretch(ecg=ecg) for ecg in ecgs), *_text(text)]
    if len(pieces) - 1 != len(ecgs):
        raise ValueError(f"ecgs: got {len(ecgs)} for {len(pieces) - 1} times {PLACEHOLDER} in the text")
    stretches = _text(pieces[0])
    for ecg, piece in zip(ecgs, pieces[1:], strict=True):
        stretches += [Stretch(ecg=ecg), *_text(piece)]
    return stretches


def split_chat(
    text_tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    ecgs: Sequence[Any],
    *,
    add_generation_prompt: bool,
    with_answers: bool,
    template: Mapping[str, Any],
) -> list[Stretch]:
    """Write messages by the chat template of a text tokenizer, and cut the text at ECGs and answers.

    Parameters
    ----------
    text_tokenizer : transformers tokenizer
    messages : list of dict
        ``role`` and ``content``: a string, in which ``<ecg>`` stands for the next of `ecgs`, or a list of parts
        ``{"type": "text", "text": ...}`` and ``{"type": "ecg", "ecg": ...}``; in an ECG's part without ``ecg`` stands
        the next of `ecgs`.
    ecgs : list
    add_generation_prompt : bool
        End with what begins an answer.
    with_answers : bool
        Mark what the assistant says as answers.
    template : dict
        Options of the template, such as ``chat_template``.

    Returns
    -------
    list of Stretch

    Raises
    ------
    ValueError
        If a message has no role or content, ECGs are missing or left over, or, with answers, the template does not
        write a chat's beginning as it writes the beginning of the whole chat.
    """
    marks = _Marks(messages, ecgs)
    plain = marks.messages

    def written(count: int, prompt: bool) -> str:
        text: str = text_tokenizer.apply_chat_template(
            plain[:count], tokenize=False, add_generation_prompt=prompt, **template
        )
        return text

    whole = written(len(plain), add_generation_prompt)
    stretches: list[Stretch] = []
    end = 0
    if with_answers:
        for place, message in enumerate(plain):
            if message["role"] != _ROLE_OF_ANSWERS:
                continue
            before, after = written(place, True), written(place + 1, False)
            if not (whole.startswith(after) and after.startswith(before) and len(before) >= end):
                raise ValueError(
                    f"messages: the chat template writes the beginning of a chat, up to message {place}, in another "
                    "way than the whole, so that the answer in it cannot be told; give one answer a chat, or labels"
                )
            stretches += marks.cut(whole[end : len(before)], answered=False)
            stretches += marks.cut(whole[len(before) : len(after)], answered=True)
            end = len(after)
        if end == 0:
            raise ValueError(f"messages: expected one of the role {_ROLE_OF_ANSWERS!r}, whose words are learnt")
    stretches += marks.cut(whole[end:], answered=False)
    marks.check_all_met(stretches)
    return stretches


class _Marks:
    """Messages with a mark, which none of their texts holds, in the place of each ECG."""

    def __init__(self, messages: Sequence[Mapping[str, Any]], ecgs: Sequence[Any]) -> None:
        self._ecgs: list[Any] = []
        waiting = list(ecgs)
        parts = [_parts(place, message) for place, message in enumerate(messages)]
        texts = [part for message in parts for part in message if isinstance(part, str)]
        number = 0
        while any(f"<|ecg-{number}-" in text for text in texts):
            number += 1
        self._number = number
        self.messages: list[dict[str, Any]] = []
        for message, message_parts in zip(messages, parts, strict=True):
            content = ""
            for part in message_parts:
                if isinstance(part, str):
                    content += part
                    continue
                ecg = part.get("ecg")
                if ecg is None:
                    if not waiting:
                        raise ValueError(f"ecgs: got {len(ecgs)}, the messages have places for more")
                    ecg = waiting.pop(0)
                content += self._mark(len(self._ecgs))
                self._ecgs.append(ecg)
            self.messages.append({**message, "content": content})
        if waiting:
            raise ValueError(f"ecgs: got {len(ecgs)}, the messages have places for {len(ecgs) - len(waiting)}")

    def _mark(self, place: int) -> str:
        return f"<|ecg-{self._number}-{place}|>"

    def cut(self, text: str, *, answered: bool) -> list[Stretch]:
        """Cut a written text at the marks."""
        stretches: list[Stretch] = []
        for place, ecg in enumerate(self._ecgs):
            before, found, after = text.partition(self._mark(place))
            if found:
                stretches += [*_text(before, answered), Stretch(ecg=ecg, answered=False)]
                text = after
        return [*stretches, *_text(text, answered)]

    def check_all_met(self, stretches: Sequence[Stretch]) -> None:
        """Refuse a template that leaves out or repeats a message with an ECG."""
        met = [stretch.ecg for stretch in stretches if stretch.ecg is not None]
        if len(met) != len(self._ecgs) or any(one is not other for one, other in zip(met, self._ecgs, strict=True)):
            raise ValueError(
                f"messages: the chat template writes {len(met)} of {len(self._ecgs)} ECGs, or in another order"
            )


def _parts(place: int, message: Mapping[str, Any]) -> list[str | Mapping[str, Any]]:
    if "role" not in message or "content" not in message:
        raise ValueError(f"messages: number {place} has {', '.join(message) or 'nothing'}, expected role and content")
    content = message["content"]
    if isinstance(content, str):
        pieces = content.split(PLACEHOLDER)
        parts: list[str | Mapping[str, Any]] = [pieces[0]]
        for piece in pieces[1:]:
            parts += [{"type": "ecg"}, piece]
        return parts
    parts = []
    for part in content:
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            parts.append(part["text"])
        elif part.get("type") == "ecg":
            parts.append(part)
        else:
            raise ValueError(
                f"messages: number {place} has a part of type {part.get('type')!r}, expected 'text' with text, or 'ecg'"
            )
    return parts


def _text(text: str, answered: bool = False) -> list[Stretch]:
    return [Stretch(text=text, answered=answered)] if text else []
