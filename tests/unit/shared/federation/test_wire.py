"""The wire: what goes in comes out, and what is not exactly one encoder is refused."""

from dataclasses import replace

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from shared.encoder.changes import Int8Delta, change_grid
from shared.encoder.encoder import Encoder, EncoderSpec, Layout
from shared.errors import ConfigError, WireError
from shared.feature_space import FeatureSpace
from shared.federation.config import LocalSettings, RoundsConfig
from shared.federation.messages import Declined, DeclineReason, EvaluateTask, KnownEncoder, TrainReply, TrainTask
from shared.federation.sum_messages import SumReply, SumTask, SumWork
from shared.federation.wire import (
    decode_evaluate_task,
    decode_sum_reply,
    decode_sum_task,
    decode_train_reply,
    decode_train_task,
    encode_reply,
    encode_task,
)

SPACE = FeatureSpace(name="hashing", parameters=(("dim", 8),), dim=8, fingerprint="f" * 32)
RUN = "0123456789abcdef" * 2
NONCE = "fedcba9876543210" * 2


@pytest.fixture
def encoder() -> Encoder:
    return Encoder.initial(EncoderSpec(preset="tiny", input_dim=8, feature_space=SPACE), seed=1)


def _change(encoder: Encoder) -> np.ndarray:
    grid = change_grid(encoder.spec)
    return grid.nearest(np.linspace(-0.1, 0.2, int(grid.lengths.sum())))


def _reply(encoder: Encoder, flat: np.ndarray | None = None, layout: Layout | None = None) -> TrainReply:
    return TrainReply(
        round=1,
        flat=_change(encoder) if flat is None else flat,
        layout=change_grid(encoder.spec).layout if layout is None else layout,
        fingerprint=SPACE.fingerprint,
        users=128,
        losses={"head": 1.5},
    )


def test_brings_a_task_across_bit_for_bit(encoder: Encoder) -> None:
    task = TrainTask(run=RUN, round=3, nonce=NONCE, seed=7, encoder=encoder, settings=LocalSettings(encoder_epochs=2))
    found = decode_train_task(encode_task(task))
    assert found.encoder.flat.tobytes() == encoder.flat.tobytes()
    assert (found.run, found.round, found.nonce, found.seed) == (RUN, 3, NONCE, 7)
    assert (found.settings, found.encoder.spec) == (task.settings, encoder.spec)


def test_refuses_a_run_that_is_not_named_by_digits(encoder: Encoder) -> None:
    task = TrainTask(run="../" + RUN, round=3, nonce=NONCE, seed=7, encoder=encoder, settings=LocalSettings())
    with pytest.raises(WireError, match="run must be 32 hexadecimal digits"):
        decode_train_task(encode_task(task))


def test_brings_a_reply_across_bit_for_bit(encoder: Encoder) -> None:
    found = decode_train_reply(encode_reply(_reply(encoder)))
    assert isinstance(found, TrainReply)
    assert found.flat.tobytes() == _change(encoder).tobytes()
    assert (found.users, found.losses) == (128, {"head": 1.5})


def test_brings_a_refusal_to_contribute_across() -> None:
    declined = Declined(round=1, reason=DeclineReason.TOO_FEW_USERS)
    assert decode_train_reply(encode_reply(declined)) == declined


def test_refuses_a_reply_with_a_record_that_nobody_asked_for(encoder: Encoder) -> None:
    content: RecordDict = encode_reply(_reply(encoder))
    content["head"] = ConfigRecord({"v": 1.0})
    with pytest.raises(WireError):
        decode_train_reply(content)


def test_refuses_a_reply_of_another_length_than_its_layout(encoder: Encoder) -> None:
    with pytest.raises(WireError):
        decode_train_reply(encode_reply(_reply(encoder, flat=_change(encoder)[:-1])))


def test_reads_back_the_run_config_it_wrote() -> None:
    config = RoundsConfig(
        rounds=3, aggregation="fedadam", server_learning_rate=0.01, local=LocalSettings(head_epochs=0)
    )
    assert RoundsConfig.from_run_config(config.to_run_config()) == config


def test_names_the_setting_that_is_wrong() -> None:
    with pytest.raises(ConfigError, match="aggregation must be one of fedavg, fedavgm, fedadam; got 'fedmax'"):
        RoundsConfig(aggregation="fedmax")  # type: ignore[arg-type]


