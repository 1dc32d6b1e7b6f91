"""A variable or a parameter says what it holds: none is called by a word that fits every value."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("server", "client", "shared", "simulations", "benchmarks", "graft")
EMPTY_NAMES = frozenset({"one", "found", "made", "some", "kept"})
STILL_TO_DO: tuple[str, ...] = ()
"""Folders and files in which such names are still to be changed; in the end there is none."""
GENERATED = ("*_pb2.py", "*_pb2_grpc.py")
PLANTED = {
    "a variable": "found = 1",
    "a variable with a type": "made: int = 1",
    "a variable of a function": "def total(values):\n    some = sum(values)\n    return some",
    "one of several that are unpacked": "name, (*kept, last) = 'a', [1, 2]",
    "a loop variable": "for one in range(3):\n    print(one)",
    "a comprehension variable": "total = sum(one for one in range(3))",
    "a walrus": "if (found := max(1, 2)) > 1:\n    print(found)",
    "a context": "with open('a') as found:\n    print(found)",
    "a parameter": "def total(found):\n    return found",
    "a keyword parameter": "def total(*, kept=1):\n    return kept",
    "further arguments": "def total(*some):\n    return some",
    "further keyword arguments": "def total(**made):\n    return made",
    "a lambda's parameter": "longest = max([], key=lambda one: len(one))",
    "an exception": "try:\n    pass\nexcept ValueError as found:\n    print(found)",
    "what a case matches": "match 1:\n    case found:\n        print(found)",
    "the rest that a case matches": "match [1]:\n    case [_, *some]:\n        print(some)",
    "further keys that a case matches": "match {}:\n    case {'a': 1, **kept}:\n        print(kept)",
    "what is imported by another name": "import math as made",
}
ALLOWED = {
    "a name that says what it holds": "encoder, kept_round = 1, 2",
    "what is read alone": "print(found)",
    "a field": "class Record:\n    kept: bool = False\n    made = 1",
    "an attribute": "record.kept = True",
    "a keyword of a call": "record = dict(kept=True)",
    "a key": "record = {'found': 1}",
    "a method": "class Record:\n    def made(self):\n        return 1",
}


def empty_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each variable and parameter that is called so; fields of classes are words of their own."""
    fields = {id(target) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for target in _fields(node)}
    for node in ast.walk(tree):
        for name in _bound(node):
            if name in EMPTY_NAMES and id(node) not in fields:
                yield node.lineno, name  # type: ignore[attr-defined]


def _fields(definition: ast.ClassDef) -> Iterator[ast.expr]:
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign):
            yield statement.target
        elif isinstance(statement, ast.Assign):
            yield from statement.targets


def _bound(node: ast.AST) -> tuple[str | None, ...]:
    """Names that the node itself gives to values."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
            return (name,)
        case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name) | ast.alias(asname=name):
            return (name,)
    return ()


def sources(folder: str) -> Iterator[Path]:
    """The folder's files that are written by hand, but for those that are still to be changed."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        is_left = any(path.is_relative_to(ROOT / left) for left in STILL_TO_DO)
        if not is_left and not any(path.match(pattern) for pattern in GENERATED):
            yield path


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_variable_and_parameter_says_what_it_holds(folder: str) -> None:
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {name}"
        for path in sources(folder)
        for number, name in empty_names(ast.parse(path.read_text("utf-8")))
    ]
    assert lines == []


@pytest.mark.parametrize("source", PLANTED.values(), ids=PLANTED)
def test_finds_an_empty_name(source: str) -> None:
    assert len(list(empty_names(ast.parse(source)))) == 1


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_takes_what_says_what_it_holds_and_what_is_no_variable(source: str) -> None:
    assert list(empty_names(ast.parse(source))) == []


def test_finds_the_sources() -> None:
    assert all(any((ROOT / folder).rglob("*.py")) for folder in FOLDERS)
    assert len(list(sources("server"))) > 50
