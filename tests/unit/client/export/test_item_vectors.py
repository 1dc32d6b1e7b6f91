"""The nearest items by exported vectors and query are the encoder's own best."""

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import polars as pl
import pytest

from client.packing.packed_columns import packed_stacks
from client.recommender.request_ensemble import Past
from client.scorers.scorer import HistoryBatch
from tests.unit.client.export.world import bundle_of
from tests.unit.client.recommender.served_world import served_world

HISTORIES = [[7], [3, 4, 5, 30], [*range(35)]]
ODD = ("a\tb", "back\\slash", "line\nbreak", 'quo"te', "é", "{brace}")
"""ids that a file's form could stumble over"""


@pytest.fixture(scope="module")
def served():
    world = served_world()
    items = replace(world.items, item_ids=(*ODD, *world.items.item_ids[len(ODD) :]))
    return replace(world, items=items)


def from_parquet(bundle) -> dict[str, list[float]]:
    frame = pl.read_parquet(bundle / "vectors.parquet")
    return dict(zip(frame["item_id"].to_list(), frame["vector"].to_list(), strict=True))


def from_pgvector(bundle) -> dict[str, list[float]]:
    """As COPY reads its lines."""
    lines = (bundle / "vectors.sql").read_text("utf-8").split("\n")
    begin, end = lines.index("COPY item_vectors (item_id, vector) FROM stdin;") + 1, lines.index("\\.")
    vectors = {}
    for line in lines[begin:end]:
        item, vector = line.split("\t")
        for written, letter in (("\\t", "\t"), ("\\n", "\n"), ("\\\\", "\\")):
            item = item.replace(written, letter)
        vectors[item] = json.loads(vector)
    assert f"vector vector({len(vector.split(','))}) NOT NULL" in lines[1]
    return vectors


def from_qdrant(bundle) -> dict[str, list[float]]:
    collection = json.loads((bundle / "collection.json").read_text("utf-8"))
    assert collection["vectors"]["distance"] == "Dot"
    points = [
        point
        for line in (bundle / "points.jsonl").read_text("utf-8").splitlines()
        for point in json.loads(line)["points"]
    ]
    assert [point["id"] for point in points] == list(range(len(points)))
    assert {len(point["vector"]) for point in points} == {collection["vectors"]["size"]}
    return {point["payload"]["item_id"]: point["vector"] for point in points}


READ = {"parquet": from_parquet, "pgvector": from_pgvector, "qdrant": from_qdrant}


@pytest.mark.parametrize("store", READ)
def test_the_nearest_items_are_the_encoders_own(served, tmp_path, store):
    bundle = bundle_of(tmp_path, served, form="vectors", store=store)
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    vectors = READ[store](bundle)
    assert list(vectors) == list(served.items.item_ids)
    session = onnxruntime.InferenceSession(bundle / "query.onnx")
    matrix = np.array([vectors[item] for item in served.items.item_ids], np.float32)
    scorer = packed_stacks(served).encoders[manifest["part"]]
    for rows in HISTORIES:
        of_history = np.array([vectors[served.items.item_ids[row]] for row in rows], np.float32)
        (query,) = session.run(["query"], {"vectors": of_history})
        batch = HistoryBatch(Past(items=np.array(rows, np.int32)).as_sequences(), len(matrix))
        expected = scorer.score(batch)[0][0].numpy()
        np.testing.assert_allclose(matrix @ query, expected, atol=1e-4)
        assert np.argsort(-(matrix @ query))[:5].tolist() == np.argsort(-expected)[:5].tolist()


def test_the_part_of_the_largest_weight_is_exported(served, tmp_path):
    weights = np.where(np.char.startswith(served.head.names, "own:sequence"), 2.0, 0.1)
    heavier = replace(served, head=replace(served.head, weights=weights))
    bundle = bundle_of(tmp_path, heavier, form="vectors", store="parquet")
    assert json.loads((bundle / "manifest.json").read_text("utf-8"))["part"] == "own"
