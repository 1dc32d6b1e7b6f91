"""A question that is asked again has the same nonce, another one has another."""

from itertools import combinations

import pytest

from shared.errors import WireError
from shared.feature_space import FeatureSpace
from shared.federation.messages import EvaluateTask, MomentsTask, nonce_of
from shared.federation.wire import decode_evaluate_task, decode_moments_task, encode_task
from tests.federation_world import START

RUN, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SPACE = FeatureSpace(name="hashing", parameters=(("dim", 8),), dim=8, fingerprint="f" * 32)
QUESTIONS = [
    ("moments", RUN, 0),
    ("train", RUN, 1),
    ("train", RUN, 11),
    ("train", OTHER, 1),
    ("evaluate", RUN, 1, "a"),
    ("evaluate", RUN, 1, "b"),
]


def test_has_the_same_nonce_again() -> None:
    assert [nonce_of(*one) for one in QUESTIONS] == [nonce_of(*one) for one in QUESTIONS]


@pytest.mark.parametrize(("one", "other"), list(combinations(QUESTIONS, 2)))
def test_never_has_the_nonce_of_another(one, other) -> None:
    assert nonce_of(*one) != nonce_of(*other)


def test_brings_run_and_nonce_across_in_a_task_of_moments_and_of_evaluation() -> None:
    moments = MomentsTask(run=RUN, round=4, nonce=OTHER, feature_space=SPACE)
    evaluation = EvaluateTask(run=RUN, round=4, nonce=OTHER, seed=0, encoder=START)
    for found in (decode_moments_task(encode_task(moments)), decode_evaluate_task(encode_task(evaluation))):
        assert (found.facts.run, found.facts.nonce, found.facts.round) == (RUN, OTHER, 4)


@pytest.mark.parametrize("nonce", ["", "0" * 31, "G" * 32, "0" * 33])
def test_refuses_a_nonce_that_is_not_32_digits(nonce: str) -> None:
    content = encode_task(MomentsTask(run=RUN, round=4, nonce=nonce, feature_space=SPACE))
    with pytest.raises(WireError, match="nonce must be 32 hexadecimal digits"):
        decode_moments_task(content)
