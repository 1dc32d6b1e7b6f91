"""Which parts a run's settings let compete."""

import pytest

from client.transfer.trained_parts import PARTS, STACKS, PartSettings, parts_in, possible
from shared.errors import ConfigError


def test_lets_every_stack_hold_parts_that_can_be_made() -> None:
    for alignment in ("off", "gate"):
        sets = PartSettings(preset="tiny", alignment=alignment).stacks()
        assert list(sets) == list(STACKS)
        assert {part for parts in sets.values() for one in parts for part in one} <= set(PARTS)


def test_tunes_one_way_where_an_alignment_is_off_or_on() -> None:
    assert PartSettings(preset="tiny").stacks() == STACKS
    assert PartSettings(preset="tiny", alignment="probe:0.1").stacks() == STACKS


def test_lets_aligned_parts_compete_within_their_method_where_the_gate_chooses() -> None:
    settings = PartSettings(preset="tiny", alignment="gate")
    assert list(settings.alignments) == ["", "probe-", "coral-"]
    assert settings.stacks()["model"] == (
        ("tuned",),
        ("tuned", "own"),
        ("probe-tuned",),
        ("probe-tuned", "own"),
        ("coral-tuned",),
        ("coral-tuned", "own"),
    )
    assert settings.stacks()["feature"] == STACKS["feature"]


def test_has_one_student_of_a_stack_which_no_alignment_changes() -> None:
    sets = PartSettings(preset="tiny", teacher="stack", alignment="gate").stacks()
    assert sets["knowledge"] == STACKS["knowledge"]


def test_says_who_may_teach() -> None:
    with pytest.raises(ConfigError, match="teacher must be one of encoder, stack; got 'nobody'"):
        PartSettings(preset="tiny", teacher="nobody")


def test_makes_parts_in_their_order_and_lets_compete_what_could_be_trained() -> None:
    sets = {method: STACKS[method] for method in ("local", "feature", "model")}
    assert parts_in(sets) == ["own", "received", "tuned"]
    assert possible(sets, ["received"]) == {"local": [()], "feature": [("received",)]}
