"""Making a catalogue pack of what a platform serves.

n items, D numbers of a content vector, E entries of a matrix.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.device.pack import FORMAT
from client.device.ragged_rows import RaggedRows, texts_in_rows
from client.ensemble.ensemble_settings import DEFAULT
from client.features.hashing import idf_of
from client.features.row_matrices import rounded
from client.packing.packed_columns import GRAPHS, PackedStacks, packed_stacks, statistic_of
from client.packing.thinned import Thinned
from client.recommender.served_catalogue import ServedCatalogue
from shared.system.array_file import array_digest

TITLE = 80
"""characters of an item's text that a device shows"""
_LARGEST = 32_768.0
"""what a matrix's largest value is brought to: within half precision, as far as can be from its smallest numbers"""
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class UnsignedPack:
    """What a pack holds, before it is signed."""

    arrays: Arrays
    facts: dict[str, Any]


def unsigned_pack(rest: Thinned, version: int, least_users: int) -> UnsignedPack:
    """The pack of a record.

    Args:
        rest: what is left of the record.
        version: of the pack.
        least_users: behind a cell of what is left.

    Returns:
        Arrays and facts.

    Raises:
        HeadStoreError: if a scorer has weight that no device knows.
    """
    served, stacks = rest.served, packed_stacks(rest.served)
    matrices, scales = _matrices(rest, stacks)
    encoders = {name: part.encoder for name, part in served.parts.encoders.items()}
    if served.parts.own is not None:
        encoders["own"] = served.parts.own.kept.encoder
    head = stacks.whole.heaviest(encoders)
    facts = {
        "format": FORMAT,
        "version": version,
        "made": round(time.time()),
        "least_users": least_users,
        "features": served.features,
        "fingerprint": served.space.fingerprint,
        "encoder": encoders[head].digest if head else "",
        "repeats": served.repeats,
        "temperature": DEFAULT.calibration.temperatures[0],
        "edges": [float(f"{edge:.3g}") for edge in served.head.gaps.edges],  # an exact one is a gap of somebody's
        "columns": stacks.whole.columns,
        "cold": stacks.cold.columns,
        "graphs": GRAPHS,
        "scales": scales,
        "lengths": {name: scorer.length for name, scorer in stacks.encoders.items()},
        "head": head,
    }
    arrays = {
        "weights": stacks.whole.weights,
        "cold_weights": stacks.cold.weights,
        "item.shared": stacks.shared,
        "item.users": rest.met_by.astype(np.uint32),
        **texts_in_rows(list(served.items.item_ids)).named("rows.ids"),
        **texts_in_rows([" ".join(text.split())[:TITLE] for text in served.items.texts]).named("rows.titles"),
        **_content(served.items),
        **matrices,
        **_parts(stacks),
    }
    return UnsignedPack(arrays=arrays, facts={**facts, "digest": array_digest(arrays, "")})


def _content(items: ServedCatalogue) -> Arrays:
    """Vectors in eight bits a number, the nearest items of each, and the grams of the texts by gram."""
    eighths, scales = rounded(items.catalogue.features)
    neighbours, width = items.catalogue.neighbours, _width(len(items.item_ids))
    return {
        "item.vectors": eighths,
        "item.vector_scales": scales,
        "item.near.items": neighbours.items.astype(width),
        "item.near.cosines": neighbours.cosines.astype(np.float16),
        **_grams(sp.csr_array(items.gram_weights), width),
    }


def _grams(weights: sp.csr_array, width: type[np.integer[Any]]) -> Arrays:
    """The items of each gram in use, with twice the weight it has there, and the length of each item's grams."""
    norms = np.sqrt(
        np.bincount(
            np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr)),
            (2 * weights.data * idf_of(weights)[weights.indices]).astype(np.float64) ** 2,
            minlength=weights.shape[0],
        )
    )
    by_gram = sp.csr_array(weights.T)
    used = np.flatnonzero(np.diff(by_gram.indptr))
    offsets = np.append(by_gram.indptr[used], by_gram.indptr[-1])
    entries = {"items": by_gram.indices.astype(width), "weights": (2 * by_gram.data).clip(0, 255).astype(np.uint8)}
    return {
        "item.gram_norms": norms.astype(np.float32),
        "gram_keys": used.astype(np.uint32),
        **RaggedRows(offsets=offsets, parts=entries).named("grams"),
    }


def _matrices(rest: Thinned, stacks: PackedStacks) -> tuple[Arrays, dict[str, float]]:
    """The matrices that columns walk over, in half precision, and what their values are multiplied by."""
    arrays: Arrays = {}
    scales: dict[str, float] = {}
    for name in sorted(stacks.whole.matrices - set(GRAPHS)):
        matrix = sp.csr_array(statistic_of(rest.served.statistics, name))
        matrix.sort_indices()
        scales[name] = float(np.abs(matrix.data).max(initial=0)) / _LARGEST or 1.0
        values = (matrix.data / np.float32(scales[name])).astype(np.float16)
        entries = {"items": matrix.indices.astype(_width(matrix.shape[0])), "values": values}
        arrays |= RaggedRows(offsets=matrix.indptr, parts=entries).named(f"rows.{name}")
    return arrays, scales


def _parts(stacks: PackedStacks) -> Arrays:
    """What encoders come to over the catalogue: tables, history towers and linear maps."""
    arrays: Arrays = {}
    for name, scorer in stacks.encoders.items():
        arrays[f"item.table.{name}"] = scorer.table.joined.numpy().astype(np.float16)
        arrays |= {f"tower.{name}.{key}": numbers for key, numbers in scorer.history_numbers.items()}
    for name, linear in stacks.maps.items():
        arrays |= {f"map.{name}.weights": linear.linear.W, f"map.{name}.mean": linear.linear.mean_q}
    return arrays


def _width(n_items: int) -> type[np.integer[Any]]:
    """In which rows of items are told: two bytes where they fit."""
    return np.uint16 if n_items <= np.iinfo(np.uint16).max else np.int32
