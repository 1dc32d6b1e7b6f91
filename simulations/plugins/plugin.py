"""A scorer or an aggregation of one's own, from one file: loaded, checked on made-up data, its faults named.

The file defines ``SCORERS``, ``AGGREGATIONS`` or both, as docs/plugins.md describes.
"""

import hashlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from client.scorers.scorer import FitData
from client.scorers.table import SCORERS, ScorerTable
from server.aggregation.server_optimiser import AGGREGATIONS, BuildAggregation
from shared.errors import ConfigError, GraftError, os_error_as
from simulations.plugins.plugin_guards import GuardedAggregation, GuardedScorer, try_aggregation, try_scorer

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TABLES = ("SCORERS", "AGGREGATIONS")


class PluginFault(ConfigError):
    """A plugin is wrong; the message names its file and what in it."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """What a file offers."""

    scorers: ScorerTable
    """as client/scorers/table.py has them"""
    aggregations: Mapping[str, BuildAggregation]


@dataclass(frozen=True, kw_only=True)
class PluginFile:
    """Which file it is, so that another process can load the same one."""

    file: str
    """as given"""
    sha256: str
    scorers: tuple[str, ...]
    aggregations: tuple[str, ...]

    @classmethod
    def read(cls, file: str) -> "PluginFile":
        """Load the file and check what it offers; raises ConfigError where it is no plugin."""
        sha256 = hashlib.sha256(_content(file)).hexdigest()
        plugin = _load(file, sha256)
        return cls(file=file, sha256=sha256, scorers=tuple(plugin.scorers), aggregations=tuple(plugin.aggregations))

    def load(self) -> Plugin:
        """What the file offers, loaded once per process; raises ConfigError where it has changed since it was read."""
        return _load(self.file, self.sha256)

    def to_json(self) -> dict[str, object]:
        """As ``result.json`` holds it."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "scorers": list(self.scorers),
            "aggregations": list(self.aggregations),
        }


def _content(file: str) -> bytes:
    with os_error_as(ConfigError, f"plugin {file} cannot be read"):
        return Path(file).read_bytes()


@lru_cache(maxsize=8)
def _load(file: str, sha256: str) -> Plugin:
    content = _content(file)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ConfigError(f"plugin {file} has changed since the run began")
    module = _executed(file, content, sha256)
    tables = {name: _table(file, name, getattr(module, name, {})) for name in _TABLES}
    if not any(tables.values()):
        raise ConfigError(f"plugin {file} must define SCORERS or AGGREGATIONS, a dict by name; found neither")
    scorers = {name: _scorer(file, name, entry) for name, entry in tables["SCORERS"].items()}
    aggregations = {name: _aggregation(file, name, entry) for name, entry in tables["AGGREGATIONS"].items()}
    for name, (build, rule) in scorers.items():
        with _faults(file, f"scorer {name!r}"):
            try_scorer(build, rule)
    for name, make in aggregations.items():
        with _faults(file, f"aggregation {name!r}"):
            try_aggregation(make)
    return Plugin(scorers=scorers, aggregations=aggregations)


def _executed(file: str, content: bytes, sha256: str) -> ModuleType:
    """The file as a module of its own name, which dataclasses look up."""
    module = ModuleType(f"graft_plugin_{sha256[:12]}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    with _faults(file, "the file"):
        exec(compile(content, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (the user's own code, named by the user)
    return module


@contextmanager
def _faults(file: str, what: str) -> Iterator[None]:
    """Say where the plugin's own code failed; it may raise anything."""
    try:
        yield
    except PluginFault:
        raise
    except GraftError as error:
        raise PluginFault(f"plugin {file}: {what} {error}") from error
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = "" if line is None else f" at line {line}"
        raise PluginFault(f"plugin {file}: {what} failed{where}: {type(error).__name__}: {error}") from error


def _table(file: str, name: str, table: object) -> Mapping[str, Any]:
    taken = {"SCORERS": tuple(SCORERS), "AGGREGATIONS": tuple(AGGREGATIONS)}[name]
    if not isinstance(table, dict):
        raise ConfigError(f"plugin {file}: {name} must be a dict by name; found {type(table).__name__}")
    for key in table:
        if not isinstance(key, str) or not _NAME.fullmatch(key):
            raise ConfigError(
                f"plugin {file}: a name in {name} must be lower-case letters, digits, '-' and '_'; found {key!r}"
            )
        if key in taken:
            raise ConfigError(f"plugin {file}: {name} may not use the name {key!r}, which Graft has already")
    return table


def _scorer(file: str, name: str, entry: object) -> tuple[Callable[[FitData], GuardedScorer], Callable[..., Any]]:
    build, rule = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, lambda _data: None)
    if not callable(build) or not callable(rule):
        raise ConfigError(
            f"plugin {file}: scorer {name!r} must be a class or function of one argument (FitData), or a pair of it "
            f"and a rule; found {type(entry).__name__}"
        )
    what = f"scorer {name!r}"

    def guarded_build(data: FitData) -> GuardedScorer:
        with _faults(file, what):
            return GuardedScorer(build(data), lambda: _faults(file, what))

    def guarded_rule(data: FitData) -> str | None:
        with _faults(file, what):
            reason = rule(data)
            if reason is not None and not isinstance(reason, str):
                raise ConfigError(f"has a rule that must give a reason or None; it gave {type(reason).__name__}")
            return reason

    return guarded_build, guarded_rule


def _aggregation(file: str, name: str, entry: object) -> BuildAggregation:
    if not callable(entry):
        raise ConfigError(
            f"plugin {file}: aggregation {name!r} must be a class or function of one argument (RoundsConfig); found "
            f"{type(entry).__name__}"
        )
    build, what = entry, f"aggregation {name!r}"

    def guarded_build(config: Any) -> GuardedAggregation:
        with _faults(file, what):
            return GuardedAggregation(build(config), lambda: _faults(file, what))

    return guarded_build
