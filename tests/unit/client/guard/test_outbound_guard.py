"""The outbound guard: what is listed leaves, and a thing of every other kind is stopped."""

from datetime import datetime

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord
from hypothesis import assume, given
from hypothesis import strategies as st

from client.guard.manifest import manifest
from client.guard.site_policy import SitePolicy, TaskKind
from shared.encoder.changes import AdapterSpec
from shared.errors import OutboundRefused
from shared.federation.messages import Declined, DeclineReason, Failed, FailureCode
from shared.federation.sum_messages import SumReply
from shared.federation.wire import content_bytes, encode_reply
from shared.federation.wire_records import array_record
from tests.federation_world import START
from tests.unit.client.guard.answers import CHANGE, GRID, NOON, asked, checked, evaluated, moments, trained
from tests.unit.client.training.world import N_ITEMS

DECLINED = encode_reply(Declined(round=3, reason=DeclineReason.TOO_FEW_USERS))
NUMBERS = int(GRID.lengths.sum())
HEAD = np.zeros((N_ITEMS, 16), np.float32)


def test_lets_a_round_pass_and_says_what_it_is() -> None:
    content = trained()
    passed = checked(content)
    assert (passed.kind, passed.users, passed.metrics) == ("train-reply", 128, ("encoder", "head"))
    assert passed.arrays == {"encoder": f"int16 [{CHANGE.size}]"}
    assert passed.bytes == content_bytes(content) > CHANGE.nbytes


def test_lets_moments_an_evaluation_and_refusals_pass() -> None:
    assert checked(moments(), TaskKind.MOMENTS).kind == "moments-reply"
    assert checked(evaluated(), TaskKind.EVALUATE).metrics == ("both", "linear", "sequence")
    assert checked(DECLINED).kind == "declined"
    assert checked(encode_reply(Failed(round=3, code=FailureCode.DATA))).kind == "failed"


def with_record(name, record):
    return lambda content: content.update({name: record})


def with_field(name, value):
    return lambda content: content["header"].update({name: value})


def with_metric(name, value):
    return lambda content: content["metrics"].update({name: value})


def replaced(array):
    return with_record("encoder", ArrayRecord({"flat": Array(array)}))


