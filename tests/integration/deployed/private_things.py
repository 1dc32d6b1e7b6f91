"""What a platform must never send, and whether any of it stands in recorded bytes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.platform import Platform
from client.ensemble.cross_fitting import fit_on
from client.features.item_features import item_features
from client.features.prepared_platform import Catalogue, PreparedPlatform
from client.rounds.round_heads import SEQUENCE_HEAD, STAGED_HEAD
from client.store.head_store import HeadStore
from tests.integration.engine_world import USERS, write_platform
from tests.small_space import FEATURES

WINDOW = 8
"""numbers in a row by which an array is known again, wherever it was cut off"""
DISTINCT = 4
"""of them, that differ from each other and from 0: fewer stand in any array"""
_SHAPES = re.compile(rb"['\"]shape['\"]: [\[(]([0-9, ]*)[\])]")


@dataclass(frozen=True, eq=False, kw_only=True)
class PrivateThings:
    """Of one platform."""

    heads: tuple[NDArray[np.float32], ...]
    statistics: tuple[NDArray[np.float32], ...]
    texts: tuple[str, ...]
    users: tuple[str, ...]
    items: tuple[str, ...]

    @classmethod
    def of(cls, platform: Platform, store: HeadStore) -> "PrivateThings":
        """As the platform has them after a round; the statistics are those of its computed scorers."""
        records = [store.read(name) for name in (SEQUENCE_HEAD, STAGED_HEAD)]
        heads = tuple(array for record in records if record for array in record.arrays.values())
        return cls(
            heads=heads,
            statistics=statistics_of(platform),
            texts=platform.texts,
            users=platform.user_ids,
            items=platform.item_ids,
        )

    def found_in(self, sent: bytes) -> set[str]:
        """The kinds of which something stands there."""
        found = {
            "a head": any(_holds(sent, array) for array in self.heads),
            "a scorer's statistics": any(_holds(sent, array) for array in self.statistics),
            "an item's text": _any_of(self.texts, sent),
            "a user's id": _any_of(self.users, sent),
            "an item's id": _any_of(self.items, sent),
            "a shape of the catalogue's size": len(self.items) in {side for shape in shapes(sent) for side in shape},
        }
        return {kind for kind, is_there in found.items() if is_there}


def statistics_of(platform: Platform) -> tuple[NDArray[np.float32], ...]:
    """What the computed scorers count of training users, dense."""
    space, vectors = item_features(platform, FEATURES)
    prepared = PreparedPlatform(platform=platform, space=space, catalogue=Catalogue(features=vectors))
    fitted = fit_on(prepared, platform.training_users)
    matrices = [one if isinstance(one, np.ndarray) else one.toarray() for one in fitted.statistics.values()]
    return tuple(np.asarray(matrix, np.float32) for matrix in matrices)


def shapes(sent: bytes) -> list[tuple[int, ...]]:
    """Of every array that is announced there: by the engine (JSON), or by numpy's file format."""
    return [tuple(int(side) for side in found.split(b",") if side.strip()) for found in _SHAPES.findall(sent)]


def _any_of(words: Iterable[str], sent: bytes) -> bool:
    return any(word.encode("utf-8") in sent for word in words)


def _holds(sent: bytes, array: NDArray[np.float32]) -> bool:
    """Whether a piece of it stands there, as numbers of any of the usual kinds."""
    flat = array.reshape(-1)
    pieces = [flat[start : start + WINDOW] for start in range(0, flat.size - WINDOW + 1, WINDOW)]
    telling = [piece for piece in pieces if len(set(piece[piece != 0].tolist())) >= DISTINCT]
    kinds = (np.float32, np.float64, np.float16)
    return any(piece.astype(kind).tobytes() in sent for piece in telling for kind in kinds)


def write_canaries(folder: Path, *, items: int, users: int = USERS) -> None:
    """A platform, in the place of what lies there, whose ids are long enough that no chance makes them."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    write_platform(folder, seed=3, items=items, users=users)
    for name in ("items", "events"):
        table = pl.read_parquet(folder / f"{name}.parquet")
        ids = {"item_id": pl.format("canary-sku-{}", "item_id"), "user_id": pl.format("canary-customer-{}", "user_id")}
        named = table.with_columns(**{column: value for column, value in ids.items() if column in table.columns})
        named.write_parquet(folder / f"{name}.parquet")
