"""Tokenizers by name: shipped with this package, in a folder, or on the Hugging Face hub.

In a folder the file is ``ecg_tokenizer.json``, since ``tokenizer.json`` is the text tokenizer's in the folder of a
language model. Earlier versions wrote ``tokenizer.json``; such folders still load.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Self

from ecgbyte.tokenizer.tokenizer_file import (
    FILE_NAME,
    format_tokenizer,
    is_tokenizer_file,
    read_tokenizer,
    write_tokenizer,
)
from ecgbyte.tokenizer.tokenizer_state import TokenizerState

EARLIER_FILE_NAME = "tokenizer.json"
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")
SHIPPED_FOLDER = Path(__file__).parent.parent / "pretrained"


def shipped_tokenizers() -> list[str]:
    """The names of the tokenizers that come with this package.

    Examples
    --------
    >>> shipped_tokenizers()
    ['ptb-xl-3500']
    """
    return sorted(path.parent.name for path in SHIPPED_FOLDER.glob(f"*/{FILE_NAME}"))


class PretrainedTokenizer(TokenizerState):
    """Reading and writing of tokenizers; `ecgbyte.ECGTokenizer` adds what they do."""

    __slots__ = ()

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        subfolder: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
    ) -> Self:
        """Get a tokenizer by name.

        Parameters
        ----------
        name : str or path-like
            A tokenizer that comes with this package (`shipped_tokenizers`; needs no network), a folder with
            ``ecg_tokenizer.json``, such a file, or ``owner/name`` on the Hugging Face hub. A folder that is called like
            a shipped tokenizer is meant by ``./ptb-xl-3500``.
        revision, subfolder, cache_dir, token, local_files_only, force_download
            For the hub, as `huggingface_hub.hf_hub_download` takes them; `subfolder` also within a folder.

        Raises
        ------
        FileNotFoundError
            If there is no such tokenizer.
        ImportError
            If the hub is meant and huggingface_hub is not installed.
        ValueError
            If the file is damaged or of another kind.

        Examples
        --------
        >>> from ecgbyte import ECGTokenizer
        >>> tokenizer = ECGTokenizer.from_pretrained("ptb-xl-3500")
        >>> len(tokenizer), tokenizer.sampling_rate, tokenizer.num_leads
        (3526, 250.0, 12)
        """
        if isinstance(name, str) and name in shipped_tokenizers():
            return cls(read_tokenizer(SHIPPED_FOLDER / name / FILE_NAME))
        path = Path(name)
        if path.is_file():
            return cls(read_tokenizer(path))
        if path.is_dir():
            return cls(read_tokenizer(_file_in(path if subfolder is None else path / subfolder)))
        if isinstance(name, os.PathLike) or not _HUB_NAME.fullmatch(name) or name.endswith(".json"):
            raise FileNotFoundError(
                f"name: {str(name)!r} is no tokenizer that comes with ecgbyte ({', '.join(shipped_tokenizers())}), no "
                "folder or file, and no owner/name of the Hugging Face hub"
            )
        options = {
            "revision": revision,
            "subfolder": subfolder,
            "cache_dir": cache_dir,
            "token": token,
            "local_files_only": local_files_only,
            "force_download": force_download,
        }
        return cls(read_tokenizer(_downloaded(name, options)))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a tokenizer file, checking everything and executing nothing.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is cut, altered, or no tokenizer file of a known version; the message names file and fault.
        """
        return cls(read_tokenizer(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tokenizer to one JSON file, in one step; equal tokenizers give equal bytes.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        FileExistsError
            If a file of another kind stands there.
        """
        write_tokenizer(path, self._content)

    def save_pretrained(
        self, folder: str | os.PathLike[str], *, push_to_hub: bool = False, repo_id: str | None = None, **options: Any
    ) -> tuple[str, ...]:
        """Write ``ecg_tokenizer.json`` into a folder, which is made where it is missing.

        Parameters
        ----------
        folder : path-like
            May hold a language model and its text tokenizer.
        push_to_hub : bool
            Also upload it, see `push_to_hub`.
        repo_id : str, optional
            Where to, ``owner/name``; the folder's name where nothing is given.
        **options
            As `push_to_hub` takes them.

        Returns
        -------
        tuple of str
            The file that was written.

        Raises
        ------
        FileExistsError
            If a file of another kind stands there, or `folder` is a file.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_tokenizer(folder / FILE_NAME, self._content)
        if push_to_hub:
            self.push_to_hub(repo_id or folder.name, **options)
        return (str(folder / FILE_NAME),)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload ECG tokenizer",
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload ``ecg_tokenizer.json`` to the Hugging Face hub, and a card where the repository has none.

        Parameters
        ----------
        repo_id : str
            ``owner/name``; made where it is missing.
        commit_message, private, token, revision, create_pr
            As huggingface_hub takes them.

        Returns
        -------
        str
            The address of the commit.

        Raises
        ------
        ImportError
            If huggingface_hub is not installed.
        """
        huggingface_hub = _huggingface_hub()
        api = huggingface_hub.HfApi(token=token)
        # The repository's full name, which has an owner where `repo_id` has none.
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        operations = [
            huggingface_hub.CommitOperationAdd(
                path_in_repo=FILE_NAME, path_or_fileobj=format_tokenizer(self._content).encode("ascii")
            )
        ]
        if not api.file_exists(repo_id, "README.md", revision=revision):
            operations.append(
                huggingface_hub.CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=self._card().encode())
            )
        commit = api.create_commit(
            repo_id, operations, commit_message=commit_message, revision=revision, create_pr=create_pr
        )
        return str(commit.commit_url)

    def _card(self) -> str:
        """A short card for the hub, of what the file says about itself."""
        training = self.training
        learnt = "Its merges were given."
        if training is not None:
            learnt = f"Trained on {training.records} records ({training.symbols} symbols), {training.fingerprint}."
        leads = "leads not said" if self.num_leads is None else f"{self.num_leads} leads"
        rate = "any rate" if self.sampling_rate is None else f"{self.sampling_rate:g} samples a second"
        return (
            "---\nlibrary_name: ecgbyte\ntags: [ecg, tokenizer]\n---\n\n# ECG tokenizer\n\n"
            f"{self.vocabulary_size} tokens for ECGs of {leads} at {rate}. {learnt} Fingerprint {self.fingerprint}.\n\n"
            '```python\nimport ecgbyte\n\ntokenizer = ecgbyte.ECGTokenizer.from_pretrained("owner/name")\n```\n'
        )


def _file_in(folder: Path) -> Path:
    path = folder / FILE_NAME
    earlier = folder / EARLIER_FILE_NAME
    if not path.is_file() and is_tokenizer_file(earlier):
        return earlier
    if not path.is_file():
        raise FileNotFoundError(f"name: there is no {FILE_NAME} in the folder {folder}")
    return path


def _downloaded(repo_id: str, options: dict[str, Any]) -> str:
    huggingface_hub = _huggingface_hub()
    errors = huggingface_hub.errors
    try:
        return str(huggingface_hub.hf_hub_download(repo_id, FILE_NAME, **options))
    except (errors.EntryNotFoundError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise FileNotFoundError(
            f"name: {repo_id!r} is no folder here, and {FILE_NAME} could not be had from the Hugging Face hub: {error}"
        ) from error


def _huggingface_hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            "huggingface_hub is not installed, which the Hugging Face hub needs: pip install 'ecgbyte[models]'"
        ) from error
    return huggingface_hub
