import numpy as np
from flwr.app import RecordDict

from server.rounds.deliveries import Deliveries
from shared.encoder.encoder import Encoder
from shared.encoder.linear import LinearMap
from shared.encoder.step import digest
from tests.federation_world import START

NEXT = Encoder(spec=START.spec, flat=START.flat + np.float32(0.01) * (START.flat != 0))


def forms(deliveries, encoder, names=("a", "b")):
    """What each platform would be sent, unwritten."""
    sent = {}

    def write(form) -> RecordDict:
        content = RecordDict()
        sent[id(content)] = form
        return content

    questions = deliveries.questions(names, encoder, write)
    return {name: sent[id(questions[name])] for name in names}


def test_sends_the_whole_encoder_to_a_platform_that_never_answered() -> None:
    assert forms(Deliveries("steps"), START) == {"a": START, "b": START}


def test_sends_nothing_anew_to_a_platform_that_holds_it() -> None:
    deliveries = Deliveries("steps")
    deliveries.answered("ab", "a", START)
    found = forms(deliveries, START)
    assert (found["a"].base, found["a"].digest, found["a"].step) == (digest(START), digest(START), None)
    assert found["b"] is START


def test_sends_the_step_to_a_platform_that_holds_the_encoder_before() -> None:
    deliveries = Deliveries("steps")
    deliveries.answered("ab", "ab", START)
    reached = deliveries.advanced(START, NEXT)
    found = forms(deliveries, reached)
    assert found["a"].step.added_to(START).flat.tobytes() == reached.flat.tobytes()
    assert (found["a"].base, found["a"].digest) == (digest(START), digest(reached))
    assert found["a"] is found["b"]


def test_sends_the_whole_encoder_to_who_missed_one_and_to_all_where_the_linear_part_is_new() -> None:
    deliveries = Deliveries("steps")
    deliveries.answered("ab", "ab", START)
    first = deliveries.advanced(START, NEXT)
    deliveries.answered("ab", "a", first)
    second = deliveries.advanced(first, NEXT)
    assert forms(deliveries, second)["b"] is second
    one = first.linear()
    solved = first.with_linear(LinearMap(W=one.W + 1, mean_q=one.mean_q, mean_y=one.mean_y))
    assert forms(deliveries, solved) == {"a": solved, "b": solved}


def test_sends_whole_encoders_as_they_are_where_that_is_the_mode() -> None:
    deliveries = Deliveries("whole")
    deliveries.answered("ab", "ab", START)
    assert deliveries.advanced(START, NEXT) is NEXT
    assert forms(deliveries, NEXT) == {"a": NEXT, "b": NEXT}
