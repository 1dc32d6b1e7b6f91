"""What users have spent: it adds up, is never forgotten, and every change of the ledger shows."""

from dataclasses import replace

import numpy as np
import pytest

from client.privacy.account import Account, digests_of
from client.privacy.accounts import RECORD, Accounts
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import PrivacyError
from shared.privacy.gaussian import epsilon_of, noise_for, weight_of
from shared.privacy.ledger import JOINED, Ledger, Release

DELTA, NOISE = 1e-6, noise_for(8.0, 1e-6)
COST = weight_of(NOISE)
USERS = digests_of([f"user-{row}" for row in range(10)])


def release(time: str = "2026-01-01T00:00:00+00:00", noise: float = NOISE) -> Release:
    return Release(time=time, released="cross", noise=noise, delta=DELTA)


def test_a_user_who_gave_once_cannot_give_again_and_others_can() -> None:
    account = Account().charged(USERS[:4], COST, release())
    assert account.able(USERS, COST, COST).tolist() == [False] * 4 + [True] * 6
    assert account.ledger.entries[-1].epsilon == pytest.approx(8.0)


def test_half_of_the_budget_twice_is_all_of_it() -> None:
    account = Account().charged(USERS, COST / 2, release()).charged(USERS[:5], COST / 2, release("later"))
    assert account.able(USERS, COST / 2, COST).tolist() == [False] * 5 + [True] * 5
    assert account.ledger.entries[0].epsilon == pytest.approx(epsilon_of(COST / 2, DELTA))
    assert account.ledger.entries[1].epsilon == pytest.approx(8.0)


def test_survives_a_restart_in_the_vault_and_on_the_machine(tmp_path) -> None:
    heads, machine = HeadStore(tmp_path / "vault"), tmp_path / "machine"
    with Accounts(machine, heads).changing() as book:
        book.replace(book.account.charged(USERS, COST, release()))
    for found in (Accounts(machine, heads), Accounts(machine), Accounts(None, heads)):
        assert found.read().most == pytest.approx(COST)
        assert found.read().ledger.state.entries == 1


def test_a_folder_that_was_restored_or_made_anew_finds_what_was_spent(tmp_path) -> None:
    heads, machine = HeadStore(tmp_path / "vault"), tmp_path / "machine"
    with Accounts(machine, heads).changing() as book:
        book.replace(book.account.charged(USERS[:5], COST, release()))
    backup = heads.read(RECORD)
    with Accounts(machine, heads).changing() as book:
        book.replace(book.account.charged(USERS[5:], COST, release("later")))
    heads.write(RECORD, backup)
    for store in (heads, HeadStore(tmp_path / "new vault")):
        account = Accounts(machine, store).read()
        assert not account.able(USERS, COST, COST).any()
        assert [entry.time for entry in account.ledger.entries] == ["2026-01-01T00:00:00+00:00", "later"]


def test_accounts_that_have_parted_count_both_and_the_ledger_says_so(tmp_path) -> None:
    heads, machine = HeadStore(tmp_path / "vault"), tmp_path / "machine"
    start = Account().charged(USERS[:2], COST / 4, release())
    heads.write(RECORD, start.charged(USERS[:3], COST / 2, release("here")).to_stored())
    HeadStore(machine).write(RECORD, start.charged(USERS[:3], COST / 4, release("there")).to_stored())
    account = Accounts(machine, heads).read()
    assert account.spent_by(USERS[:3]) == pytest.approx(np.array([5 / 4, 5 / 4, 3 / 4]) * COST)
    assert account.ledger.entries[-1].released == JOINED


def test_a_changed_a_missing_and_a_moved_entry_show() -> None:
    account = Account().charged(USERS[:1], COST / 3, release("a")).charged(USERS[1:2], COST / 3, release("b"))
    written = account.charged(USERS[2:3], COST / 3, release("c")).ledger.to_json()
    entries = written["entries"]
    assert Ledger.from_json(written).state.entries == 3
    for changed in (
        [{**entries[0], "noise": 9.0}, *entries[1:]],
        [*entries[:2], {**entries[2], "epsilon": 0.1}],
        [entries[0], entries[2]],
        [entries[1], entries[0], entries[2]],
        entries[1:],
        entries[:2],
    ):
        with pytest.raises(PrivacyError, match="the privacy ledger was changed: entry"):
            Ledger.from_json({**written, "entries": changed})
    with pytest.raises(PrivacyError, match="other fields"):
        Ledger.from_json({"head": "", "entries": [{"time": "a"}]})


def test_a_damaged_account_is_never_taken_for_an_empty_one(tmp_path) -> None:
    heads = HeadStore(tmp_path)
    heads.write(RECORD, StoredRecord(arrays={}, facts={}))
    with pytest.raises(PrivacyError, match="cannot be read"):
        Accounts(None, heads).read()
    heads.write(RECORD, Account().charged(USERS, COST, release()).to_stored())
    file = next(tmp_path.glob(f"{RECORD}*"))
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(PrivacyError, match="cannot be read"):
        Accounts(None, heads).read()


def test_an_entry_bears_the_digest_of_all_before_it() -> None:
    one = Account().charged(USERS[:1], COST, release("a")).ledger
    other = Account().charged(USERS[:1], COST, release("other")).ledger
    assert one.with_release(release("b"), COST).state.head != other.with_release(release("b"), COST).state.head
    assert replace(one.entries[0], noise=1.0).digest != one.entries[0].digest


def test_accounts_that_had_parted_are_one_ledger_from_the_first_time_that_they_meet(tmp_path) -> None:
    machine, heads = tmp_path / "machine", HeadStore(tmp_path / "heads")
    for place, users in ((HeadStore(machine), USERS[:4]), (heads, USERS[2:])):
        place.write(RECORD, Account().charged(users, COST, release(time=f"of {len(users)}")).to_stored())
    states = []
    for _ in range(2):
        with Accounts(machine, heads).changing() as book:
            states.append(book.account.ledger.state)
    assert states[0] == states[1]
    assert Accounts(machine, heads).read().ledger.entries[-1].released == JOINED