def test_brings_the_ways_to_a_known_encoder_across(encoder: Encoder) -> None:
    after = Encoder(spec=encoder.spec, flat=encoder.flat + np.float32(0.1) * (encoder.flat != 0))
    step = Int8Delta.between(encoder, after)
    for sent in (step, None):
        known = KnownEncoder(spec=encoder.spec, base="b" * 64, delta=sent, digest="d" * 64)
        task = TrainTask(run=RUN, round=3, nonce=NONCE, seed=7, encoder=known, settings=LocalSettings(), keep=True)
        found = decode_train_task(encode_task(task))
        assert isinstance(found.encoder, KnownEncoder)
        assert (found.encoder.base, found.encoder.digest, found.keep) == ("b" * 64, "d" * 64, True)
        assert (found.encoder.delta is None) == (sent is None)
    found = decode_evaluate_task(
        encode_task(EvaluateTask(run=RUN, round=3, nonce=NONCE, seed=7, encoder=replace(known, delta=step)))
    )
    assert isinstance(found.encoder, KnownEncoder)
    assert found.encoder.delta is not None
    assert found.encoder.delta.added_to(encoder).flat.tobytes() == step.added_to(encoder).flat.tobytes()


@pytest.mark.parametrize(
    "arrays",
    [{"flat": np.zeros(3, np.int8)}, {"extra": np.zeros(3, np.int8)}, {"flat": np.zeros(3, np.float32)}],
    ids=["of another length", "one more", "of other numbers"],
)
def test_refuses_a_step_of_other_arrays(encoder: Encoder, arrays: dict[str, np.ndarray]) -> None:
    content = _task_with_a_step(encoder, {"flat": Int8Delta.between(encoder, encoder).cells, **arrays})
    with pytest.raises(WireError):
        decode_evaluate_task(content)


def test_refuses_a_step_whose_cells_no_step_has(encoder: Encoder) -> None:
    cells = Int8Delta.between(encoder, encoder).cells.copy()
    cells[-1] = 100
    with pytest.raises(WireError, match="an exponent lies beyond -64 to 15"):
        decode_evaluate_task(_task_with_a_step(encoder, {"flat": cells}))


def _task_with_a_step(encoder: Encoder, arrays: dict[str, np.ndarray]) -> RecordDict:
    known = KnownEncoder(spec=encoder.spec, base="b", delta=Int8Delta.between(encoder, encoder), digest="d")
    content: RecordDict = encode_task(EvaluateTask(run=RUN, round=3, nonce=NONCE, seed=7, encoder=known))
    content["step"] = ArrayRecord({name: Array(value) for name, value in arrays.items()})
    return content


@pytest.mark.parametrize("with_work", [False, True])
def test_brings_a_step_of_a_sum_across_with_the_task_whose_answer_is_summed(encoder: Encoder, with_work: bool) -> None:
    beside = {"weights": {"a": 1.0}, "settings": LocalSettings()}
    work = SumWork(run=RUN, round=3, seed=7, parts=("train",), encoder=encoder, **beside)
    task = SumTask.of(RUN, 3, bytes(range(256)), work if with_work else None)
    found = decode_sum_task(encode_task(task))
    assert (found.run, found.round, found.nonce, found.message) == (RUN, 3, task.nonce, bytes(range(256)))
    assert found.facts == task.facts
    assert found.facts.settings == (LocalSettings() if with_work else None)


def test_brings_an_answer_in_a_sum_across() -> None:
    content = encode_reply(SumReply(round=3, answer=b"\xff\x00"))
    assert decode_sum_reply(content) == SumReply(round=3, answer=b"\xff\x00")
    assert decode_sum_reply(encode_reply(Declined(round=3, reason=DeclineReason.SITE_POLICY))) == Declined(
        round=3, reason=DeclineReason.SITE_POLICY
    )


@pytest.mark.parametrize(
    "record",
    [
        ConfigRecord({"flat": 1}),
        ArrayRecord({"flat": Array(np.zeros((2, 2), np.int8))}),
        ArrayRecord({"flat": Array(np.zeros(2, np.int16))}),
        ArrayRecord({"flat": Array(np.zeros(0, np.int8))}),
        ArrayRecord({"flat": Array(np.zeros(2, np.int8)), "further": Array(np.zeros(2, np.int8))}),
    ],
    ids=["no array", "two sides", "other numbers", "nothing", "two arrays"],
)
def test_refuses_an_answer_in_a_sum_that_is_no_bytes(record) -> None:
    content = encode_reply(SumReply(round=3, answer=b"12"))
    content["sum"] = record
    with pytest.raises(WireError, match="record 'sum'"):
        decode_sum_reply(content)
