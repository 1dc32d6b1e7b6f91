"""What the card of a run's encoder says: a promise only where all that the run made bears noise."""

from dataclasses import replace

import numpy as np
import pytest

from server.rounds.checkpoints import ENCODER_FILE, Checkpoints
from server.rounds.run_state import RoundRecord, RunState
from shared.encoder.cross import triangle_size
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from tests.federation_world import START, config
from tests.unit.server.engine.world import record

CARD = EncoderCard(calibration={"linear": {}}, privacy={"epsilon": 2.0, "delta": 1e-6})
PRIVATE = config(privacy="private", epsilon=8.0)
CROSS = START.with_cross(np.ones(triangle_size(START.spec.input_dim), np.float32))
TRAINED = replace(START, flat=START.flat + np.float32(0.01))


def card(folder, rounds, released: Encoder, start: Encoder = START) -> EncoderCard:
    """Of the file that a run leaves."""
    Checkpoints(folder, CARD, config=rounds, start=start).save(RunState(encoder=released, run="0" * 32))
    return load_encoder(folder / ENCODER_FILE)[1]


@pytest.mark.parametrize("rounds", [config(), PRIVATE], ids=["plain", "private"])
@pytest.mark.parametrize("start", [START, CROSS.without_sequence()], ids=["map", "cross"])
def test_the_starting_encoder_keeps_its_card(tmp_path, rounds, start) -> None:
    assert card(tmp_path, rounds, start, start=start) == CARD


def test_what_a_private_run_made_has_its_promise_and_no_calibration_of_another_linear_part(tmp_path) -> None:
    found = card(tmp_path, PRIVATE, CROSS.without_sequence())
    assert (found.privacy, found.calibration) == ({"epsilon": 8.0, "delta": 1e-6}, {})


@pytest.mark.parametrize(
    ("rounds", "released"),
    [(config(), TRAINED), (config(), CROSS), (PRIVATE, CROSS)],
    ids=["trained in a plain run", "a cross moment in a plain run", "a sequence part beside what bears noise"],
)
def test_what_was_made_without_noise_has_no_promise(tmp_path, rounds, released) -> None:
    assert card(tmp_path, rounds, released).privacy == {}


def evaluated(number: int, figures: dict[str, float], *, kept: bool) -> RoundRecord:
    return record(
        "evaluate", number, tuple(figures), validation={n: {"both": f} for n, f in figures.items()}, kept=kept
    )


def test_rounds_and_validation_are_those_of_the_encoder_that_is_left(tmp_path) -> None:
    history = (
        evaluated(2, {"shop": 0.2, "films": 0.3}, kept=True),
        evaluated(3, {"shop": 0.01, "films": 0.01}, kept=False),
    )
    start = replace(CARD, made_by="a news site", licence="MIT", pretrained="2026-03-01", rounds=5)
    state = RunState(encoder=CROSS, kept=TRAINED, run="0" * 32, round=3, history=history)
    for folder in (tmp_path / "first", tmp_path / "again"):
        Checkpoints(folder, start, config=config(), start=START).save(state)
    left = load_encoder(tmp_path / "first" / ENCODER_FILE)[1]
    assert (left.made_by, left.licence, left.pretrained) == ("a news site", "MIT", "2026-03-01")
    assert (left.rounds, left.validation) == (5 + 2, {"both": 0.25})
    first, again = ((tmp_path / name / ENCODER_FILE).read_bytes() for name in ("first", "again"))
    assert first == again


def test_an_encoder_that_nobody_judged_has_its_rounds_and_no_validation(tmp_path) -> None:
    state = RunState(encoder=TRAINED, run="0" * 32, round=4)
    Checkpoints(tmp_path, CARD, config=config(), start=START).save(state)
    left = load_encoder(tmp_path / ENCODER_FILE)[1]
    assert (left.rounds, left.validation) == (4, {})
