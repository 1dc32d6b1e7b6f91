"""An option is written in one place of the product: the field that is it. All else derives from the field."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("client", "server", "shared", "simulations")
OTHERS = {
    "encoder": "the file of an encoder that was received, where the option is the size of one that is made",
    "vault-key": "of a command on an agent's folder or another; the agent's own is a setting",
    "methods": "what competes where it is served, and what a simulation reports",
    "seeds": "of a simulation, and of the whole benchmark",
    "tokens": "the file of callers, where the option is positions of a step",
    "items": "a part of a catalogue, a database's query, a table that is imported",
    "events": "a database's query, and a table that is imported",
    "name": "the platform's, and the flag of the coordinator's host names",
    "key": "of a vault, and of a certificate",
    "host": "the coordinator's, and the service's",
    "port": "the coordinator's, and the service's",
    "cold-start": "what a result says of it, where the option is for whom",
    "train-users": "how many a result says there were",
    "head-rate": "what a result says that local-id was tuned to",
}
"""Keys that name two things, and which."""


def fields(source: str) -> Iterator[str]:
    """The key of each field that is an option."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _calls(node.value, "option"):
            assert isinstance(node.value, ast.Call)
            given = {one.arg: one.value for one in node.value.keywords if isinstance(one.value, ast.Constant)}
            yield str(given["key"].value) if "key" in given else _kebab(node.target.id)


def flags(source: str) -> Iterator[str]:
    """The key of each flag that a command declares for itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and any(_calls(one, "Option") for one in ast.walk(node.annotation or node)):
            yield _kebab(node.arg)


def copies(source: str, keys: set[str]) -> Iterator[str]:
    """Every text that is an option's flag, or its key of two words in whatever spelling: it can mean nothing else."""
    names = {spelling: key for key in keys if "-" in key for spelling in (key, key.replace("-", "_"))}
    names |= {f"--{key}": key for key in keys}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            yield names[node.value]


def product() -> dict[str, str]:
    """Path to source of every module."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "_pb2" not in path.name)
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def counted(modules: dict[str, str]) -> Counter[str]:
    """Key of an option to the number of places where it is written."""
    found = Counter(key for source in modules.values() for key in fields(source))
    keys = set(found)
    further = (key for source in modules.values() for key in (*flags(source), *copies(source, keys)))
    return found + Counter(key for key in further if key in keys)


def _calls(node: ast.AST | None, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (
        called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    ) == name


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def test_every_option_is_written_once() -> None:
    found = counted(product())
    assert {key: times for key, times in found.items() if times > 1 and key not in OTHERS} == {}


def test_finds_the_options_there_are() -> None:
    found = counted(product())
    assert len(found) > 70
    assert {"rounds", "aggregation", "weighting", "steps", "adapters", "min-user-events", "threads"} <= set(found)


@pytest.mark.parametrize(
    "planted",
    [
        "def run(rounds: Annotated[int, typer.Option(help='x')] = 12) -> None: ...",
        "class Further:\n    rounds: int = option(3, help='x')",
        "config = {'min_user_events': 3}",
        "flag = '--server-rate'",
        "KEYS = ('evaluate-every',)",
        "Rounds = Annotated[int, typer.Option('--rounds', help='x')]",
    ],
)
def test_sees_a_second_place(planted: str) -> None:
    before, after = counted(product()), counted({**product(), "planted.py": planted})
    (key,) = set(after - before)
    assert (before[key], after[key]) == (1, 2)


def test_former_names_stand_beside_the_option_that_had_them() -> None:
    former = {"local-adapters", "local-updates"}
    found = Counter(key for source in product().values() for key in copies(source, former))
    assert found == dict.fromkeys(former, 1)


def test_no_exception_is_needless() -> None:
    found = counted(product())
    assert [key for key in OTHERS if found[key] < 2] == []
