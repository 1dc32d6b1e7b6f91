"""A platform that runs twice from one copy: its users spend in both, so the coordinator takes the answers of one."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from server.rounds.known_ledgers import KnownLedgers
from shared.privacy.ledger import LedgerState
from tests.unit.client.rounds.test_private_release import released, task, workspace


class Coordinator:
    """Asks one platform for its cross moment, run by run."""

    def __init__(self, folder: Path) -> None:
        self._ledgers = KnownLedgers(folder)

    def asks(self, place: Path, users: int) -> str:
        """Why the answer is not taken of the platform that lies in this folder and has so many users; else empty."""
        asked = replace(task(), seen=self._ledgers.seen("shop"))
        reply = released(asked, workspace(place, users=users))
        objection = self._ledgers.objection("shop", reply)
        if not objection:
            self._ledgers.add("shop", reply, run="r", noise=asked.noise, delta=1e-6)
        return objection


@pytest.fixture
def forked(tmp_path) -> tuple[Coordinator, Path, Path]:
    """The coordinator, a platform that it has asked twice, and a copy of the platform from between."""
    coordinator, shop, copy = Coordinator(tmp_path / "ledgers"), tmp_path / "shop", tmp_path / "copy"
    assert coordinator.asks(shop, 300) == ""
    shutil.copytree(shop, copy)
    assert coordinator.asks(shop, 500) == ""
    return coordinator, shop, copy


def test_a_copy_that_has_grown_past_what_is_known_is_not_taken(forked) -> None:
    coordinator, _shop, copy = forked
    assert coordinator.asks(copy, 300) == "its privacy ledger went back from 2 to 1 entries: reset or restored"
    for users in (600, 800, 1000):
        assert coordinator.asks(copy, users) == "its privacy ledger of 2 entries is another one than before"


def test_the_platform_itself_is_taken_further_on(forked) -> None:
    coordinator, shop, _copy = forked
    assert [coordinator.asks(shop, users) for users in (500, 700, 720, 900)] == [""] * 4


def test_without_the_digest_of_before_the_copy_is_taken(forked, monkeypatch) -> None:
    """What shows that the test above can fail: numbers of entries alone only grow."""
    coordinator, _shop, copy = forked
    held = LedgerState.contradicts
    monkeypatch.setattr(LedgerState, "contradicts", lambda self, known, _before: held(self, known, known.head))
    assert coordinator.asks(copy, 600) != ""
    assert coordinator.asks(copy, 800) == ""
