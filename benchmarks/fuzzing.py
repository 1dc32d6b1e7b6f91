"""Mutated tasks, replies, signatures and encoder files against every parser of bytes from another machine.

    python -m benchmarks.fuzzing [--inputs 100000] [--seed 0]

A parser takes an input or raises its own error: nothing else, within a second, and without much more memory than the
input has. What a platform's gate does with a bundle is one digest, before anything of it is parsed.
"""

import argparse
import json
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict

from server.rounds.screening import screen_cross, screen_evaluate, screen_moments, screen_train
from shared.encoder.changes import Int8Delta, change_grid
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.encoder.linear import Moments
from shared.errors import EncoderFileError, GraftError, TaskUnsigned, WireError
from shared.feature_space import FeatureSpace
from shared.federation.config import LocalSettings
from shared.federation.cross_wire import decode_cross_task
from shared.federation.messages import (
    CrossReply,
    CrossTask,
    EvaluateReply,
    EvaluateTask,
    KnownEncoder,
    MomentsReply,
    MomentsTask,
    TrainReply,
    TrainTask,
)
from shared.federation.signatures import TaskSigner, content_digest, public_key_of, require_signed
from shared.federation.updates import update_form
from shared.federation.wire import (
    decode_evaluate_task,
    decode_moments_task,
    decode_train_task,
    encode_reply,
    encode_task,
)
from shared.federation.wire_records import SIGNATURE
from shared.privacy.ledger import LedgerState
from shared.seeding import rng_for

MOST_SECONDS = 1.0
MOST_BYTES = 32 * 2**20
"""above what a valid input of these sizes takes"""
RUN = "0" * 32
JUNK: tuple[Any, ...] = (
    *(0, -1, 1, 2**31, -(2**63), 2**63 - 1, 0.0, -0.0, 0.5, 1e308, float("nan"), float("inf"), True, False),
    *("", "x", "\x00", "../" * 40, "9" * 400, "[" * 2000, "[]", "{}", '[["a",[1],"int8"]]', "é" * 100, "lora:999999"),
    *('["x", [], 1000000000, "f"]', '["x", [[1, [2]]], 8, "f"]', '[["a",[9999999999,9999999999],"float64"]]'),
    *(b"", b"\x00" * 100, [1, 2], ["a"], [0.5]),
)
Mutation = Callable[[RecordDict, np.random.Generator], None]


@dataclass(frozen=True, kw_only=True)
class Parser:
    """One parser, what it takes, and the error that it may raise."""

    name: str
    valid: Callable[[], Any]
    parse: Callable[[Any], object]
    error: type[GraftError]
    mutate: Callable[[Any, np.random.Generator], Any]


@dataclass(kw_only=True)
class Outcome:
    """What became of the inputs."""

    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """what no parser may do, in words"""
    slowest: float = 0.0
    """seconds"""
    largest: int = 0
    """bytes at the most at once"""


def fuzz(inputs: int, seed: int, folder: Path) -> Outcome:
    """So many inputs, the parsers in turn."""
    parsers, outcome = _parsers(folder), Outcome()
    tracemalloc.start()
    try:
        for number in range(inputs):
            parser = parsers[number % len(parsers)]
            rng = rng_for(seed, "fuzzing", number)
            _one(parser, parser.mutate(parser.valid(), rng), outcome, f"{parser.name}, input {number} of seed {seed}")
    finally:
        tracemalloc.stop()
    return outcome


def _one(parser: Parser, fuzzed: Any, outcome: Outcome, where: str) -> None:
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    start = time.perf_counter()
    try:
        parser.parse(fuzzed)
        outcome.taken[parser.name] += 1
    except parser.error:
        outcome.refused[parser.name] += 1
    except Exception as error:  # noqa: BLE001 (what a parser may not let through is what is looked for)
        outcome.wrong.append(f"{where}: {type(error).__name__}: {error}")
    seconds, most = time.perf_counter() - start, tracemalloc.get_traced_memory()[1] - before
    outcome.slowest, outcome.largest = max(outcome.slowest, seconds), max(outcome.largest, most)
    if seconds > MOST_SECONDS:
        outcome.wrong.append(f"{where}: took {seconds:.1f} seconds")
    if most > MOST_BYTES:
        outcome.wrong.append(f"{where}: took {most:,} bytes")


