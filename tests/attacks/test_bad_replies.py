"""A reply that is not exactly one encoder never enters the encoder; the others' update is still taken."""

import json
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from shared.encoder.encoder import Layout
from shared.feature_space import FeatureSpace
from shared.federation.wire_records import ENCODER, FLAT, HEADER, METRICS, MOMENTS
from tests.attacks.tampered import NO_NUMBERS
from tests.federation_world import QUICK, START, config, federate, opened, tampering

HONEST = {"a": opened("a", seed=1), "c": opened("c", seed=2)}
ALL = {**HONEST, "b": opened("b", seed=3)}


def with_flat(content: RecordDict, change, record: str = ENCODER) -> RecordDict:
    content[record] = ArrayRecord({FLAT: Array(change(content[record][FLAT].numpy()))})
    return content


def with_header(content: RecordDict, **changes) -> RecordDict:
    content[HEADER] = ConfigRecord({**content[HEADER], **changes})
    return content


def with_layout(content: RecordDict, change) -> RecordDict:
    layout = Layout.from_json(json.dumps(change(json.loads(content[HEADER]["layout"]))))
    return with_header(content, **{"layout": layout.to_json(), "layout-hash": layout.hash})


def head_record(content: RecordDict) -> RecordDict:
    content["head"] = ArrayRecord({"v": Array(np.ones((24, 16), np.float32))})
    return content


def head_array(content: RecordDict) -> RecordDict:
    content[ENCODER]["v"] = Array(np.ones((24, 16), np.float32))
    return content


def head_in_layout(content: RecordDict) -> RecordDict:
    content = with_layout(content, lambda rows: [*rows, ["head.v", [24, 16], "int16"]])
    return with_flat(content, lambda flat: np.append(flat, np.ones(24 * 16, np.int16)))


def too_short(content: RecordDict) -> RecordDict:
    return with_flat(content, lambda flat: flat[:-1])


def two_dimensional(content: RecordDict) -> RecordDict:
    return with_flat(content, lambda flat: flat[None, :])


def broadcastable(content: RecordDict) -> RecordDict:
    return with_flat(content, lambda flat: flat[:1])


def swapped_names(content: RecordDict) -> RecordDict:
    return with_layout(content, lambda rows: rows[::-1])


def transposed_shape(content: RecordDict) -> RecordDict:
    return with_layout(content, lambda rows: [[name, [1, *shape], dtype] for name, shape, dtype in rows])


def foreign_key(content: RecordDict) -> RecordDict:
    return with_header(content, catalogue=20000)


def foreign_metric(content: RecordDict) -> RecordDict:
    content["metrics"]["items"] = 24.0
    return content


def double(content: RecordDict) -> RecordDict:
    return with_flat(content, lambda flat: flat.astype(np.float32))


def integers(content: RecordDict) -> RecordDict:
    return with_flat(content, lambda flat: flat.view(np.uint16))


def disguised_dtype(content: RecordDict) -> RecordDict:
    honest = content[ENCODER][FLAT]
    data = Array(honest.numpy().view(np.float16)).data
    content[ENCODER] = ArrayRecord({FLAT: Array(honest.dtype, honest.shape, honest.stype, data)})
    return content


def not_an_array(content: RecordDict) -> RecordDict:
    honest = content[ENCODER][FLAT]
    content[ENCODER] = ArrayRecord({FLAT: Array(honest.dtype, honest.shape, honest.stype, b"PK\x03\x04 no array")})
    return content


def other_space(content: RecordDict) -> RecordDict:
    return with_header(content, fingerprint="another")


def other_round(content: RecordDict) -> RecordDict:
    return with_header(content, round=77)


def own_linear_part(content: RecordDict) -> RecordDict:
    content = with_layout(content, lambda rows: [["linear.W", [8, 8], "int16"], *rows])
    return with_flat(content, lambda flat: np.append(np.ones(64, np.int16), flat))


def the_whole_encoder(content: RecordDict) -> RecordDict:
    return with_flat(
        with_layout(content, lambda _rows: json.loads(START.spec.layout().to_json())), lambda _: START.flat
    )


def nothing(_content: RecordDict) -> RecordDict:
    return RecordDict()


