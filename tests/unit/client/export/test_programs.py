"""The program of torch.export says of every item what the platform's own stack says."""

import json

import numpy as np
import pytest
import torch

from client.export.history_state import HistoryState
from client.export.stack_scores import StackScores, scores_without_history
from client.packing.packed_columns import packed_stacks
from client.recommender.recommender import NO_HISTORY, ListQuery, Recommender
from client.recommender.request_ensemble import Past, RequestEnsemble
from client.scorers.scorer import HistoryBatch
from client.training.one_state import in_arrays
from tests.unit.client.export.world import HISTORIES, bundle_of
from tests.unit.client.recommender.served_world import served_world

WITH_HISTORY = [rows for rows in HISTORIES.values() if rows]


@pytest.fixture(scope="module")
def served():
    return served_world()


@pytest.fixture(scope="module")
def ensemble(served) -> RequestEnsemble:
    return Recommender.of(served).whole


@pytest.fixture(scope="module")
def module(served) -> StackScores:
    return StackScores(served, packed_stacks(served))


@pytest.fixture(scope="module")
def bundle(served, tmp_path_factory):
    return bundle_of(tmp_path_factory.mktemp("program"), served, form="torch-export", licence="CC-BY-4.0")


def inputs_of(module: StackScores, ensemble: RequestEnsemble, rows: list[int]) -> dict[str, torch.Tensor]:
    """What is told outside by the platform's own scorers."""
    batch = HistoryBatch(Past(items=np.array(rows, np.int32)).as_sequences(), module.n_items)
    raw = {
        column.name: scores[0]
        for scorer in ensemble.scorers
        for column, scores in zip(scorer.columns, scorer.score(batch), strict=True)
    }
    counted = torch.stack([raw[column["name"]] for column in module.counted])
    return {"items": torch.tensor(rows), "gap": torch.zeros(1, dtype=torch.int64), "counted": counted}


def require_alike(scores: torch.Tensor, ensemble: RequestEnsemble, rows: list[int]) -> None:
    past = Past(items=np.array(rows, np.int32))
    expected = ensemble.weights(past) @ ensemble.log_ratios(past)
    others = np.setdiff1d(np.arange(len(expected)), rows)
    np.testing.assert_allclose(scores[others], expected[others], atol=5e-3)


@pytest.mark.parametrize("rows", WITH_HISTORY, ids=len)
@torch.no_grad()
def test_the_module_scores_as_the_platform_does(module, ensemble, rows):
    require_alike(module(**inputs_of(module, ensemble, rows)), ensemble, rows)


def test_the_program_scores_as_the_platform_does(bundle, module, ensemble):
    program = torch.export.load(bundle / "scores.pt2").module()
    for rows in WITH_HISTORY:
        require_alike(program(**inputs_of(module, ensemble, rows)), ensemble, rows)


def test_the_manifest_says_what_the_program_takes(bundle, module):
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert manifest["licence"] == "CC-BY-4.0"
    assert manifest["program"]["file"] == "scores.pt2"
    assert [column["name"] for column in manifest["columns"]] == [column["name"] for column in module.columns]
    assert set(manifest["files"]) == {"scores.pt2", "tables.safetensors"}
    assert manifest["encoders"]["received"]["encoder"]


def test_without_a_history_items_are_scored_as_the_platform_does(served):
    answer = Recommender.of(served).recommend(NO_HISTORY, ListQuery(k=40))
    scores = scores_without_history(packed_stacks(served))
    np.testing.assert_allclose([scores[each.item] for each in answer], [each.score for each in answer], atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 11, 12, 13, 40])
@torch.no_grad()
def test_a_state_is_the_towers_own(served, length):
    scorer = packed_stacks(served).encoders["received"]
    vectors = scorer.table.vectors[torch.arange(length)]
    state = HistoryState(scorer.history, scorer.length, vectors.shape[1])(vectors)
    expected = in_arrays(scorer.history).of(vectors[-scorer.length :].numpy())
    np.testing.assert_allclose(state, expected, atol=1e-5)
