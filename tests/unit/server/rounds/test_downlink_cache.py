import numpy as np

from server.rounds.exchange import DownlinkCache
from shared.encoder.encoder import Encoder
from shared.encoder.linear import LinearMap
from tests.federation_world import START

NEXT = Encoder(spec=START.spec, flat=START.flat + np.float32(0.01) * (START.flat != 0))


def forms(downlink_cache, encoder, names=("a", "b")):
    """What each platform would be sent."""
    held = {name: downlink_cache.held(name) for name in names}
    return {name: (held[name] and downlink_cache.way(held[name], encoder)) or encoder for name in names}


def test_sends_the_whole_encoder_to_a_platform_that_never_answered() -> None:
    assert forms(DownlinkCache("int8-delta"), START) == {"a": START, "b": START}


def test_sends_nothing_anew_to_a_platform_that_holds_it() -> None:
    downlink_cache = DownlinkCache("int8-delta")
    downlink_cache.answered("ab", "a", START.digest)
    found = forms(downlink_cache, START)
    assert (found["a"].base, found["a"].digest, found["a"].delta) == (START.digest, START.digest, None)
    assert found["b"] is START


def test_sends_the_step_to_a_platform_that_holds_the_encoder_before() -> None:
    downlink_cache = DownlinkCache("int8-delta")
    downlink_cache.answered("ab", "ab", START.digest)
    reached = downlink_cache.advanced(START, NEXT)
    found = forms(downlink_cache, reached)
    assert found["a"].delta.added_to(START).flat.tobytes() == reached.flat.tobytes()
    assert (found["a"].base, found["a"].digest) == (START.digest, reached.digest)
    assert found["a"] is found["b"]


def test_sends_the_whole_encoder_to_who_missed_one_and_to_all_where_the_linear_part_is_new() -> None:
    downlink_cache = DownlinkCache("int8-delta")
    downlink_cache.answered("ab", "ab", START.digest)
    first = downlink_cache.advanced(START, NEXT)
    downlink_cache.answered("ab", "a", first.digest)
    second = downlink_cache.advanced(first, NEXT)
    assert forms(downlink_cache, second)["b"] is second
    one = first.linear()
    solved = first.with_linear(LinearMap(W=one.W + 1, mean_q=one.mean_q, mean_y=one.mean_y))
    assert forms(downlink_cache, solved) == {"a": solved, "b": solved}


def test_sends_whole_encoders_as_they_are_where_that_is_the_mode() -> None:
    downlink_cache = DownlinkCache("whole")
    downlink_cache.answered("ab", "ab", START.digest)
    assert forms(downlink_cache, NEXT) == {"a": NEXT, "b": NEXT}