LEAKS = {
    "a head tensor in a record of its own": (with_record("head", array_record(v=HEAD)), "a record that is not listed"),
    "a head tensor beside the encoder": (
        with_record("encoder", array_record(flat=CHANGE, v=HEAD)),
        "must hold the array 'flat' alone",
    ),
    "a head tensor in the encoder's place": (replaced(HEAD), f"it has a side of {N_ITEMS}, as the catalogue"),
    "scores of the catalogue": (replaced(np.zeros(N_ITEMS, np.float32)), "as the catalogue"),
    "the whole encoder": (replaced(START.flat), "must be int16"),
    "one number more": (replaced(np.append(CHANGE, np.int16(0))), "must be int16"),
    "a code that no number has": (replaced(np.append(np.int16(-32768), CHANGE[1:])), "a code lies beyond 32767"),
    "an exponent that no number has": (replaced(np.append(CHANGE[:-1], np.int16(99))), "an exponent lies beyond"),
    "the numbers of other cells": (
        replaced(np.r_[CHANGE[:NUMBERS] // 2, CHANGE[NUMBERS:]]),
        "larger than its numbers need",
    ),
    "an item's text in a record": (with_record("note", ConfigRecord({"text": "wool socks"})), "not listed"),
    "an item's text in the header": (with_field("text", "wool socks"), "the fields"),
    "an item's text for the fingerprint": (with_field("fingerprint", "wool socks"), "fingerprint in the header"),
    "an item's text for the layout's hash": (with_field("layout-hash", "wool socks"), "layout-hash in the header"),
    "a user's id as the layout": (with_field("layout", "user-4711"), "the layout that was asked for"),
    "a user's id for the round": (with_field("round", 4711), "round in the header must be 3"),
    "a user's id as a metric's name": (with_metric("user-4711", 1.0), "a metric that is not listed"),
    "an unlisted metric": (with_metric("clicks", 0.5), "listed are head, encoder"),
    "a loss of more digits": (with_metric("head", 3.2149), "two digits after the point"),
    "a list as a loss": (with_metric("head", [1.0, 2.0]), "two digits after the point"),
    "an exact count of users": (with_field("users", 120), "a power of two up to 128"),
    "a larger power of two": (with_field("users", 4096), "a power of two up to 128"),
    "true for a count": (with_field("users", 1.0), "a power of two"),
    "another kind of record": (with_record("metrics", ConfigRecord({"head": 1.0})), "no MetricRecord"),
    "another kind of answer": (with_field("kind", "events"), "may be declined, failed, train-reply"),
    "no header": (lambda content: content.pop("header"), "may be declined, failed, train-reply"),
    "no metrics": (lambda content: content.pop("metrics"), "without the records metrics"),
}


@pytest.mark.parametrize(("leak", "reason"), LEAKS.values(), ids=LEAKS)
def test_stops(leak, reason) -> None:
    content = trained()
    leak(content)
    with pytest.raises(OutboundRefused, match=reason) as caught:
        checked(content)
    assert not any(word in str(caught.value) for word in ("wool", "user-4711"))


@given(name=st.one_of(st.sampled_from(["head", "encoder"]), st.text(max_size=12)), value=st.floats(allow_nan=True))
def test_stops_every_metric_that_is_not_a_loss_of_two_digits(name, value) -> None:
    assume(name not in ("head", "encoder") or not (abs(value) < 1000 and round(value, 2) == value))
    content = trained(losses={})
    content["metrics"] = MetricRecord({name: value})
    with pytest.raises(OutboundRefused):
        checked(content)


def test_stops_bytes_behind_an_array_that_announces_less() -> None:
    content = trained()
    array = content["encoder"]["flat"]
    array.data = array.data + b"user-4711"
    with pytest.raises(OutboundRefused, match="not as long as its shape says"):
        checked(content)


def test_stops_a_zip_that_announces_an_array() -> None:
    content = trained()
    content["encoder"]["flat"].data = b"PK" + content["encoder"]["flat"].data
    with pytest.raises(OutboundRefused, match="does not hold the array that it announces"):
        checked(content)


def test_stops_an_answer_that_is_larger_than_the_policy_allows() -> None:
    with pytest.raises(OutboundRefused, match="1,000 may leave"):
        checked(trained(), policy=SitePolicy(privacy="plain", maximum_bytes=1000))


def test_stops_an_answer_that_is_larger_than_its_kind(monkeypatch) -> None:
    monkeypatch.setattr("client.guard.manifest.SLACK_BYTES", 10)
    with pytest.raises(OutboundRefused, match=r"train-reply of .* bytes"):
        checked(trained())


def test_stops_moments_where_the_policy_does_not_list_them() -> None:
    for policy in (
        SitePolicy(privacy="plain", tasks=("train", "evaluate")),
        SitePolicy(privacy="plain", minimum_users=121),
    ):
        with pytest.raises(OutboundRefused, match="an answer to moments may be declined, failed"):
            checked(moments(), TaskKind.MOMENTS, policy)


SUMMED = encode_reply(SumReply(round=3, answer=bytes(100)))


def test_lets_an_answer_in_a_sum_of_the_length_that_was_foretold_leave() -> None:
    assert checked(SUMMED, TaskKind.SUM, answer_bytes=100).kind == "sum-reply"
    for length in (99, 101):
        with pytest.raises(OutboundRefused, match="record 'sum' must be int8"):
            checked(SUMMED, TaskKind.SUM, answer_bytes=length)


@pytest.mark.parametrize(
    ("policy", "task", "kind"),
    [
        (SitePolicy(privacy="masked"), TaskKind.SUM, "sum-reply"),
        (SitePolicy(privacy="plain"), TaskKind.SUM, "sum-reply"),
        (SitePolicy(privacy="private"), TaskKind.SUM, ""),
        (SitePolicy(privacy="masked"), TaskKind.TRAIN, ""),
        (SitePolicy(privacy="masked"), TaskKind.EVALUATE, ""),
        (SitePolicy(privacy="masked", tasks=("train",)), TaskKind.SUM, ""),
    ],
)
def test_lists_results_for_the_mode_of_the_policy(policy, task, kind) -> None:
    listed = set(manifest(asked(task, answer_bytes=100), policy)) - {"failed", "declined"}
    assert listed == ({kind} if kind else set())


@pytest.mark.parametrize("task", [TaskKind.MOMENTS, TaskKind.EVALUATE])
def test_stops_an_answer_to_another_question(task) -> None:
    with pytest.raises(OutboundRefused, match=f"an answer to {task} may be"):
        checked(trained(), task)


def test_stops_the_whole_encoder_where_an_adapter_was_asked_for() -> None:
    adapter = AdapterSpec(encoder=START.spec, rank=2).grid()
    with pytest.raises(OutboundRefused, match="the layout that was asked for"):
        checked(trained(), grid=adapter)
    small = trained(flat=adapter.nearest(np.zeros(int(adapter.lengths.sum()))), layout=adapter.layout)
    assert checked(small, grid=adapter).kind == "train-reply"
    assert adapter.layout != GRID.layout


@pytest.mark.parametrize(
    ("content", "task", "policy"),
    [
        (trained(), TaskKind.TRAIN, SitePolicy(privacy="plain", tell_losses=False)),
        (trained(), TaskKind.TRAIN, SitePolicy(privacy="plain", tell_users=False)),
        (evaluated(), TaskKind.EVALUATE, SitePolicy(privacy="plain", tell_validation=False)),
        (DECLINED, TaskKind.TRAIN, SitePolicy(privacy="plain", tell_declined=False)),
    ],
    ids=["losses", "users", "validation", "declined"],
)
def test_stops_what_the_policy_switched_off(content, task, policy) -> None:
    assert checked(content, task, SitePolicy(privacy="plain"))
    with pytest.raises(OutboundRefused):
        checked(content, task, policy)


def test_stops_results_in_the_quiet_hours_and_lets_refusals_pass() -> None:
    night = datetime(2026, 3, 1, 23, 30).astimezone()
    policy = SitePolicy(privacy="plain", quiet_hours="22:00-06:00")
    with pytest.raises(OutboundRefused, match="quiet hours 22:00-06:00"):
        checked(trained(), policy=policy, now=night)
    assert checked(encode_reply(Failed(round=3, code=FailureCode.REFUSED)), policy=policy, now=night)
    assert checked(trained(), policy=policy, now=datetime(2026, 3, 1, 12, 0).astimezone())
    assert NOON.tzinfo is not None
