"""A journey is short: through how few functions and files of ours something goes from where it begins to where it ends.

What counts is a named function or method of ours that is handed what travels, or an object that holds it, or gives it
back. Lambdas, comprehensions, properties and methods with two underscores, those of dataclasses among them, do not.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from types import CodeType, FrameType

import numpy as np
from flwr.app import Array, Message

from client.app import client_app
from client.rounds.workspace import NodeSettings, already_open
from server.aggregation.server_optimiser import ServerOptimiser
from server.aggregation.size_classes import SizeClasses
from server.rounds.loop import RoundLoop
from server.rounds.run_state import RunState
from server.rounds.waiting import Clock
from simulations.cli.main import app
from simulations.federation.in_process_grid import InProcessGrid, Node, task_identity
from simulations.results.result_document import RESULT_FILE, read_result
from tests.federation_world import LOCAL, START, config, opened
from tests.integration.tiny_folders import write_tiny_folder
from tests.plain_policy import plain_policy
from tests.small_space import FEATURES

ROOT = Path(__file__).parents[2]
PACKAGES = ("server", "client", "shared", "simulations")
IN_FLOWERS_PLACE = "simulations/federation/in_process_grid.py"
READS_FLAGS = "shared/system/command_options.py"
"""where a folder is a word of the command line"""


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What was visited."""

    visits: dict[str, list[str]] = field(default_factory=dict)
    """by file, qualified names of functions, both in the order of the first visit"""

    @property
    def functions(self) -> int:
        return sum(len(names) for names in self.visits.values())

    def __str__(self) -> str:
        files = [f"{file}: {', '.join(names)}" for file, names in self.visits.items()]
        return "\n".join([f"{self.functions} functions in {len(self.visits)} files", *files])


def journey(
    run: Callable[[], object], holds: Callable[[object], bool], *, besides: frozenset[str] = frozenset()
) -> Journey:
    """Which functions of ours, outside the files ``besides``, get or give what ``holds`` while ``run`` runs."""
    found = Journey()
    places: dict[CodeType, str] = {}
    visited: set[CodeType] = set()

    def seen(frame: FrameType, event: str, given: object) -> None:
        code = frame.f_code
        if event not in ("call", "return") or code in visited:
            return
        if code not in places:
            places[code] = _place(code)
        place = places[code]
        if place and place not in besides and holds(given if event == "return" else _arguments(frame)):
            visited.add(code)
            found.visits.setdefault(place, []).append(code.co_qualname)

    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def way(run: Callable[[], object], forms: frozenset[str], *, besides: frozenset[str] = frozenset()) -> Journey:
    """Which functions of ours, outside the files ``besides``, wait for one of these dataclasses to be made."""
    found = Journey()

    def seen(frame: FrameType, event: str, _given: object) -> None:
        is_made = event == "call" and frame.f_code.co_name == "__init__" and frame.f_code.co_filename == "<string>"
        if not is_made or type(frame.f_locals.get("self")).__name__ not in forms:
            return
        above: list[tuple[str, str]] = []
        caller = frame.f_back
        while caller is not None:
            above.append((_place(caller.f_code), caller.f_code.co_qualname))
            caller = caller.f_back
        for place, name in reversed(above):
            if place and place not in besides and name not in found.visits.setdefault(place, []):
                found.visits[place].append(name)

    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def _arguments(frame: FrameType) -> list[object]:
    code = frame.f_code
    named = code.co_argcount + code.co_kwonlyargcount
    extra = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return [frame.f_locals[name] for name in code.co_varnames[: named + extra] if name in frame.f_locals]


def _place(code: CodeType) -> str:
    """The file of a named function of ours; empty for all else."""
    path = Path(code.co_filename)
    inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES
    if not inside or code.co_name.startswith(("<", "__")) or _is_property(code, path):
        return ""
    return path.relative_to(ROOT).as_posix()


