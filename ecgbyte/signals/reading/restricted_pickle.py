"""Values out of a pickle without running anything: numbers, texts, containers and NumPy arrays of numbers.

The published preprocessing saves its records with ``numpy.save`` of a dictionary, which makes a pickle of it. Python's
unpickler calls whatever function a pickle names. Here nothing is called: `pickletools.genops` only splits the bytes
into instructions, those that build plain values are carried out on a stack, and of all global names three kinds are
understood, the ones by which NumPy describes an array, a data type and a single number. Everything else is an error.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

# Values on the stack and in the memo; a record has some dozens.
_MAX_STEPS = 100_000
_MAX_DEPTH = 20
_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"): "array",
    ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy.core.multiarray", "scalar"): "scalar",
    ("numpy._core.multiarray", "scalar"): "scalar",
    ("numpy.core.numeric", "_frombuffer"): "buffer",
    ("numpy._core.numeric", "_frombuffer"): "buffer",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
# Data types whose values are numbers, and text of a fixed width.
_KINDS = "biufUS"
_CONSTANTS = frozenset(("NONE", "NEWTRUE", "NEWFALSE", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"))
_WITH_ARGUMENT = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
        *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINSTRING", "SHORT_BINSTRING"),
    )
)
_MARK = object()


@dataclass
class _Named:
    """One of the global names that are understood."""

    kind: str


class _Array:
    """An array whose contents have been announced and not yet given."""

    def __init__(self) -> None:
        self.value: np.ndarray | list[Any] | None = None


class _DataType:
    """A data type, of which the byte order comes later."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "|"

    @property
    def holds_objects(self) -> bool:
        return self.code in ("O8", "O4", "O")

    def dtype(self) -> np.dtype:
        plain = np.dtype(self.code)
        return plain.newbyteorder(">") if self.order == ">" else plain.newbyteorder("<") if self.order == "<" else plain


def read_pickled_values(content: bytes) -> Any:
    """The value that a pickle of plain values and NumPy arrays stands for.

    Parameters
    ----------
    content : bytes
        The pickle.

    Returns
    -------
    object
        None, numbers, str, bytes, lists, tuples, dictionaries, and numpy arrays of numbers or text; an array of
        objects becomes a list of its items.

    Raises
    ------
    ValueError
        If it is no pickle, or holds anything else; the message names what it would have called.
    """
    try:
        value = _Plain()(_Machine().run(content))
    except ValueError:
        raise
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"damaged pickle: {type(error).__name__}: {error}") from error
    return value


