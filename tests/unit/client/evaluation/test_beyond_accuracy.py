"""Coverage, diversity and novelty of lists, by hand."""

import numpy as np
import pytest

from client.data.sequences import Sequences
from client.evaluation.beyond_accuracy import ListJudge, coverage, intra_list_diversity, self_information

# two unlike items, one halfway between them (cosine √½ to each), and one without content
FEATURES = np.array([[1, 0], [0, 1], [0.5**0.5, 0.5**0.5], [0, 0]], np.float32)
HALFWAY = 0.5**0.5


def lists(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.int32)


def test_covers_the_share_of_the_catalogue_that_is_in_a_list() -> None:
    assert coverage(lists([0, 1], [1, 2]), 4) == 0.75
    assert coverage(np.empty((0, 2), np.int32), 4) == 0


def test_diversity_is_what_pairs_lack_in_cosine() -> None:
    assert intra_list_diversity(lists([0, 1], [0, 2]), FEATURES) == pytest.approx([1, 1 - HALFWAY])
    assert intra_list_diversity(lists([0, 1, 2]), FEATURES) == pytest.approx([1 - 2 * HALFWAY / 3])


def test_an_item_without_content_is_unlike_every_other() -> None:
    assert intra_list_diversity(lists([0, 3]), FEATURES) == pytest.approx([1])


def test_diversity_is_the_mean_over_all_pairs_of_any_lists() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(30, 5)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    some = np.stack([rng.permutation(30)[:10] for _ in range(7)]).astype(np.int32)
    pairs = np.triu_indices(10, 1)
    expected = [1 - (features[one] @ features[one].T)[pairs].mean() for one in some]
    assert intra_list_diversity(some, features) == pytest.approx(expected, abs=1e-6)


def test_information_counts_users_once_and_gives_an_unmet_item_a_finite_value() -> None:
    three_users = Sequences(offsets=np.array([0, 3, 4, 6]), items=np.array([0, 0, 1, 0, 0, 1], np.int32))
    # of three users and an imagined one, all know item 0, three item 1, and one item 2
    assert self_information(three_users, 3) == pytest.approx([0, np.log2(4 / 3), 2])


def test_judges_all_lists_and_those_of_each_slice() -> None:
    judge = ListJudge(features=FEATURES, information=np.array([0.0, 1.0, 2.0, 4.0]))
    first = np.array([True, False])
    quality = judge.judge(lists([0, 1], [1, 3]), {"first": first, "nobody": first & ~first})
    assert quality.novelty.tolist() == [0.5, 2.5]
    assert quality.diversity == pytest.approx([1, 1])
    assert quality.coverage == {"all": 0.75, "first": 0.5, "nobody": 0}
