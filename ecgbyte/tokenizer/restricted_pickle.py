"""Plain values out of a pickle, with nothing in it executed.

A pickle is a program for a small stack machine, and some of its instructions import and call things. Here only those
are understood that make dictionaries, lists, tuples, whole numbers and strings; at any other, reading ends with an
error, and nothing was imported or called before it either. Python's own ``pickle`` is not used.
"""

from __future__ import annotations

import pickletools
from typing import Any

MAX_PICKLE_BYTES = 8 * 2**20
MAX_DIGITS = 20  # of a whole number; ids and bytes need six

_NUMBERS = frozenset(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"))
_STRINGS = frozenset(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"))
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STORES = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_FETCHES = frozenset(("GET", "BINGET", "LONG_BINGET"))
_MARK = object()


def read_plain_pickle(data: bytes) -> Any:
    """Read a pickle that holds nothing but dict, list, tuple, int and str.

    Parameters
    ----------
    data : bytes
        At most `MAX_PICKLE_BYTES`, of any pickle protocol.

    Returns
    -------
    object
        Lists and dictionaries may hold the same object in several places, or themselves, as pickles can say: who walks
        through them keeps count.

    Raises
    ------
    ValueError
        If the data is too large or cut, holds an instruction or a value of another kind, or makes no sense. The message
        names the instruction and its position.

    Notes
    -----
    Time and memory are linear in the size of the data.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise ValueError(f"is larger than {MAX_PICKLE_BYTES} bytes")
    machine = _StackMachine()
    position = 0
    try:
        for operation, argument, place in pickletools.genops(data):
            position = place or 0
            if operation.name == "STOP":
                return machine.result()
            machine.run(operation.name, argument)
    except _NotPlainError as error:
        raise ValueError(f"{error}, at byte {position}") from error
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no pickle that makes sense (cut or altered?), at byte {position}") from error
    except ValueError as error:  # of pickletools: an unknown code, or an argument that is cut
        raise ValueError(f"is no complete pickle (cut or altered?) after byte {position}: {error}") from error
    raise ValueError("is no complete pickle: it does not end")


class _NotPlainError(Exception):
    """The pickle holds something else than plain values."""


class _StackMachine:
    """What the instructions work on: a stack, and values to be used again."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def result(self) -> Any:
        """The one value that is left at the end."""
        if len(self._stack) != 1 or self._stack[0] is _MARK:
            raise _NotPlainError(f"the pickle ends with {len(self._stack)} values, expected one")
        return self._stack[0]

    def run(self, name: str, argument: Any) -> None:
        """Carry out one instruction."""
        if name in ("PROTO", "FRAME"):
            return
        if name in _NUMBERS:
            # Protocol 0 writes True and False as numbers, which pickletools tells apart.
            if type(argument) is not int or not -(10**MAX_DIGITS) < argument < 10**MAX_DIGITS:
                raise _NotPlainError(f"the pickle holds {str(argument)[:30]}, expected a small whole number")
            self._stack.append(argument)
        elif name in _STRINGS:
            self._stack.append(argument)
        elif name in _TUPLES:
            self._stack.append(tuple(self._pop() for _ in range(_TUPLES[name]))[::-1])
        elif name == "MARK":
            self._stack.append(_MARK)
        elif name in _STORES or name == "MEMOIZE":
            self._memory[len(self._memory) if name == "MEMOIZE" else argument] = self._top()
        elif name in _FETCHES:
            self._stack.append(self._memory[argument])
        else:
            self._collect(name)

    def _collect(self, name: str) -> None:
        """Instructions that make or fill something that holds others."""
        if name == "EMPTY_LIST":
            self._stack.append([])
        elif name == "EMPTY_DICT":
            self._stack.append({})
        elif name == "TUPLE":
            self._stack.append(tuple(self._pop_to_mark()))
        elif name == "LIST":
            self._stack.append(self._pop_to_mark())
        elif name == "DICT":
            mapping: dict[Any, Any] = {}
            _fill(mapping, self._pop_to_mark())
            self._stack.append(mapping)
        elif name in ("APPEND", "APPENDS"):
            values = [self._pop()] if name == "APPEND" else self._pop_to_mark()
            _of_kind(list, self._top()).extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = [self._pop(), self._pop()][::-1] if name == "SETITEM" else self._pop_to_mark()
            _fill(_of_kind(dict, self._top()), values)
        else:
            raise _NotPlainError(
                f"the pickle holds the instruction {name}, expected only those that make dict, list, tuple, int and "
                "str; it was not carried out"
            )

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise _NotPlainError("the pickle uses a mark as a value")
        return self._stack[-1]

    def _pop(self) -> Any:
        self._top()
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        values: list[Any] = []
        while self._stack[-1] is not _MARK:
            values.append(self._stack.pop())
        self._stack.pop()
        values.reverse()
        return values


def _of_kind(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise _NotPlainError(f"the pickle fills a {type(value).__name__}, expected a {kind.__name__}")
    return value


def _fill(mapping: dict[Any, Any], values: list[Any]) -> None:
    if len(values) % 2:
        raise _NotPlainError("the pickle gives a dictionary a key without a value")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if type(key) not in (int, str):
            raise _NotPlainError(f"the pickle has a {type(key).__name__} as a key, expected int or str")
        mapping[key] = value