ATTACKS = {
    "a head as a record": (head_record, "records"),
    "a head beside the encoder": (head_array, "alone"),
    "a head in the layout": (head_in_layout, "layout must hold"),
    **NO_NUMBERS,
    "a wrong length": (too_short, "must be int16"),
    "a wrong shape": (two_dimensional, "must be int16"),
    "a shape that broadcasts": (broadcastable, "must be int16"),
    "swapped names": (swapped_names, "array 0 of the layout must be"),
    "a transposed shape": (transposed_shape, "of the layout must be"),
    "a foreign key": (foreign_key, "must hold"),
    "a foreign metric": (foreign_metric, "may hold"),
    "a wider dtype": (double, "must be int16"),
    "a wrong dtype": (integers, "must be int16"),
    "a dtype that differs from what is said": (disguised_dtype, "that it announces"),
    "no array at all": (not_an_array, "that it announces"),
    "another feature space": (other_space, "another feature space"),
    "another round": (other_round, "not to round"),
    "a linear part of its own": (own_linear_part, "layout must hold 2 arrays"),
    "the whole encoder": (the_whole_encoder, "layout must hold 2 arrays"),
    "nothing": (nothing, "records"),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """The encoder of the same rounds in which b never replies."""
    folder = tmp_path_factory.mktemp("honest")
    return federate(folder, ALL, config(moments=False, local=QUICK), silent=frozenset({"b"}))


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_drops_and_names_a_reply_with(attack, honest, tmp_path) -> None:
    change, reason = ATTACKS[attack]
    found = federate(tmp_path, ALL, config(moments=False, local=QUICK), apps={"b": tampering(change)})
    assert set(found.dropped) == {"b"}
    assert len(found.dropped["b"]) == 2
    assert all(reason in why for why in found.dropped["b"])
    assert found.encoder.flat.tobytes() == honest.encoder.flat.tobytes()
    assert found.encoder.flat.tobytes() != START.flat.tobytes()


def test_takes_all_three_where_nobody_attacks(honest, tmp_path) -> None:
    """What shows that the attacks above are attacks: b's honest reply does enter."""
    found = federate(tmp_path, ALL, config(moments=False, local=QUICK))
    assert found.dropped == {}
    assert found.encoder.flat.tobytes() != honest.encoder.flat.tobytes()


def test_leaves_the_encoder_as_it_is_where_every_reply_is_bad_and_says_so(tmp_path) -> None:
    found = federate(tmp_path, ALL, config(moments=False, local=QUICK), apps=dict.fromkeys(ALL, tampering(too_short)))
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    rounds = [entry for entry in found.history if entry["kind"] == "train"]
    assert [set(entry["dropped"]) for entry in rounds] == [{"a", "b", "c"}] * 2
    assert all("the encoder is unchanged" in entry["note"] for entry in rounds)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda flat: np.where(np.arange(len(flat)) == 3, 2**28 + 1, flat).astype(np.int32), "a mean lies beyond"),
        (lambda flat: np.where(np.arange(len(flat)) < 36, 2**28, flat).astype(np.int32), "larger than sums"),
        (lambda flat: flat * np.r_[np.full(36, -1), np.ones(len(flat) - 36, int)].astype(np.int32), "is negative"),
        (lambda flat: flat[:-1], "must be int32"),
        (lambda flat: flat.astype(np.float64), "must be int32"),
    ],
    ids=["a mean beyond 1", "too large means", "negative second moments", "a wrong length", "wider numbers"],
)
def test_drops_moments_with(change, reason, tmp_path) -> None:
    attacker = tampering(lambda content: with_flat(content, change, MOMENTS), kind="query")
    found = federate(tmp_path / "attacked", ALL, config(rounds=0), apps={"b": attacker})
    alone = federate(tmp_path / "honest", HONEST, config(rounds=0))
    assert reason in found.dropped["b"][0]
    assert set(found.moments) == {"a", "c"}
    assert found.encoder.flat.tobytes() == alone.encoder.flat.tobytes()
    assert found.encoder.linear().W.any()


@pytest.mark.parametrize("pairs", [-1, 123, 10**12 + 10**11])
def test_drops_moments_of_a_number_of_pairs_that_is_not_rounded(pairs, tmp_path) -> None:
    attacker = tampering(lambda content: with_header(content, pairs=pairs), kind="query")
    found = federate(tmp_path, ALL, config(rounds=0), apps={"b": attacker})
    assert "pairs must" in found.dropped["b"][0]
    assert set(found.moments) == {"a", "c"}


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_drops_an_evaluation_that_is_no_ndcg_and_does_not_judge_by_it(value, tmp_path) -> None:
    def boastful(content: RecordDict) -> RecordDict:
        content[METRICS] = MetricRecord({"both": value})
        return content

    found = federate(
        tmp_path, ALL, config(moments=False, local=QUICK), apps={"b": tampering(boastful, kind="evaluate")}
    )
    assert found.dropped == {"b": ["NDCG@10 must lie between 0 and 1"] * 3}
    assert all(set(entry["validation"]) == {"a", "c"} for entry in found.history if entry["kind"] == "evaluate")


def test_learns_only_a_code_from_a_platform_of_another_feature_space(tmp_path) -> None:
    elsewhere = FeatureSpace(name="elsewhere", parameters=(), dim=8, fingerprint="elsewhere")
    platforms = {**HONEST, "b": replace(ALL["b"], space=elsewhere)}
    found = federate(tmp_path, platforms)
    assert [entry["failed"] for entry in found.history] == [{"b": "feature-space"}] * 7
    assert set(found.moments) == {"a", "c"}
