"""A public function of two parameters or more says in its docstring what each of them is.

One of one parameter says it in its line. Not asked: properties, overrides, and commands, whose help says it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("graft", "server", "client", "shared", "simulations")
_NOT_ASKED = {"property", "cached_property", "override", "overload", "setter", "register"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, Function]]:
    """Functions and methods of public classes, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        name = getattr(node, "name", "_")
        if name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from public_functions(node, f"{inside}{name}.")
        elif isinstance(node, Function) and not _NOT_ASKED & set(map(_called, node.decorator_list)):
            yield f"{inside}{name}", node


def _called(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def parameters(function: Function) -> list[str]:
    """Their names, but for self and cls; with those that stand behind * and **."""
    given = function.args
    plain = [parameter.arg for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    further = [parameter.arg for parameter in (given.vararg, given.kwarg) if parameter is not None]
    return [name for name in (*plain, *further) if name not in ("self", "cls") and not name.startswith("_")]


def lacking(source: str) -> list[str]:
    """Functions of two parameters or more whose docstring has no Args, or leaves one of them out."""
    found = []
    for name, function in public_functions(ast.parse(source)):
        names, said = parameters(function), ast.get_docstring(function) or ""
        section = said.partition("Args:")[2]
        left_out = [parameter for parameter in names if f"{parameter}:" not in section and "as of ``" not in section]
        if len(names) > 1 and left_out:
            found.append(f"{name}: {', '.join(left_out)}")
    return found


def sources() -> list[Path]:
    """All files that the rule looks at."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in files if "cli" not in path.parts and not path.match("*_pb2*.py")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_function_says_what_its_parameters_are(package: str) -> None:
    lines = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        if path.relative_to(ROOT).parts[0] == package
        for line in lacking(path.read_text("utf-8"))
    ]
    assert lines == []


@pytest.mark.parametrize(
    "source",
    [
        'def add(a: int, b: int) -> int:\n    """The sum."""',
        'def add(a: int, b: int) -> int:\n    """The sum.\n\n    Args:\n        a: a number.\n    """',
        'class Sum:\n    def add(self, a: int, *, b: int) -> int:\n        """The sum."""',
        "async def add(a: int, b: int) -> int: ...",
    ],
)
def test_finds_a_function_that_does_not(source: str) -> None:
    assert len(lacking(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'def add(a: int, b: int) -> int:\n    """The sum.\n\n    Args:\n        a: one.\n        b: another.\n    """',
        'def double(a: int) -> int:\n    """Twice a number."""',
        "def _add(a: int, b: int) -> int: ...",
        "class _Sum:\n    def add(self, a: int, b: int) -> int: ...",
        "@override\ndef add(a: int, b: int) -> int: ...",
    ],
)
def test_lets_pass_what_does_or_need_not(source: str) -> None:
    assert lacking(source) == []
