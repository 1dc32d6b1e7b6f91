"""A dataclass that holds arrays or frames is compared by identity: ``==`` of two arrays is an array, and has no truth.

Python before 3.13 took the same object for equal before it asked a field; since then every field is asked.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from simulations.plugins.plugin import PluginFile

PACKAGES = ("client", "server", "shared", "simulations", "benchmarks", "tests")
ELSEWHERE = ("benchmarks.peers", "benchmarks.devices.peers")
"""whose modules run in environments of their own"""
IMPORTED_LATER = {"PluginFile": PluginFile}
"""Of annotations, the names that their modules import for type checkers alone."""
WITHOUT_TRUTH = (np.ndarray, torch.Tensor, pl.DataFrame, pl.LazyFrame, pl.Series, sp.sparray, sp.spmatrix)
"""Types whose comparison gives no bool."""


def modules() -> Iterator[ModuleType]:
    """Every other module of ours that can be imported without being run."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if found.name != __name__ and not found.name.startswith(ELSEWHERE) and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def dataclasses_of(module: ModuleType) -> list[type[Any]]:
    """Those that the module defines."""
    classes = (one for one in vars(module).values() if isinstance(one, type) and is_dataclass(one))
    return [one for one in classes if one.__module__ == module.__name__]


@cache
def compares_arrays(kind: type[Any]) -> bool:
    """Whether ``==`` of the dataclass asks a field that has no truth, itself or deeper."""
    if not kind.__dataclass_params__.eq:
        return False
    hints = get_type_hints(kind, localns=IMPORTED_LATER)
    return any(one.compare and lacks_truth(hints[one.name]) for one in fields(kind))


def lacks_truth(hint: Any) -> bool:
    """Whether values of this type, or what they hold, have none; functions are compared by identity."""
    named = get_origin(hint) or hint
    aliased = getattr(named, "__value__", named)  # what NDArray stands for, since numpy 2.5
    kind = get_origin(aliased) or aliased
    if kind is Callable:
        return False
    if isinstance(kind, type) and (issubclass(kind, WITHOUT_TRUTH) or (is_dataclass(kind) and compares_arrays(kind))):
        return True
    return any(lacks_truth(one) for one in get_args(hint))


def test_no_dataclass_compares_arrays() -> None:
    found = [one for module in modules() for one in dataclasses_of(module)]
    assert len(found) > 200
    assert [f"{one.__module__}.{one.__qualname__}" for one in found if compares_arrays(one)] == []


@dataclass
class Held:
    rows: pl.DataFrame | None


@dataclass
class Outer:
    held: tuple[Held, ...]


@dataclass
class Named:
    arrays: dict[str, NDArray[np.float32]]


@dataclass(eq=False)
class Identical:
    rows: torch.Tensor


@dataclass
class LeftOut:
    rows: torch.Tensor = field(compare=False)
    held: Identical
    read: Callable[[str], pl.DataFrame]


@pytest.mark.parametrize(
    ("kind", "compares"), [(Held, True), (Outer, True), (Named, True), (Identical, False), (LeftOut, False)]
)
def test_finds_what_is_compared(kind: type[Any], compares: bool) -> None:
    assert compares_arrays(kind) == compares
