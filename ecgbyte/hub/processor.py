"""`ECGProcessor`: texts and chats with ECGs to a model's inputs, as processors of transformers do for images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import BatchFeature
from transformers.processing_utils import ProcessorMixin

from ecgbyte.checks import whole_number
from ecgbyte.hub.batching import Padding, Part, as_lists, to_columns
from ecgbyte.hub.chat_text import Stretch, split_at_placeholders, split_chat
from ecgbyte.hub.plain_form import plain_text_ids
from ecgbyte.models.language.ecg_tokens import find_ecg_tokens
from ecgbyte.signals.records import Record
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.stored_preprocessing import preprocessor_from_settings


class ECGProcessor(ProcessorMixin):
    """Texts or chat messages with ECGs to ``input_ids``, ``attention_mask`` and ``labels``.

    Parameters
    ----------
    tokenizer : transformers tokenizer
        With the ECG tokens (`ecgbyte.models.language.ecg_tokens.add_ecg_tokens`).
    ecg : ECGTokenizer
        The one whose tokens these are.
    max_length : int, optional
        What `collate` cuts to; nothing is cut where None.
    preprocess : bool
        Apply the preprocessing that the ECG tokenizer names to every `Record`; arrays are taken as they are.
    chat_template : str, optional
        Instead of the tokenizer's own.

    Raises
    ------
    ValueError
        If the text tokenizer lacks the ECG tokens, or has another number of them.

    Notes
    -----
    An ECG is a `Record`, a signal float [leads, samples] in mV, an `Encoding`, or token ids, int [tokens]. In the
    sequence stand ``<sig_start>``, its tokens, and ``<sig_end>``. Names of ECG tokens that stand in a text are read as
    text, unless ``ecg_names_in_text=True`` asks otherwise.

    *Thread-safety*: as the text tokenizer.

    Examples
    --------
    ::

        add_ecg_tokens(model, tokenizer, ecg)
        processor = ECGProcessor(tokenizer, ecg)
        batch = processor("Is this ECG normal?", ecgs=record, return_tensors="pt")
        chat = [{"role": "user", "content": [{"type": "ecg", "ecg": record}, {"type": "text", "text": "Normal?"}]}]
        batch = processor.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
    """

    def __init__(
        self,
        tokenizer: Any,
        ecg: ECGTokenizer | None = None,
        max_length: int | None = None,
        preprocess: bool = False,
        chat_template: str | None = None,
    ) -> None:
        if not isinstance(ecg, ECGTokenizer):
            raise TypeError(f"ecg: got {type(ecg).__name__}, expected an ECGTokenizer")
        super().__init__(tokenizer, chat_template=chat_template)
        self.ecg_tokenizer = ecg
        self.max_length = None if max_length is None else whole_number("max_length", max_length, minimum=1)
        self.preprocess = preprocess
        self._token_map = find_ecg_tokens(tokenizer, len(ecg), fingerprint=ecg.fingerprint)
        self._ecg_ids = frozenset(self._token_map.all_ids())
        self._preprocessor = preprocessor_from_settings(ecg.preprocessing) if preprocess else None

    @classmethod
    def get_attributes(cls) -> list[str]:
        """What transformers saves and loads; the ECG tokenizer has a file of its own."""
        return ["tokenizer"]

    @property
    def model_input_names(self) -> list[str]:
        """Keys of what `__call__` gives."""
        return ["input_ids", "attention_mask", "labels"]

    def __call__(
        self,
        text: str | Sequence[str],
        ecgs: Any = None,
        *,
        answers: str | Sequence[str] | None = None,
        add_special_tokens: bool = True,
        ecg_names_in_text: bool = False,
        padding: bool | str = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Sequences in the published form: BOS, ECG, question, and with `answers` the answer and EOS.

        Parameters
        ----------
        text : str or list of str
            ``<ecg>`` marks where an ECG stands; where there is none, it stands before the text.
        ecgs : ECG, or list of ECGs, or list of lists of them
            For one text one or more; for several a list with the ECG or the ECGs of each.
        answers : str or list of str, optional
            One for each text; they are the labels. Without them there are no labels.
        add_special_tokens : bool
            BOS before, and EOS behind the answer.
        ecg_names_in_text : bool
            Read ``signal_12`` in a text as that token, see `ecgbyte.hub.plain_form`.
        padding : bool or str
            ``True`` or ``"longest"``, ``"max_length"``, ``False`` or ``"do_not_pad"``; on the side that the tokenizer
            pads on.
        truncation : bool
            Cut ECGs from their ends until `max_length` is kept, the longest first. Text is never cut.
        max_length : int, optional
        return_tensors : {"pt", "np"}, optional
            Lists of int where None.

        Returns
        -------
        transformers.BatchFeature
            ``input_ids`` and ``attention_mask`` [samples, positions]; with answers also ``labels``, -100 where nothing
            is learnt.

        Raises
        ------
        ValueError
            If numbers of texts, ECGs and answers do not go together, a text leaves an ECG no room, or an ECG does not
            fit the tokenizer.
        """
        texts = [text] if isinstance(text, str) else list(text)
        given = as_lists(ecgs, single=isinstance(text, str), count=len(texts))
        replies: list[str | None] = [None] * len(texts)
        if answers is not None:
            replies = [answers] if isinstance(answers, str) else list(answers)
            if len(replies) != len(texts):
                raise ValueError(f"answers: got {len(replies)} for {len(texts)} texts")
        samples = []
        for one, own, reply in zip(texts, given, replies, strict=True):
            stretches = split_at_placeholders(one, own)
            if reply is not None and reply.strip():
                stretches.append(Stretch(text=" " + reply.strip(), answered=True))
            samples.append(self._parts(stretches, ecg_names_in_text))
            if add_special_tokens:
                self._add_ends(samples[-1], has_answer=reply is not None)
        options = Padding(padding, truncation, max_length)
        return self._batch(samples, answers is not None, options, return_tensors)

    def apply_chat_template(
        self,
        conversation: Sequence[Any],
        ecgs: Any = None,
        *,
        add_generation_prompt: bool = False,
        labels: bool = False,
        ecg_names_in_text: bool = False,
        padding: bool | str = False,
        truncation: bool = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        **template: Any,
    ) -> BatchFeature:
        """Sequences in the form of the tokenizer's chat template.

        Parameters
        ----------
        conversation : list of dict, or list of such lists
            Messages, see `ecgbyte.hub.chat_text.split_chat`.
        ecgs
            As in `__call__`; those that do not stand in the messages themselves.
        add_generation_prompt : bool
            End with what begins an answer, for generation.
        labels : bool
            What the assistant says is learnt, all else is -100.
        ecg_names_in_text, padding, truncation, max_length, return_tensors
            As in `__call__`.
        **template
            Further options of the template, such as ``chat_template`` or ``enable_thinking``.

        Returns
        -------
        transformers.BatchFeature

        Raises
        ------
        ValueError
            As `__call__` and `ecgbyte.hub.chat_text.split_chat`.
        """
        for option in ("tokenize", "return_dict"):
            if not template.pop(option, True):
                raise ValueError(f"{option}: expected True; the text alone is what the tokenizer's own method gives")
        single = bool(conversation) and isinstance(conversation[0], Mapping)
        chats = [conversation] if single else list(conversation)
        if self.chat_template is not None:
            template.setdefault("chat_template", self.chat_template)
        samples = [
            self._parts(
                split_chat(
                    self.tokenizer,
                    chat,
                    own,
                    add_generation_prompt=add_generation_prompt,
                    with_answers=labels,
                    template=template,
                ),
                ecg_names_in_text,
            )
            for chat, own in zip(chats, as_lists(ecgs, single=single, count=len(chats)), strict=True)
        ]
        return self._batch(samples, labels, Padding(padding, truncation, max_length), return_tensors)

    def collate(self, features: Sequence[Mapping[str, Any]]) -> BatchFeature:
        """A training batch, for ``Trainer(data_collator=processor.collate)`` with ``remove_unused_columns=False``.

        Parameters
        ----------
        features : list of dict
            ``messages``, or ``question`` and ``answer``; and ``ecg`` (one) or ``ecgs`` (a list), where there are any.

        Returns
        -------
        transformers.BatchFeature
            Tensors, padded to the longest and cut to the processor's `max_length`.

        Raises
        ------
        ValueError
            If a feature holds neither, or features of both kinds are mixed.
        """
        ecgs = []
        for feature in features:
            own = [] if feature.get("ecg") is None else [feature["ecg"]]
            ecgs.append(own if feature.get("ecgs") is None else feature["ecgs"])
        options: dict[str, Any] = {
            "padding": True,
            "truncation": self.max_length is not None,
            "max_length": self.max_length,
            "return_tensors": "pt",
        }
        if all("messages" in feature for feature in features):
            return self.apply_chat_template([feature["messages"] for feature in features], ecgs, labels=True, **options)
        for place, feature in enumerate(features):
            if "messages" in feature or not {"question", "answer"} <= feature.keys():
                raise ValueError(
                    f"features: number {place} has {', '.join(feature)}, expected messages in all, or question and "
                    "answer in all"
                )
        questions = [feature["question"] for feature in features]
        return self(questions, ecgs, answers=[feature["answer"] for feature in features], **options)

    def batch_decode(self, *arguments: Any, **options: Any) -> list[str]:
        """As the text tokenizer's."""
        texts: list[str] = self.tokenizer.batch_decode(*arguments, **options)
        return texts

    def decode(self, *arguments: Any, **options: Any) -> str:
        """As the text tokenizer's."""
        text: str = self.tokenizer.decode(*arguments, **options)
        return text

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], push_to_hub: bool = False, **options: Any
    ) -> list[str]:
        """Write both tokenizers and the settings into a folder, which may hold the model."""
        written = [*super().save_pretrained(save_directory), *self.ecg_tokenizer.save_pretrained(save_directory)]
        if push_to_hub:
            self.push_to_hub(options.pop("repo_id", Path(save_directory).resolve().name), **options)
        return written

    @classmethod
    def _get_arguments_from_pretrained(
        cls, pretrained_model_name_or_path: Any, processor_dict: Any = None, **kwargs: Any
    ) -> list[Any]:
        hub = {
            key: kwargs[key]
            for key in ("revision", "cache_dir", "token", "local_files_only", "force_download", "subfolder")
            if kwargs.get(key)
        }
        kwargs["trust_remote_code"] = False  # nothing that lies beside a model is run
        tokenizer = super()._get_arguments_from_pretrained(pretrained_model_name_or_path, processor_dict, **kwargs)
        return [*tokenizer, ECGTokenizer.from_pretrained(str(pretrained_model_name_or_path), **hub)]

    def encode_ecg(self, ecg: Any) -> np.ndarray:
        """The ids of an ECG in the ECG tokenizer, int [tokens], from any of its forms."""
        if isinstance(ecg, Encoding):
            return ecg.ids
        if isinstance(ecg, Record):
            return self.ecg_tokenizer.encode(ecg if self._preprocessor is None else self._preprocessor.apply(ecg)).ids
        array = np.asarray(ecg)
        if array.ndim == 1 and array.dtype.kind in "iu":
            return array
        if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
            raise TypeError(f"ecgs: got {array.dtype}, expected float32 or float64 in mV")
        return self.ecg_tokenizer.encode(array).ids

    def _parts(self, stretches: Sequence[Stretch], ecg_names_in_text: bool) -> list[Part]:
        parts = []
        for stretch in stretches:
            if stretch.ecg is not None:
                ids = self.encode_ecg(stretch.ecg)
                if len(ids) and not 0 <= ids.min() <= ids.max() < len(self.ecg_tokenizer):
                    raise ValueError(
                        f"ecgs: got ids {ids.min()} to {ids.max()}, expected 0 to {len(self.ecg_tokenizer) - 1}"
                    )
                parts.append(Part(self._token_map.ids[ids].tolist(), is_ecg=True))
            elif ecg_names_in_text:
                parts.append(
                    Part(list(self.tokenizer.encode(stretch.text, add_special_tokens=False)), stretch.answered)
                )
            else:
                parts.append(Part(plain_text_ids(self.tokenizer, self._ecg_ids, stretch.text), stretch.answered))
        return parts

    def _add_ends(self, parts: list[Part], *, has_answer: bool) -> None:
        if self.tokenizer.bos_token_id is not None:
            parts.insert(0, Part([self.tokenizer.bos_token_id]))
        if has_answer:
            if self.tokenizer.eos_token_id is None:
                raise ValueError("tokenizer: expected an EOS token, without which no answer ends, got none")
            parts.append(Part([self.tokenizer.eos_token_id], answered=True))

    def _batch(
        self, samples: list[list[Part]], with_labels: bool, options: Padding, return_tensors: str | None
    ) -> BatchFeature:
        token_map, tokenizer = self._token_map, self.tokenizer
        columns = to_columns(
            samples,
            options,
            around_ecg=(token_map.start_id, token_map.end_id),
            pad_id=tokenizer.pad_token_id,
            left=tokenizer.padding_side == "left",
        )
        if not with_labels:
            del columns["labels"]
        return BatchFeature(columns, tensor_type=return_tensors)
