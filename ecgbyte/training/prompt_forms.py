"""How question and ECG stand in a prompt: in the published form, or in a model's own chat template.

The published form is ``BOS <ECG> question answer EOS``. A model that was tuned to follow instructions has met questions
in its chat template alone: SmolLM2-135M-Instruct takes answers at less than half the loss there. The template's words
stand around ECG and question, which are one message of the user; the answer is the assistant's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROMPT_FORMS = ("published", "chat")
# Stand for what the template is filled with; no template changes them, and no text holds them.
_MESSAGE, _ANSWER = "\ue000message\ue001", "\ue000answer\ue001"


@dataclass(frozen=True)
class PromptForm:
    """What stands around an ECG with its question, and before the answer.

    Parameters
    ----------
    name : "published" or "chat"
    before, after : tuple of int
        Tokens before the ECG and after the question.
    answer_space : bool
        Whether the answer follows after a space.
    """

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    answer_space: bool

    def answer_text(self, answer: str) -> str:
        """Return an answer as it stands in the sequence."""
        answer = answer.strip()
        return " " + answer if answer and self.answer_space else answer


def prompt_form(text_tokenizer: Any, name: str | None = None) -> PromptForm:
    """Return a form of prompts for a text tokenizer.

    Parameters
    ----------
    text_tokenizer : transformers tokenizer
    name : "published", "chat" or None
        None takes the chat template where the tokenizer has one.

    Raises
    ------
    ValueError
        If the name is unknown, or the tokenizer has no chat template, or one that does not end an answer with EOS.
    """
    if name is None:
        name = "chat" if getattr(text_tokenizer, "chat_template", None) else "published"
    if name == "published":
        bos = text_tokenizer.bos_token_id
        return PromptForm(name, () if bos is None else (int(bos),), (), True)
    if name != "chat":
        raise ValueError(f"form: got {name!r}, expected one of {', '.join(map(repr, PROMPT_FORMS))}")
    if not getattr(text_tokenizer, "chat_template", None):
        raise ValueError("form: 'chat' needs a text tokenizer with a chat template, this one has none")
    user = {"role": "user", "content": _MESSAGE}
    asked = text_tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
    answered = text_tokenizer.apply_chat_template([user, {"role": "assistant", "content": _ANSWER}], tokenize=False)
    if asked.count(_MESSAGE) != 1 or not answered.startswith(asked + _ANSWER):
        raise ValueError(
            "form: expected a chat template that holds the user's message once and the answer right after the opening "
            "of the assistant's turn"
        )
    end = answered[len(asked) + len(_ANSWER) :]
    if not end.startswith(text_tokenizer.eos_token or _ANSWER):
        raise ValueError(
            f"form: expected a chat template that ends an answer with EOS ({text_tokenizer.eos_token!r}), got {end!r}"
        )
    before, after = (
        tuple(int(token) for token in text_tokenizer.encode(part, add_special_tokens=False))
        for part in asked.split(_MESSAGE)
    )
    return PromptForm(name, before, after, False)
