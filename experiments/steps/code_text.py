"""What counts of a source: Python, Cython or C without comments, docstrings and blank space, and where it leads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple


class Text(NamedTuple):
    """A source reduced to what counts.

    Attributes
    ----------
    content : str
        Equal for two sources that say the same.
    leads_to : frozenset of str
        The names of modules that it imports or may import (``from package import name``); of C headers ``./name``.
    """

    content: str
    leads_to: frozenset[str]


def python_text(source: str, where: str, package: str) -> Text:
    """Of a Python module.

    Parameters
    ----------
    source : str
    where : str
        The file, for messages.
    package : str
        What relative imports go from.

    Raises
    ------
    ValueError
        If it is no Python.
    """
    try:
        tree = _Stripped().visit(ast.parse(source, where))
    except SyntaxError as error:
        raise ValueError(f"{where}: not valid Python: {error}") from error
    return Text(ast.dump(tree), frozenset(_imports(tree, package)))


class _Stripped(ast.NodeTransformer):
    """Without strings that are statements (docstrings), and without what is for type checkers alone."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        if name == "TYPE_CHECKING":
            return [found for statement in node.orelse for found in self._all(statement)]
        return self.generic_visit(node)

    def _all(self, statement: ast.stmt) -> list[ast.stmt]:
        found = self.visit(statement)
        return found if isinstance(found, list) else [] if found is None else [found]


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = ".".join(parts[: len(parts) - node.level + 1])
                base = f"{above}.{base}" if base else above
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


_LONG_STRING = r"""'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""""
_SHORT_STRING = r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*\""""
_STRING = rf"[rRbBuUfF]{{0,2}}(?:{_LONG_STRING}|{_SHORT_STRING})"
_CYTHON = re.compile(rf"(?P<string>{_STRING})|(?P<comment>\#[^\n]*)", re.DOTALL)
_C = re.compile(r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<comment>/\*.*?\*/|//[^\n]*)""", re.DOTALL)
# What stands in the place of a string while lines are put in order: no source holds it.
_MARK = "\x00{}\x00"
_MARKED = re.compile("\x00(\\d+)\x00")
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?(?:c?import)\s+(.+)$")
_INCLUDE = re.compile(r"^\s*(?:include|cdef\s+extern\s+from)\s+\x00(\d+)\x00")
_VERBATIM = re.compile(r"^\s*cdef\s+extern\s+from\b.*:$")
_HEADER = re.compile(r'"([^"\n]+\.(?:h|c|pxi))"')


def cython_text(source: str) -> Text:
    """Of a Cython module, its declarations or an included part; C within it is reduced as C."""
    strings: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if match["string"] is None:
            return ""
        strings.append(match["string"])
        return _MARK.format(len(strings) - 1)

    lines = _joined(_CYTHON.sub(keep, source.replace("\x00", "")).splitlines())
    kept: list[str] = []
    leads_to: set[str] = set()
    for line in lines:
        alone = _MARKED.fullmatch(line.strip())
        if alone and kept and _VERBATIM.match(kept[-1]):
            # C code that goes into the module as it is.
            inner = c_text(strings[int(alone[1])].strip("\"'"))
            leads_to |= inner.leads_to
            kept.append(inner.content)
        elif not alone:
            leads_to |= _cython_leads(line, strings)
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(indent + re.sub(r"[ \t]+", " ", line.strip()))
    content = _MARKED.sub(lambda match: strings[int(match[1])], "\n".join(kept))
    return Text(content, frozenset(leads_to))


def _joined(lines: list[str]) -> list[str]:
    """Lines with what their brackets go on with on the same line, none of them blank."""
    joined: list[str] = []
    depth = 0
    for line in lines:
        if not line.strip():
            continue
        if depth > 0:
            joined[-1] += " " + line.strip()
        else:
            joined.append(line.rstrip())
        depth += sum(line.count(sign) for sign in "([{") - sum(line.count(sign) for sign in ")]}")
    return joined


def _cython_leads(line: str, strings: list[str]) -> set[str]:
    included = _INCLUDE.match(line)
    if included:
        return {f"./{strings[int(included[1])].strip(chr(34) + chr(39))}"}
    found = _IMPORT.match(line)
    if not found:
        return set()
    names = [part.split(" as ")[0].strip() for part in found[2].strip("() ").split(",") if part.strip()]
    return {found[1], *(f"{found[1]}.{name}" for name in names)} if found[1] else set(names)


def c_text(source: str) -> Text:
    """Of C: strings are left as they are; a header may be named by a macro, so any string with a header's name leads
    there.
    """
    strings: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if match["string"] is None:
            return " "
        strings.append(match["string"])
        return _MARK.format(len(strings) - 1)

    marked = _C.sub(keep, source.replace("\x00", ""))
    lines = [re.sub(r"[ \t]+", " ", line.strip()) for line in marked.splitlines() if line.strip()]
    content = _MARKED.sub(lambda match: strings[int(match[1])], "\n".join(lines))
    return Text(content, frozenset(f"./{name}" for string in strings for name in _HEADER.findall(string)))
