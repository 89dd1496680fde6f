"""One-line changes of Python code: which there are in a file, and the file with one of them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import msgspec

#: A comparison and what takes its place: boundaries first.
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.LtE: ast.Lt,
    ast.Lt: ast.LtE,
    ast.GtE: ast.Gt,
    ast.Gt: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


class Mutant(msgspec.Struct, frozen=True):
    """A file with one change."""

    line: int
    before: str
    """The changed line as it was, without its indentation."""
    after: str
    text: str
    """The whole file."""


def mutants(text: str) -> Iterator[Mutant]:
    """Yield the file once for each change that can be made on one line."""
    tree = ast.parse(text)
    lines = text.splitlines()
    messages = {id(part) for node in ast.walk(tree) for part in _words(node)}
    for node in ast.walk(tree):
        if id(node) in messages:
            continue
        for changed in _changed(node):
            line, end = node.lineno, node.end_lineno  # type: ignore[attr-defined]
            if line != end:
                continue
            old = lines[line - 1]
            start, stop = _columns(old, node)
            new = old[:start] + ast.unparse(changed) + old[stop:]
            whole = "\n".join([*lines[: line - 1], new, *lines[line:]]) + "\n"
            if new != old and _parses(whole):
                yield Mutant(line, old.strip(), new.strip(), whole)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may take the place of a node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = _COMPARED.get(type(node.ops[0]))
        if other is not None:
            yield _with(node, ops=[other()])
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        yield node.values[0]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield _with(node, op=_ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield _with(node, op=_ARITHMETIC[type(node.op)]())
        yield ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
        yield ast.Return(ast.Constant(None))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _words(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what no test is to notice: an error's wording, types, what is imported for types."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.AnnAssign) or (
        isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ):
        yield from ast.walk(node)
    elif isinstance(node, ast.FunctionDef):
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for part in (node.returns, *(one.annotation for one in every)):
            if part is not None:
                yield from ast.walk(part)


def _columns(line: str, node: ast.AST) -> tuple[int, int]:
    """Return where a node stands in its line: the parser counts bytes."""
    raw = line.encode()
    start = len(raw[: node.col_offset].decode())  # type: ignore[attr-defined]
    return start, len(raw[: node.end_col_offset].decode())  # type: ignore[attr-defined]


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
