"""What all models saved as folders share: a folder that is whole or absent, settings and weights that are checked."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ecgbyte.files import full_disk_told, write_atomically


@contextmanager
def new_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to write into; it gets its name `folder` when all is written.

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    OSError
        If it cannot be written; nothing is left then.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"folder: {folder} exists and is not an empty folder")
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        with system_errors(folder):
            yield partial
            if folder.exists():
                folder.rmdir()
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def system_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make errors of writing weights `OSError`, and that of a full disk one sentence with the name of `path`.

    Raises
    ------
    OSError
        In place of safetensors' own error, which tells the system's number in words only.
    """
    import safetensors

    with full_disk_told(path):
        try:
            yield
        except safetensors.SafetensorError as error:
            found = re.search(r"\(os error (\d+)\)", str(error))
            number = int(found[1]) if found else errno.EIO
            raise OSError(number, f"cannot be written ({error})", str(path)) from error


def write_model_folder(
    folder: str | os.PathLike[str],
    name: str,
    *,
    version: int,
    settings: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    texts: Mapping[str, str],
) -> None:
    """Write ``NAME.safetensors``, the files `texts` (by file name), and ``NAME.json`` with the settings.

    Raises
    ------
    FileExistsError
        If `folder` exists and holds something.
    """
    from safetensors.torch import save as to_safetensors

    # Cloned, because safetensors refuses weights that share memory.
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    with new_folder(folder) as partial:
        write_atomically(partial / f"{name}.safetensors", to_safetensors(plain))
        for file_name, text in texts.items():
            write_atomically(partial / file_name, text)
        content = {"format_version": version, **settings}
        write_atomically(partial / f"{name}.json", json.dumps(content, indent=2) + "\n")


def load_weights(model: nn.Module, folder: Path, name: str, *, names: Sequence[str], prefix: str = "") -> None:
    """Put the weights of ``NAME.safetensors`` into `model`: exactly those called `names`.

    With a `prefix`, which is that of a part of the saved model, only those that begin so, called by what follows it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or a weight is missing, unknown or misshapen.
    """
    path = folder / f"{name}.safetensors"
    read = read_tensors(path)
    tensors = {key.removeprefix(prefix): value for key, value in read.items() if key.startswith(prefix)}
    state = model.state_dict()
    wrong = sorted(
        key
        for key in set(names) | tensors.keys()
        if key not in names or key not in tensors or tensors[key].shape != state[key].shape
    )
    if wrong:
        raise ValueError(f"{path}: does not fit {name}.json: missing, unknown or misshapen {wrong[:4]}")
    model.load_state_dict(tensors, strict=False)


def read_settings(path: Path, *, version: int, keys: Sequence[str]) -> dict[str, Any]:
    """Read a JSON object with a ``format_version`` and all of `keys`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, of another version, or lacks a key; the message names file and key.
    """
    if not path.is_file():
        raise FileNotFoundError(f"folder: expected a saved model with {path.name} in {path.parent}, found none")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON, got a damaged file ({error})") from error
    if not isinstance(content, dict) or content.get("format_version") != version:
        raise ValueError(f"{path}: expected format_version {version}, got another file")
    for key in keys:
        if key not in content:
            raise ValueError(f"{path}: the key {key!r} is missing")
    return content


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged.
    """
    import safetensors
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: expected safetensors, got a damaged file ({error})") from error
    return tensors