def _is_property(code: CodeType, path: Path) -> bool:
    owner: object = sys.modules.get(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for name in code.co_qualname.split("."):
        owner = vars(owner).get(name) if hasattr(owner, "__dict__") else None
    return isinstance(owner, property | cached_property)


def parts(value: object) -> Iterator[object]:
    """A value, and all that can be reached from it by fields, entries and records."""
    yield value
    inner: Iterator[object] = iter(())
    if isinstance(value, Message):
        inner = iter([value.content] if value.has_content() else [])
    elif is_dataclass(value) and not isinstance(value, type):
        inner = (getattr(value, one.name, None) for one in fields(value))
    elif isinstance(value, Mapping):
        inner = iter(value.values())
    elif isinstance(value, list | tuple):
        inner = iter(value)
    for one in inner:
        yield from parts(one)


def is_all_numbers_of_an_encoder(value: object) -> bool:
    """Whether it is as long as the flat array; only that is."""
    return isinstance(value, np.ndarray | Array) and prod(value.shape) == START.flat.size


def one_training_round(folder: Path) -> Callable[[], RunState]:
    """A round of two platforms in the default configuration, but for its length."""
    data = {name: opened(name, seed=seed) for seed, name in enumerate("ab")}
    nodes = {
        name: NodeSettings(platform=f"{name}={folder}", heads=str(folder / name), policy=plain_policy(folder))
        for name in data
    }
    apps = {name: client_app(already_open(prepared)) for name, prepared in data.items()}
    grid = InProcessGrid({name: Node(app=apps[name], config=one.to_node_config()) for name, one in nodes.items()})
    rounds = config(local=replace(LOCAL, encoder_epochs=1, steps=1))
    clock = Clock(now=time.monotonic, sleep=time.sleep)
    state = RunState(encoder=START, run="0" * 32)

    def run() -> RunState:
        with task_identity():
            return RoundLoop(grid, rounds, clock, ServerOptimiser, state, classes=SizeClasses()).training_round(state)

    return run


def test_an_encoder_goes_to_platforms_and_back_through_at_most_25_functions_in_12_files(tmp_path) -> None:
    reached = []
    run = one_training_round(tmp_path)
    found = journey(
        lambda: reached.append(run()),
        lambda value: any(is_all_numbers_of_an_encoder(part) for part in parts(value)),
        besides=frozenset({IN_FLOWERS_PLACE}),
    )
    assert reached[0].history[0].platforms == ("a", "b")
    assert not np.array_equal(reached[0].encoder.flat, START.flat)
    assert found.functions >= 8, str(found)
    assert {file.split("/")[0] for file in found.visits} >= {"server", "client", "shared"}, str(found)
    assert found.functions <= 25, str(found)
    assert len(found.visits) <= 12, str(found)


FORMS = frozenset(
    {"PlatformFolder", "Platform", "PreparedPlatform", "FittedStacks", "Ranking", "MethodOutcome", "RunResult"}
)
"""What becomes of a platform's folder, one after the other, until a figure of it stands in the result."""


def test_a_folder_becomes_a_figure_through_at_most_20_functions_in_12_files(tmp_path) -> None:
    folder = write_tiny_folder(tmp_path / "shop")
    options = ["--platform", f"shop={folder}", "--methods", "local", "--out", str(tmp_path / "out")]

    def run() -> None:
        app(["run", *options, "--jobs", "1", "--encoder", "tiny", "--features", FEATURES], standalone_mode=False)

    found = way(run, FORMS, besides=frozenset({READS_FLAGS}))
    (figure,) = read_result(tmp_path / "out" / RESULT_FILE)["platforms"]["shop"]["methods"].values()
    assert figure["ndcg@10"] > 0
    assert found.functions >= 10, str(found)
    assert {file.split("/")[0] for file in found.visits} == {"client", "simulations"}, str(found)
    assert found.functions <= 20, str(found)
    assert len(found.visits) <= 12, str(found)