def _parsers(folder: Path) -> list[Parser]:
    space = FeatureSpace(name="hashing", parameters=(("dim", 8),), dim=8, fingerprint="f" * 32)
    spec = EncoderSpec(preset="tiny", input_dim=8, feature_space=space)
    encoder, local = Encoder.initial(spec, seed=1), LocalSettings()
    form, signer = update_form(local, 0), TaskSigner(Ed25519PrivateKey.generate())
    known = KnownEncoder(
        spec=spec, base=encoder.digest, delta=Int8Delta.between(encoder, encoder), digest=encoder.digest
    )
    train = TrainTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=encoder, settings=local)
    evaluate = EvaluateTask(run=RUN, round=1, nonce=RUN, seed=0, encoder=known)
    moments = MomentsTask(run=RUN, round=1, nonce=RUN, feature_space=space)
    public, ledger = CatalogueMoments.none(8), LedgerState(entries=1, head="0" * 64)
    cross = CrossTask(run=RUN, round=1, nonce=RUN, feature_space=space, public=public, noise=0.5, seen=ledger.seen)
    grid = change_grid(spec)
    reply_facts: dict[str, Any] = {"round": 1, "users": 64}
    origin = {**reply_facts, "fingerprint": space.fingerprint}
    update = grid.nearest(np.linspace(-0.1, 0.2, int(grid.lengths.sum())))
    trained = TrainReply(flat=update, layout=grid.layout, losses={"head": 1.5}, **origin)
    summed = MomentsReply(moments=_moments(), **origin)
    cells = np.arange(36, dtype=np.int32)
    noised = CrossReply(cells=cells, noise=0.5, ledger=ledger, before="0" * 64, **origin)
    valued = EvaluateReply(validation={"both": 0.1}, **reply_facts)
    key = public_key_of(signer.public)

    def signed() -> RecordDict:
        content: RecordDict = encode_task(train)
        content[SIGNATURE] = signer.signature(content_digest(content), "shop")
        return content

    def checked(content: RecordDict) -> None:
        if key is not None:
            require_signed(content, "shop", key)

    def wire(name: str, valid: Callable[[], RecordDict], parse: Callable[[RecordDict], object]) -> Parser:
        return Parser(name=name, valid=valid, parse=parse, error=WireError, mutate=mutated)

    return [
        wire("moments task", lambda: encode_task(moments), lambda content: decode_moments_task(content).facts),
        wire("cross task", lambda: encode_task(cross), lambda content: decode_cross_task(content).facts),
        wire("training task", lambda: encode_task(train), lambda content: decode_train_task(content).facts),
        wire("evaluation task", lambda: encode_task(evaluate), lambda content: decode_evaluate_task(content).facts),
        wire("moments reply", lambda: encode_reply(summed), lambda content: screen_moments(content, spec, 1)),
        wire("cross reply", lambda: encode_reply(noised), lambda content: screen_cross(content, spec, 1, 0.5)),
        wire("update", lambda: encode_reply(trained), lambda content: screen_train(content, encoder, 1, form)),
        wire("evaluation", lambda: encode_reply(valued), lambda content: screen_evaluate(content, 1)),
        Parser(name="signature", valid=signed, parse=checked, error=TaskUnsigned, mutate=mutated),
        _file_parser(folder, encoder),
    ]


def _file_parser(folder: Path, encoder: Encoder) -> Parser:
    path = folder / "encoder.safetensors"
    save_encoder(path, encoder, EncoderCard(catalogue=CatalogueMoments.none(8)))
    content = path.read_bytes()

    def parse(fuzzed: bytes) -> object:
        path.write_bytes(fuzzed)
        return load_encoder(path)

    return Parser(name="encoder file", valid=lambda: content, parse=parse, error=EncoderFileError, mutate=mutated_bytes)


def _moments() -> Moments:
    vectors = np.eye(8)[np.arange(64) % 8]
    square, total = vectors.T @ vectors, vectors.sum(0)
    return Moments(A=square, B=square, C=square, sum_q=total, sum_y=total, n=64.0)


