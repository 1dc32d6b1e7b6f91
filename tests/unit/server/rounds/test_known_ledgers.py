"""What a coordinator knows of platforms' privacy ledgers, and which answers it does not take."""

from dataclasses import replace

import numpy as np
import pytest

from server.rounds.known_ledgers import KnownLedgers
from shared.errors import CheckpointError
from shared.federation.messages import CrossReply
from shared.privacy.gaussian import noise_for
from shared.privacy.ledger import Ledger, LedgerState

NOISE = noise_for(8.0, 1e-6)


def reply(entries: int, head: str = "a", releases: int = 1, before: str = "0") -> CrossReply:
    state = LedgerState(entries=entries, head=head * 64)
    cells, noise = np.zeros(3, np.int32), NOISE * releases**0.5
    told = {"round": 0, "fingerprint": "f", "users": 1024, "ledger": state, "before": before * 64}
    return CrossReply(cells=cells, noise=noise, **told)


def add(ledgers: KnownLedgers, one: CrossReply) -> None:
    ledgers.add("shop", one, run="r", noise=NOISE, delta=1e-6)


def test_keeps_what_each_release_cost_and_the_same_one_once(tmp_path) -> None:
    ledgers = KnownLedgers(tmp_path)
    for one in (reply(1), reply(1), reply(2, "b", before="a"), reply(3, "c", releases=2, before="b")):
        assert ledgers.objection("shop", one) == ""
        add(ledgers, one)
    entries = KnownLedgers(tmp_path).of("shop").entries
    assert [(entry.released, entry.entries) for entry in entries] == [("cross", 1), ("seen", 2), ("cross", 3)]
    assert entries[0].epsilon == pytest.approx(8.0)
    assert entries[1].epsilon == entries[0].epsilon
    assert entries[2].epsilon > 8.0
    assert not KnownLedgers(tmp_path).of("films").entries


def test_does_not_take_a_ledger_that_went_back_or_is_another_one(tmp_path) -> None:
    ledgers = KnownLedgers(tmp_path)
    add(ledgers, reply(3))
    assert ledgers.objection("shop", reply(2)) == (
        "its privacy ledger went back from 3 to 2 entries: reset or restored"
    )
    assert "another one than before" in ledgers.objection("shop", reply(3, "b"))
    assert ledgers.objection("shop", reply(3)) == ""
    assert ledgers.objection("films", reply(1)) == ""


def test_does_not_take_a_ledger_that_parted_from_the_known_one_and_has_grown_past_it(tmp_path) -> None:
    ledgers = KnownLedgers(tmp_path)
    assert ledgers.seen("shop") == Ledger().state.seen
    add(ledgers, reply(3))
    assert ledgers.seen("shop") == reply(3).ledger.seen
    assert ledgers.objection("shop", reply(9, "c", before="b")) == (
        "its privacy ledger of 3 entries is another one than before"
    )
    assert "another one than before" in ledgers.objection("shop", reply(9, "c", before="0"))
    assert ledgers.objection("shop", reply(9, "c", before="a")) == ""


def test_a_ledger_that_was_changed_is_damaged(tmp_path) -> None:
    ledgers = KnownLedgers(tmp_path)
    add(ledgers, reply(1))
    file = tmp_path / "shop.json"
    file.write_text(file.read_text().replace('"entries": 1', '"entries": 0'))
    add_more = replace(reply(2, releases=2), round=1)
    with pytest.raises(CheckpointError, match="of what shop released is damaged"):
        add(ledgers, add_more)


def test_without_a_folder_nothing_is_kept() -> None:
    ledgers = KnownLedgers(None)
    add(ledgers, reply(5))
    assert ledgers.objection("shop", reply(1)) == ""
