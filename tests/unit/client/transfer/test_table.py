"""The table of methods: which parts a run's settings let compete, and that a method is a row."""

import pytest

from client.ensemble.candidates import OWN_PART
from client.transfer.part_settings import PartSettings
from client.transfer.table import METHODS, competing, part_makers, possible, ranked, stack_sets
from shared.errors import ConfigError

PLAIN = PartSettings(preset="tiny")
WITH_STACKS = [name for name, method in METHODS.items() if method.sets]


def test_lets_every_stack_hold_parts_that_can_be_made() -> None:
    for alignment in ("off", "gate"):
        settings = PartSettings(preset="tiny", alignment=alignment)
        sets = stack_sets(METHODS, settings)
        assert list(sets) == WITH_STACKS
        held = {part for parts in sets.values() for one in parts for part in one}
        assert held == set(part_makers(sets, settings))


def test_tunes_one_way_where_an_alignment_is_off_or_on() -> None:
    plain = {name: METHODS[name].sets for name in WITH_STACKS}
    assert stack_sets(METHODS, PLAIN) == plain
    assert stack_sets(METHODS, PartSettings(preset="tiny", alignment="probe:0.1")) == plain


def test_lets_aligned_parts_compete_within_their_method_where_the_gate_chooses() -> None:
    settings = PartSettings(preset="tiny", alignment="gate")
    assert list(settings.alignments) == ["", "probe-", "coral-"]
    sets = stack_sets(METHODS, settings)
    assert sets["model"] == (
        ("tuned",),
        ("tuned", "own"),
        ("probe-tuned",),
        ("probe-tuned", "own"),
        ("coral-tuned",),
        ("coral-tuned", "own"),
    )
    assert sets["feature"] == METHODS["feature"].sets


def test_has_one_student_of_a_stack_which_no_alignment_changes() -> None:
    sets = stack_sets(METHODS, PartSettings(preset="tiny", teacher="stack", alignment="gate"))
    assert sets["knowledge"] == METHODS["knowledge"].sets


def test_holds_nothing_that_the_platform_trains_alone_where_that_is_left_out() -> None:
    sets = stack_sets(METHODS, PartSettings(preset="tiny", own=False))
    assert sets["local"] == ((),)
    assert OWN_PART not in part_makers(sets, PLAIN)


def test_says_who_may_teach() -> None:
    with pytest.raises(ConfigError, match="teacher must be one of encoder, stack; got 'nobody'"):
        PartSettings(preset="tiny", teacher="nobody")


def test_makes_parts_in_their_order_and_lets_compete_what_could_be_trained() -> None:
    sets = stack_sets(("local", "feature", "model"), PLAIN)
    assert list(part_makers(sets, PLAIN)) == ["own", "received", "tuned"]
    assert possible(sets, ["received"]) == {"local": ((),), "feature": (("received",),)}


def test_keeps_the_columns_of_a_ensemble_in_the_order_that_records_have() -> None:
    settings = PartSettings(preset="tiny", alignment="gate")
    assert list(part_makers(stack_sets(METHODS, settings), settings)) == [
        "federated",
        "federated-tuned",
        "own",
        "pooled",
        "previous",
        "received",
        "tuned",
        "probe-tuned",
        "coral-tuned",
        "student",
        "probe-student",
        "coral-student",
    ]


def test_ranks_what_stands_for_transfer_and_knows_what_competes() -> None:
    assert ranked(lambda shown: shown.headline) == ("federated", "feature", "model", "pooled", "zero-shot")
    assert ranked(lambda shown: shown.weights) == ("federated", "feature", "pooled", "local", "stack")
    assert competing() == ("feature", "model", "knowledge", "federated", "federated-model", "previous")