def mutated(content: RecordDict, rng: np.random.Generator) -> RecordDict:
    """One to three things of it are others."""
    for _ in range(int(rng.integers(1, 4))):
        if content:
            MUTATIONS[int(rng.integers(len(MUTATIONS)))](content, rng)
    return content


def mutated_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Bits flipped, a part cut out or doubled, an end cut off; more often near the beginning, where lengths stand."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(64 if rng.random() < 0.5 else max(1, len(changed)))) % max(1, len(changed))
        kind = int(rng.integers(4))
        if kind == 0 and changed:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del changed[place : place + int(rng.integers(1, 64))]
        elif kind == 2:
            changed[place:place] = changed[place : place + int(rng.integers(1, 64))]
        else:
            del changed[place + int(rng.integers(len(changed) + 1)) :]
    return bytes(changed)


def _choice(values: Mapping[str, Any], rng: np.random.Generator) -> str:
    return sorted(values)[int(rng.integers(len(values)))]


def _junk(rng: np.random.Generator) -> Any:
    return JUNK[int(rng.integers(len(JUNK)))]


def _without_a_record(content: RecordDict, rng: np.random.Generator) -> None:
    del content[_choice(content, rng)]


def _another_record(content: RecordDict, rng: np.random.Generator) -> None:
    records = (ConfigRecord({"kind": "declined"}), MetricRecord({"head": 1.0}), ArrayRecord({}), ConfigRecord({}))
    name = _choice(content, rng) if rng.random() < 0.5 else str(_junk(rng))[:50]
    content.pop(name, None)
    content[name] = records[int(rng.integers(len(records)))]


def _another_field(content: RecordDict, rng: np.random.Generator) -> None:
    record = content[_choice(content, rng)]
    if isinstance(record, ConfigRecord) and record:
        record[_choice(record, rng)] = _junk(rng)
    elif isinstance(record, MetricRecord):
        value = _junk(rng)
        if type(value) in (int, float):
            record["head" if not record else _choice(record, rng)] = value


def _field_more_or_less(content: RecordDict, rng: np.random.Generator) -> None:
    record = content[_choice(content, rng)]
    if isinstance(record, ConfigRecord) and record:
        if rng.random() < 0.5:
            del record[_choice(record, rng)]
        else:
            record[str(_junk(rng))[:50]] = _junk(rng)


def _changed_text(content: RecordDict, rng: np.random.Generator) -> None:
    record = content[_choice(content, rng)]
    texts = {name: value for name, value in record.items() if isinstance(value, str)}
    if isinstance(record, ConfigRecord) and texts:
        name = _choice(texts, rng)
        record[name] = mutated_bytes(texts[name].encode("utf-8"), rng).decode("utf-8", "replace")


def _changed_array(content: RecordDict, rng: np.random.Generator) -> None:
    record = content[_choice(content, rng)]
    if isinstance(record, ArrayRecord) and record:
        name = _choice(record, rng)
        old = record[name]
        dtypes, shapes = ("float32", "float64", "int8", "object", "x" * 99), ((), (0,), (2**40,), (-1,), (3, 3))
        kind = int(rng.integers(4))
        record[name] = Array(
            dtypes[int(rng.integers(5))] if kind == 0 else old.dtype,
            shapes[int(rng.integers(5))] if kind == 1 else old.shape,
            "pickle" if kind == 2 else old.stype,
            mutated_bytes(old.data, rng),
        )


MUTATIONS: tuple[Mutation, ...] = (
    _without_a_record,
    _another_record,
    _another_field,
    _another_field,
    _field_more_or_less,
    _changed_text,
    _changed_array,
)


def main() -> None:
    """Print what became of the inputs; exit code 1 where a parser did what none may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = fuzz(options.inputs, options.seed, Path(folder))
    print(json.dumps({"refused": outcome.refused, "taken": outcome.taken}, indent=1))
    print(f"slowest {outcome.slowest:.3f} s, at the most {outcome.largest:,} bytes at once, wrong {len(outcome.wrong)}")
    print("\n".join(outcome.wrong[:20]))
    raise SystemExit(bool(outcome.wrong))


if __name__ == "__main__":
    main()
