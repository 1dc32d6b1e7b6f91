"""Methods stand in one table: no other place in product code lists them by name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.scorers.table import SCORERS
from client.transfer.table import METHODS

ROOT = Path(__file__).parents[2]
NAMES = set(METHODS) - set(SCORERS)
"""Of methods alone: a scorer may bear the name of the method that it is when it stands alone."""
TABLE = "client/transfer"
"""The table and the files of its rows."""


def listings(tree: ast.AST) -> Iterator[ast.expr]:
    """Every tuple, list, set and dictionary that spells out two methods or more."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            entries = node.keys if isinstance(node, ast.Dict) else node.elts
            named = {entry.value for entry in entries if isinstance(entry, ast.Constant)} & NAMES
            if len(named) > 1:
                yield node


def tables(root: Path) -> list[str]:
    """Where product code lists methods by name, as ``file:line``."""
    found = []
    for package in ("client", "server", "shared", "simulations"):
        for path in sorted((root / package).rglob("*.py")):
            place = path.relative_to(root).as_posix()
            if not place.startswith(TABLE):
                tree = ast.parse(path.read_text("utf-8"))
                found += [f"{place}:{node.lineno}" for node in listings(tree)]
    return found


def test_methods_are_listed_in_one_table() -> None:
    assert tables(ROOT) == []


@pytest.mark.parametrize(
    "line", ['WAYS = ("feature", "model")', 'LOOKS = {"local": 1, "feature": 2}', 'x in ["pooled", "stack"]']
)
def test_finds_a_second_table(tmp_path: Path, line: str) -> None:
    (tmp_path / "simulations").mkdir()
    (tmp_path / "simulations" / "second.py").write_text(f"{line}\n")
    assert tables(tmp_path) == ["simulations/second.py:1"]
