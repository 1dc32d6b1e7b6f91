"""An option is written in one place of the product: the field that is it. All else derives from the field."""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("client", "server", "shared", "simulations")
OTHERS = {
    "encoder": "the file of an encoder that was received, where the option is the size of one that is made",
    "vault-key": "of a command on an agent's folder or another; the agent's own is a setting",
    "privacy": "what a run asks for, and what a platform lets leave",
    "methods": "what competes where it is served, and what a simulation reports",
    "seeds": "of a simulation, and of the whole benchmark",
    "tokens": "the file of callers, where the option is positions of a step",
    "items": "a part of a catalogue, a database's query, a table that is imported",
    "events": "a database's query, and a table that is imported",
    "users": "a database's query, and the size class of a platform that is enrolled",
    "minimum-users": "behind a platform's answers, and behind a device's, which has one",
    "workers": "who answer requests, and who train simulated devices",
    "name": "the platform's, and the flag of the coordinator's host names",
    "key": "of a vault, and of a certificate",
    "since": "the moment of a refresh, and the pack that a delta leads on from",
    "host": "the coordinator's, its dashboard's, and the service's",
    "port": "the coordinator's, its dashboard's, and the service's",
    "cold-start": "what a result says of it, where the option is for whom",
    "tasks": "of a platform's policy, and of a device's, which allows sums alone",
    "least-parties": "of a platform's policy and of a run, and of a device's, whose usual number is another",
    "parties": "of a platform's policy, and of a device's, which takes whom it is introduced to",
    "train-users": "how many a result says there were",
    "head-rate": "what a result says that local-id was tuned to",
    "licence": "of an encoder that is made, and of a bundle that is exported",
}
"""Keys that name two things, and which."""


def fields(tree: ast.Module) -> Iterator[str]:
    """The key of each field that is an option."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _calls(node.value, "option"):
            assert isinstance(node.value, ast.Call)
            given = {one.arg: one.value for one in node.value.keywords if isinstance(one.value, ast.Constant)}
            yield str(given["key"].value) if "key" in given else _kebab(node.target.id)


def flags(tree: ast.Module) -> Iterator[str]:
    """The key of each flag that a command declares for itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and any(_calls(one, "Option") for one in ast.walk(node.annotation or node)):
            yield _kebab(node.arg)


def copies(tree: ast.Module, keys: Collection[str]) -> Iterator[str]:
    """Every text that is an option's flag, or its key of two words in whatever spelling: it can mean nothing else."""
    names = {spelling: key for key in keys if "-" in key for spelling in (key, key.replace("-", "_"))}
    names |= {f"--{key}": key for key in keys}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            yield names[node.value]


@cache
def product() -> list[ast.Module]:
    """Every module of ours."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "_pb2" not in path.name)
    return [ast.parse(path.read_text("utf-8")) for path in paths]


def counted(trees: Iterable[ast.Module], keys: Collection[str]) -> Counter[str]:
    """Each of these keys to the number of places where it is written."""
    written = (key for tree in trees for key in (*fields(tree), *flags(tree), *copies(tree, keys)))
    return Counter(key for key in written if key in keys)


@cache
def found() -> Counter[str]:
    """Of the product."""
    return counted(product(), {key for tree in product() for key in fields(tree)})


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
    assert {key: times for key, times in found().items() if times > 1 and key not in OTHERS} == {}


def test_finds_the_options_there_are() -> None:
    assert len(found()) > 70
    assert {"rounds", "aggregation", "weighting", "steps", "adapters", "min-user-events", "threads"} <= set(found())


@pytest.mark.parametrize(
    ("key", "planted"),
    [
        ("rounds", "def run(rounds: Annotated[int, typer.Option(help='x')] = 12) -> None: ..."),
        ("rounds", "class Further:\n    rounds: int = option(3, help='x')"),
        ("rounds", "Rounds = Annotated[int, typer.Option('--rounds', help='x')]"),
        ("min-user-events", "config = {'min_user_events': 3}"),
        ("server-learning-rate", "flag = '--server-learning-rate'"),
        ("evaluate-every", "KEYS = ('evaluate-every',)"),
    ],
)
def test_sees_a_second_place(key: str, planted: str) -> None:
    assert found()[key] == 1
    assert counted([ast.parse(planted)], set(found())) == {key: 1}


def test_former_names_stand_beside_the_option_that_had_them() -> None:
    former = {"local-adapters", "local-updates", "server-rate", "final-rate"}
    assert Counter(key for tree in product() for key in copies(tree, former)) == dict.fromkeys(former, 1)


def test_no_exception_is_needless() -> None:
    assert [key for key in OTHERS if found()[key] < 2] == []
