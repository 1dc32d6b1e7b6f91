"""A vault that was put back from a backup: no second masked vector, no second signature, and no set forgotten."""

import shutil
from math import inf
from pathlib import Path

import numpy as np
import pytest

from client.rounds.own_party import OwnParty
from client.store.head_store import HeadStore
from shared.errors import SumRefused
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.roster import Roster
from shared.secure_sum.terms import SetupTerms, SumTerms

NAMES = ("north", "south", "west", "east")
TERMS = SumTerms(length=3, exponent=-10, most=2**12)


class Platforms:
    """Vaults and machines of their own under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.roster = Roster.of(self.own(name).member for name in NAMES)
        for name in NAMES:
            self.own(name).pin(self.roster)

    def own(self, name: str) -> OwnParty:
        return OwnParty(HeadStore(self.folder / name), name, self.folder / f"machine-{name}")

    def answer(self, name: str, message: bytes) -> bytes:
        own = self.own(name)
        party = own.party(least_parties=3, least_spread=inf)
        found = party.answer(message, lambda terms: np.ones(terms.length))
        own.seal(party)
        return found

    def coordinator(self, nonce: int = 0, roster: Roster | None = None) -> Coordinator:
        return Coordinator.of(roster or self.roster, SetupTerms(sums=2), bytes([nonce] * 32))

    def until(self, coordinator: Coordinator, stage: str) -> Coordinator:
        while coordinator.stage != stage:
            if coordinator.stage == "ready":
                coordinator.begin(TERMS)
                continue
            for name, message in coordinator.outgoing().items():
                coordinator.take(name, self.answer(name, message))
            coordinator.close()
        return coordinator

    def back_up(self, name: str) -> None:
        shutil.copytree(self.folder / name, self.folder / "backup")

    def restore(self, name: str) -> None:
        shutil.rmtree(self.folder / name)
        shutil.copytree(self.folder / "backup", self.folder / name)


@pytest.fixture
def platforms(tmp_path) -> Platforms:
    return Platforms(tmp_path)


@pytest.mark.parametrize(("saved", "reached"), [("mask", "agree"), ("agree", "open")])
def test_answers_no_step_of_the_sum_that_was_under_way(platforms, saved, reached) -> None:
    coordinator = platforms.until(platforms.coordinator(), saved)
    asked = coordinator.outgoing()["north"]
    platforms.back_up("north")
    platforms.until(coordinator, reached)
    platforms.restore("north")
    with pytest.raises(SumRefused, match=r"found none under way|found another"):
        platforms.answer("north", asked)


def test_takes_part_again_from_the_next_set_up_on(platforms) -> None:
    coordinator = platforms.until(platforms.coordinator(), "mask")
    platforms.back_up("north")
    platforms.until(coordinator, "agree")
    platforms.restore("north")
    assert platforms.until(platforms.coordinator(nonce=1), "open").outgoing()


def test_still_opens_no_sum_that_differs_by_one_from_what_it_opened_after_the_backup(platforms) -> None:
    platforms.answer("north", platforms.coordinator(nonce=9).outgoing()["north"])
    platforms.back_up("north")
    platforms.until(platforms.coordinator(), "open")
    platforms.restore("north")
    fewer = Roster.of(one for one in platforms.roster.members if one.party != "east")
    coordinator = platforms.until(platforms.coordinator(nonce=1, roster=fewer), "shares")
    with pytest.raises(SumRefused, match="1 that joined or left"):
        platforms.answer("north", coordinator.outgoing()["north"])


def test_a_vault_that_is_newer_than_the_machine_goes_on(platforms) -> None:
    """A crash between the two writes, or a folder that was moved to another machine."""
    coordinator = platforms.until(platforms.coordinator(), "agree")
    shutil.rmtree(platforms.folder / "machine-north")
    assert platforms.until(coordinator, "open").outgoing()
