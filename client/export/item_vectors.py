"""The item vectors of a platform's encoder for those who search elsewhere, and the graph that gives a query to them.

A score is the inner product of the query with an item's vector: the item's bias is the vector's last number, the query
ends in 1. n items, d width, L events of a history.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn

from client.export.graph import exported, write_onnx
from client.export.history_state import HistoryState
from client.packing.packed_columns import packed_stacks
from client.recommender.served_head import ServedHead
from client.scorers.encoder_scorers import Sequence as SequenceScorer
from shared.errors import ConfigError

QUERY = "query.onnx"
_POINTS = 500
"""of one request to Qdrant"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemVectors:
    """What a store is given."""

    item_ids: Sequence[str]
    """[n]"""
    vectors: NDArray[np.float32]
    """[n, d + 1]"""


class QueryVector(nn.Module):
    """[d + 1] by the vectors of a history's items as they stand in the store."""

    def __init__(self, scorer: SequenceScorer) -> None:
        super().__init__()
        self._state = HistoryState(scorer.history, scorer.length, scorer.table.vectors.shape[1])

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Of [L, d + 1], oldest first, at least 1."""
        return torch.cat([self._state(vectors[:, :-1]), torch.ones(1)])


def write_vectors(folder: Path, served: ServedHead, store: str) -> dict[str, Any]:
    """Write the files of a bundle.

    Args:
        folder: where they go.
        served: the record, all of it in memory.
        store: of ``STORES``.

    Returns:
        What the manifest says of them.

    Raises:
        ConfigError: if the record weighs no sequence part, or the packages that write ONNX are not installed.
        HeadStoreError: if a scorer has weight that no bundle knows.
    """
    stacks = packed_stacks(served)
    part = stacks.whole.heaviest(stacks.encoders)
    if not part:
        raise ConfigError(
            "item vectors need a served encoder with a sequence part; found a record that weighs none: fit it with "
            "an encoder, or without --no-own; where the gate or the stack finds no use for one, there are no vectors"
        )
    scorer = stacks.encoders[part]
    told = ItemVectors(item_ids=served.items.item_ids, vectors=scorer.table.joined.numpy())
    STORES[store](folder, told)
    width = told.vectors.shape[1]
    query = exported(QueryVector(scorer), {"vectors": torch.zeros(2, width)}, "vectors")
    write_onnx(query, folder / QUERY, "query", eight_bits=False)
    return {
        "kind": "vectors",
        "store": store,
        "features": served.features,
        "fingerprint": served.space.fingerprint,
        "part": part,
        "metric": "inner product",
        "width": width,
        "reads": scorer.length,
        "program": {
            "file": QUERY,
            "inputs": {"vectors": f"float32 [events, {width}], of the history's items as stored, oldest first"},
            "output": f"query, float32 [{width}]",
        },
    }


def _to_parquet(folder: Path, told: ItemVectors) -> None:
    frame = {"item_id": pl.Series(list(told.item_ids), dtype=pl.String), "vector": told.vectors}
    pl.DataFrame(frame).write_parquet(folder / "vectors.parquet")


def _to_pgvector(folder: Path, told: ItemVectors) -> None:
    width = told.vectors.shape[1]
    with (folder / "vectors.sql").open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(
            "CREATE EXTENSION IF NOT EXISTS vector;\n"
            f"CREATE TABLE item_vectors (item_id text PRIMARY KEY, vector vector({width}) NOT NULL);\n"
            "COPY item_vectors (item_id, vector) FROM stdin;\n"
        )
        for item, vector in _written(told):
            stream.write(f"{item.translate(_ESCAPED)}\t[{','.join(vector)}]\n")
        stream.write(
            "\\.\n"
            "CREATE INDEX ON item_vectors USING hnsw (vector vector_ip_ops);\n"
            "-- SELECT item_id FROM item_vectors ORDER BY vector <#> :query LIMIT 10;\n"
        )


def _to_qdrant(folder: Path, told: ItemVectors) -> None:
    """The body of PUT /collections/NAME, and a line for each body of PUT /collections/NAME/points."""
    collection = {"vectors": {"size": told.vectors.shape[1], "distance": "Dot"}}
    (folder / "collection.json").write_text(json.dumps(collection) + "\n", "utf-8")
    with (folder / "points.jsonl").open("w", encoding="utf-8", newline="\n") as stream:
        points = enumerate(_written(told))
        while batch := list(islice(points, _POINTS)):
            bodies = (
                f'{{"id": {row}, "payload": {{"item_id": {json.dumps(item)}}}, "vector": [{",".join(vector)}]}}'
                for row, (item, vector) in batch
            )
            stream.write(f'{{"points": [{", ".join(bodies)}]}}\n')


def _written(told: ItemVectors) -> Iterator[tuple[str, list[str]]]:
    """Each item with the fewest digits that tell its float32 numbers apart from others."""
    for item, vector in zip(told.item_ids, told.vectors, strict=True):
        yield item, vector.astype(str).tolist()


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
"""what COPY reads otherwise than as itself"""
STORES: Mapping[str, Callable[[Path, ItemVectors], None]] = {
    "parquet": _to_parquet,
    "pgvector": _to_pgvector,
    "qdrant": _to_qdrant,
}
