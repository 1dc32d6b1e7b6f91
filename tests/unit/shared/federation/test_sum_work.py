"""What platforms' vectors of a secure sum are of: what goes in comes out, and there is one form of it."""

from dataclasses import fields

import numpy as np
import pytest

from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.errors import ConfigError, WireError
from shared.feature_space import FeatureSpace
from shared.federation.config import LocalSettings
from shared.federation.messages import KnownEncoder
from shared.federation.sum_messages import SumTask, SumWork
from shared.federation.wire import decode_sum_task, encode_task

SPEC_DIM = 8
SPACE = FeatureSpace(name="hashing", parameters=(("dim", SPEC_DIM),), dim=SPEC_DIM, fingerprint="f" * 32)
RUN = "0123456789abcdef" * 2
NONCE = "fedcba9876543210" * 2


@pytest.fixture
def encoder() -> Encoder:
    return Encoder.initial(EncoderSpec(preset="tiny", input_dim=SPEC_DIM, feature_space=SPACE), seed=1)


def sum_work(encoder: Encoder, **changes) -> SumWork:
    usual = {"parts": ("train",), "weights": {"a": 1.0, "b.c": 0.5}, "settings": LocalSettings()}
    return SumWork(run=RUN, round=3, seed=7, encoder=encoder, **{**usual, **changes})


NO_CATALOGUE = CatalogueMoments.none(SPEC_DIM)
UNDER_NOISE = {"parts": ("cross",), "settings": None, "noise": 2.5, "public": NO_CATALOGUE, "users": 100}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"parts": ("moments", "train", "evaluate"), "keep": True},
        {"parts": ("evaluate",), "settings": None, "noise": 2.5},
        UNDER_NOISE,
    ],
    ids=["train", "parts", "evaluate", "cross"],
)
def test_brings_what_is_summed_across(encoder: Encoder, changes) -> None:
    work = sum_work(encoder, **changes)
    found = decode_sum_task(encode_task(SumTask.of(RUN, 3, b"message", work))).work
    assert found is not None
    assert np.array_equal(found.encoder.flat, encoder.flat)
    assert (found.meaning, found.keep) == (work.meaning, work.keep)
    for name in ("parts", "weights", "settings", "noise", "users"):
        assert getattr(found, name) == getattr(work, name)
    assert (found.public and found.public.digest) == (work.public and work.public.digest)


def test_names_the_same_work_whether_its_encoder_travels_or_not(encoder: Encoder) -> None:
    known = KnownEncoder(spec=encoder.spec, base="b", delta=None, digest=encoder.digest)
    work = sum_work(known)
    found = decode_sum_task(encode_task(SumTask.of(RUN, 3, b"message", work))).work
    assert found is not None
    assert found.meaning == sum_work(encoder).meaning


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"parts": ("train", "evaluate")},
        {"weights": {"a": 1.0, "b.c": 0.25}},
        {"weights": {"a": 1.0, "b": 0.5}},
        {"settings": LocalSettings(steps=3)},
    ],
    ids=["seed", "parts", "weights", "names", "settings"],
)
def test_what_is_summed_means_all_of_it(encoder: Encoder, changes) -> None:
    require_other_meaning(sum_work(encoder), changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"noise": 1.0},
        {"users": 200},
        {"public": CatalogueMoments(mean=np.ones(SPEC_DIM, np.float32), triangle=NO_CATALOGUE.triangle)},
    ],
    ids=["noise", "users", "public"],
)
def test_what_is_summed_under_noise_means_all_of_it(encoder: Encoder, changes) -> None:
    require_other_meaning(sum_work(encoder, **UNDER_NOISE), changes)


def require_other_meaning(usual: SumWork, changes) -> None:
    other = SumWork(**{**{one.name: getattr(usual, one.name) for one in fields(usual)}, **changes})
    assert other.meaning != usual.meaning


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parts": ()}, "expected one or more of moments, cross, train, evaluate in this order; got none"),
        ({"parts": ("evaluate", "train")}, "in this order; got evaluate, train"),
        ({"parts": ("train", "train")}, "in this order; got train, train"),
        ({"weights": {}}, "weights above 0, the largest of them 1"),
        ({"weights": {"a": 0.5}}, "weights above 0, the largest of them 1"),
        ({"weights": {"a": 1.0, "b": 0.0}}, "weights above 0, the largest of them 1"),
        ({"weights": {"a": 1.0, "b": float("nan")}}, "weights above 0, the largest of them 1"),
        ({"settings": None}, "expected settings where a part is train, and only there"),
        ({"parts": ("evaluate",)}, "expected settings where a part is train, and only there"),
        ({"parts": ("cross",), "settings": None}, "expected a public catalogue where a part is cross"),
        ({"users": 10}, "expected cross moments and evaluations, or updates, with noise"),
        ({**UNDER_NOISE, "noise": 0.0}, "expected cross moments and evaluations, or updates, with noise"),
        ({**UNDER_NOISE, "users": -1}, "expected cross moments and evaluations, or updates, with noise"),
    ],
)
def test_refuses_work_that_makes_no_sense(encoder: Encoder, changes, words) -> None:
    with pytest.raises(ConfigError, match=words):
        sum_work(encoder, **changes)


@pytest.mark.parametrize(
    ("record", "change"),
    [
        ("work-header", {"parts": "train,other"}),
        ("work-header", {"parts": "evaluate,train"}),
        ("work-header", {"round": 4}),
        ("work-header", {"run": NONCE}),
        ("work-header", {"noise": -1.0}),
        ("work-header", {"extra": 1}),
        ("work-weights", {"a": 0.5}),
        ("work-weights", {"a": 1}),
        ("work-weights", {"a": "much"}),
        ("work-settings", {"steps": "many"}),
    ],
)
def test_refuses_what_is_summed_in_any_other_form(encoder: Encoder, record, change) -> None:
    content = encode_task(SumTask.of(RUN, 3, b"message", sum_work(encoder)))
    content[record].update(change)
    with pytest.raises(WireError):
        decode_sum_task(content)


@pytest.mark.parametrize("record", ["work-header", "work-weights", "work-encoder", "work-settings"])
def test_refuses_what_is_summed_without_a_record_of_it(encoder: Encoder, record) -> None:
    content = encode_task(SumTask.of(RUN, 3, b"message", sum_work(encoder)))
    del content[record]
    with pytest.raises(WireError):
        decode_sum_task(content)
