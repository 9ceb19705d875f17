"""ECG-Chat's conversations about ECGs of MIMIC-IV-ECG: one request and one report each.

ECG-Chat: Zhao et al. 2024, arXiv:2408.08849, https://github.com/YubaoZhao/ECG-Chat.
"""

from __future__ import annotations

import os

from ecgbyte.data.questions.conversations import Conversations, read_conversations


def read_ecgchat(path: str | os.PathLike[str]) -> Conversations:
    """Read ``pretrain_mimic.json``: a list of objects with ``id``, ``ecg`` and ``conversations``.

    ``ecg`` is the path of a record of MIMIC-IV-ECG; its last part is the study's id, and so the record's. Files of the
    same form from elsewhere are read too, as far as they are about MIMIC-IV-ECG.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Conversations
        Questions of the type ``"report"``, with sample ids ``"ecg-chat-<id>"`` and the source ``"ecg-chat"``;
        of a conversation of several exchanges one question each, see `read_conversations`. An entry that is not as
        described, or about another data set, is not among the questions but among the rejected, with its reason.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no JSON, no list, or holds no usable entry.
    """
    return read_conversations(path, dataset="mimic-iv-ecg", source="ecg-chat")