class _Machine:
    """The instructions of a pickle that build values."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if step >= _MAX_STEPS:
                raise ValueError(f"the pickle has more than {_MAX_STEPS} instructions")
            if opcode.name == "STOP":
                return self.stack.pop()
            self._do(opcode.name, argument)
        raise ValueError("the pickle has no end")

    def _do(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _CONSTANTS:
            stack.append(_constant(name))
        elif name in _WITH_ARGUMENT:
            stack.append(argument)
        elif name in ("PROTO", "FRAME"):
            return
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("TUPLE", "LIST", "DICT"):
            items = self._since_mark()
            stack.append(tuple(items) if name == "TUPLE" else items if name == "LIST" else _pairs(items))
        elif name in ("SETITEM", "SETITEMS"):
            items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else self._since_mark()
            _of_type(stack[-1], dict).update(_pairs(items))
        elif name in ("APPEND", "APPENDS"):
            items = [stack.pop()] if name == "APPEND" else self._since_mark()
            _of_type(stack[-1], list).extend(items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            module, attribute = (stack.pop(-2), stack.pop()) if name == "STACK_GLOBAL" else argument.split(" ", 1)
            if (module, attribute) not in _GLOBALS:
                raise ValueError(f"the pickle asks for {module}.{attribute}, which is not carried out")
            stack.append(_Named(_GLOBALS[module, attribute]))
        elif name == "REDUCE":
            arguments = _of_type(stack.pop(), tuple)
            stack.append(_made(_of_type(stack.pop(), _Named).kind, arguments))
        elif name == "BUILD":
            _fill(stack[-2], _of_type(stack.pop(), tuple))
        else:
            raise ValueError(f"the pickle has the instruction {name}, which is not carried out")

    def _since_mark(self) -> list[Any]:
        place = max(place for place, value in enumerate(self.stack) if value is _MARK)
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items


def _constant(name: str) -> Any:
    values: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
    return {} if name == "EMPTY_DICT" else [] if name == "EMPTY_LIST" else values[name]


def _of_type(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"damaged pickle: {type(value).__name__} where {kind.__name__} is expected")
    return value


def _pairs(items: list[Any]) -> dict[Any, Any]:
    keys = items[::2]
    if not all(isinstance(key, (str, int)) for key in keys):
        raise ValueError("the pickle has a dictionary with keys that are neither text nor numbers")
    return dict(zip(keys, items[1::2], strict=True))


def _made(kind: str, arguments: tuple[Any, ...]) -> Any:
    """What a call of one of the understood names gives."""
    if kind == "array":
        return _Array()
    if kind == "dtype":
        code = arguments[0]
        if isinstance(code, bytes):
            code = code.decode("latin-1")
        described = _DataType(_of_type(code, str))
        if not described.holds_objects and (np.dtype(described.code).kind not in _KINDS or len(described.code) > 8):
            raise ValueError(f"the pickle has an array of {described.code!r}, expected numbers")
        return described
    if kind == "scalar":
        described, content = _of_type(arguments[0], _DataType), _as_bytes(arguments[1])
        return np.frombuffer(content, dtype=described.dtype(), count=1)[0].item()
    if kind == "buffer":
        # How protocol 5 writes an array.
        content, described, shape, order = arguments
        return _array(content, described, shape, order == "F")
    if kind == "encode":
        # How protocol 2 writes bytes: as text, each character one byte.
        text, encoding = arguments
        if encoding != "latin1":
            raise ValueError(f"the pickle encodes text as {encoding!r}, expected latin1")
        return _of_type(text, str).encode("latin-1")
    raise ValueError(f"the pickle calls {kind}, which is not carried out")


def _fill(target: Any, state: tuple[Any, ...]) -> None:
    """Give an array its contents, or a data type its byte order."""
    if isinstance(target, _DataType):
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError(f"damaged pickle: byte order {state[1]!r}")
        target.order = state[1]
        return
    if not isinstance(target, _Array):
        raise ValueError(f"the pickle sets the state of a {type(target).__name__}, which is not carried out")
    _, shape, described, by_columns, content = state
    if _of_type(described, _DataType).holds_objects:
        target.value = _of_type(content, list)
        return
    target.value = _array(content, described, shape, by_columns)


def _array(content: Any, described: Any, shape: Any, by_columns: Any) -> np.ndarray:
    shape = tuple(_of_type(length, int) for length in _of_type(shape, tuple))
    flat = np.frombuffer(_as_bytes(content), dtype=_of_type(described, _DataType).dtype())
    if min(shape, default=0) < 0 or len(flat) != np.prod(shape, dtype=object):
        raise ValueError(f"damaged pickle: an array of shape {shape} has {len(flat)} values")
    return flat.reshape(shape, order="F" if by_columns else "C")


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("latin-1")
    if not isinstance(value, (bytes, bytearray)):
        raise ValueError(f"damaged pickle: {type(value).__name__} where bytes are expected")
    return bytes(value)


class _Plain:
    """Values with their arrays in place of what stood for them; a value that occurs often counts each time."""

    def __init__(self) -> None:
        self.left = _MAX_STEPS

    def __call__(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if depth > _MAX_DEPTH or self.left < 0:
            raise ValueError(f"the pickle holds more than {_MAX_STEPS} values, or nests them over {_MAX_DEPTH} deep")
        if isinstance(value, _Array):
            return self(value.value, depth + 1) if isinstance(value.value, list) else value.value
        if isinstance(value, dict):
            return {key: self(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self(item, depth + 1) for item in value)
        if isinstance(value, (_Named, _DataType)) or value is _MARK:
            raise ValueError("damaged pickle: a name where a value is expected")
        return value
