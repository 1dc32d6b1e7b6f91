"""A vector for a sum under one noise: who gives to it, when it is charged, what is written down of it."""

import shutil
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from client.data.platform import training_sequences
from client.data.sequences import select
from client.privacy.account import Account, digests_of
from client.privacy.accounts import Accounts, OpenAccount
from client.rounds.round_tasks import validation_sample, values_of_both
from client.rounds.summed_release import GIVEN, SummedRelease, note_opened
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments, triangle_size
from shared.errors import BudgetBroken, NothingToSum, PrivacyError, SumRefused
from shared.federation.private_parts import NUMBERS, evaluation_numbers
from shared.federation.sum_messages import SumWork
from shared.privacy.gaussian import weight_of
from shared.privacy.ledger import Release, seal_of
from shared.privacy.promise import Promise
from shared.secure_sum.noise_for_users import noise_left, private_terms
from shared.secure_sum.sum_messages import Plan
from tests.federation_world import START, opened
from tests.unit.client.training.world import features

RUN = "0" * 32
PROMISE = Promise(epsilon=50.0)
PUBLIC = CatalogueMoments.of(features())
WORK = SumWork(
    run=RUN,
    round=0,
    seed=0,
    parts=("cross", "evaluate"),
    encoder=START,
    weights={"shop": 1.0},
    noise=PROMISE.noise,
    public=PUBLIC,
    users=100_000,
)
ALONE = replace(WORK, parts=("evaluate",), public=None)
CROSS = replace(WORK, parts=("cross",))
LENGTH = triangle_size(PUBLIC.dim)
PARTIES = 8


def plan(number: int = 0, noise: float = PROMISE.noise, colluding: int = 1, length: int = LENGTH + NUMBERS) -> Plan:
    terms = private_terms(length, 1024.0, noise, colluding, bytes(32))
    return Plan(bytes(32), number, tuple(range(PARTIES)), terms)


def asked(at: Plan, work: SumWork = WORK, seen: str = "") -> SummedRelease:
    return SummedRelease(plan=at, work=work, seen=seen)


def workspace(tmp_path, users: int = 600, promise: Promise = PROMISE) -> Workspace:
    whole = opened("shop", users=1200)
    calibration = np.arange(0, users, 5)
    return Workspace.on(
        prepared=replace(
            whole,
            platform=replace(whole.platform, training_users=np.arange(users), calibration_users=calibration),
        ),
        heads=HeadStore(tmp_path / "heads"),
        promise=promise,
        is_private=True,
        machine=tmp_path / "machine",
        noise_seed=0,
    )


def account(at: Workspace) -> Account:
    return Accounts(at.machine, at.heads).read()


def entries(at: Workspace) -> list[str]:
    return [entry.released for entry in account(at).ledger.entries]


def encoder_users(at: Workspace) -> np.ndarray:
    """Rows of those who have a history and a next item."""
    rows = at.platform.encoder_users
    return rows[training_sequences(at.platform, rows).lengths() > 1]


def test_gives_the_exact_parts_and_charges_each_user_for_his(tmp_path) -> None:
    shop = workspace(tmp_path)
    vector = asked(plan()).vector(shop)
    exact = cross_moment(features(), training_sequences(shop.platform, encoder_users(shop)), PUBLIC)
    values = values_of_both(START, validation_sample(shop.platform, shop.platform.calibration_users), shop)
    assert vector[:LENGTH] == pytest.approx(exact)
    assert vector[LENGTH:] == pytest.approx(evaluation_numbers(values))
    found = account(shop)
    giving = digests_of([shop.platform.user_ids[row] for row in encoder_users(shop)])
    weighing = digests_of([shop.platform.user_ids[row] for row in shop.platform.calibration_users])
    assert found.spent_by(giving) == pytest.approx(PROMISE.budget)
    assert found.spent_by(weighing) == pytest.approx(PROMISE.budget / 2)
    assert len(found.users) == len(giving) + len(weighing)


def test_users_are_charged_before_there_is_a_vector(tmp_path, monkeypatch) -> None:
    shop = workspace(tmp_path)
    monkeypatch.setattr("client.rounds.summed_release.cross_moment", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asked(plan()).vector(shop)
    assert entries(shop) == ["cross-sum", "evaluation-sum"]


@pytest.mark.parametrize("at", [0, 1])
def test_a_platform_that_was_killed_as_it_charged_charges_each_user_once_when_it_is_asked_again(
    tmp_path, monkeypatch, at
) -> None:
    shop, places, real = workspace(tmp_path), count(), OpenAccount.replace

    def killed(self: OpenAccount, changed: Account) -> None:
        real(self, changed if next(places) != at else account(1 / 0))

    monkeypatch.setattr(OpenAccount, "replace", killed)
    with pytest.raises(ZeroDivisionError):
        asked(plan()).vector(shop)
    monkeypatch.undo()
    assert len(entries(shop)) == at
    asked(plan()).vector(shop)
    assert entries(shop) == ["cross-sum", "evaluation-sum"]
    assert account(shop).most == pytest.approx(PROMISE.budget)


def test_the_same_sum_has_the_same_users_and_charges_nobody_twice(tmp_path) -> None:
    shop = workspace(tmp_path)
    first = asked(plan()).vector(shop)
    spent = account(shop)
    again = asked(plan()).vector(workspace(tmp_path))
    assert again.tobytes() == first.tobytes()
    assert account(shop).ledger == spent.ledger


def test_another_sum_over_users_who_have_spent_is_declined(tmp_path) -> None:
    shop = workspace(tmp_path)
    asked(plan()).vector(shop)
    for other in (plan(1), replace(plan(), setup=bytes([1]) * 32)):
        with pytest.raises(NothingToSum, match="privacy-budget"):
            asked(other).vector(shop)
    assert len(entries(shop)) == 2


def test_a_second_evaluation_spends_the_other_half_and_a_third_has_no_users(tmp_path) -> None:
    shop = workspace(tmp_path)
    asked(plan()).vector(shop)
    assert asked(plan(1, length=NUMBERS), ALONE).vector(shop)[1] > 0
    assert account(shop).most == pytest.approx(PROMISE.budget)
    assert asked(plan(2, length=NUMBERS), ALONE).vector(shop).tolist() == [0.0, 0.0]
    assert account(shop).most == pytest.approx(PROMISE.budget)


def test_newcomers_alone_give_to_a_later_sum(tmp_path) -> None:
    asked(plan()).vector(workspace(tmp_path, users=600))
    grown = workspace(tmp_path, users=900)
    vector = asked(plan(1, length=LENGTH), CROSS).vector(grown)
    sequences = training_sequences(grown.platform, encoder_users(grown))
    new = np.flatnonzero(encoder_users(grown) >= 600)
    assert vector == pytest.approx(cross_moment(features(), select(sequences, new), PUBLIC))


def test_terms_with_less_noise_than_the_promise_get_nothing_and_cost_nothing(tmp_path) -> None:
    shop = workspace(tmp_path)
    with pytest.raises(BudgetBroken):
        asked(plan(noise=0.99 * PROMISE.noise)).vector(shop)
    bare = plan()
    with pytest.raises(BudgetBroken):
        asked(replace(bare, terms=replace(bare.terms, noise=None))).vector(shop)
    rounded = plan()
    with pytest.raises(BudgetBroken):  # the noise is right, but not beside what a coarse grid adds
        asked(replace(rounded, terms=replace(rounded.terms, exponent=-4))).vector(shop)
    assert entries(shop) == []


def test_noise_that_holds_against_too_few_is_refused(tmp_path) -> None:
    shop = workspace(tmp_path)
    with pytest.raises(SumRefused, match="against 1 other platforms; found it to hold against 0"):
        asked(plan(colluding=0)).vector(shop)
    with pytest.raises(SumRefused):
        asked(plan()).vector(replace(shop, colluding=2))
    assert entries(shop) == []


def test_terms_of_another_length_than_what_is_asked_charge_nobody(tmp_path) -> None:
    shop = workspace(tmp_path)
    with pytest.raises(SumRefused):
        asked(plan(length=LENGTH)).vector(shop)
    assert entries(shop) == []


def test_numbers_beyond_the_terms_bound_are_cut_to_it(tmp_path) -> None:
    at = plan()
    narrow = replace(at, terms=replace(at.terms, most=at.terms.most // 1024))
    vector = asked(narrow).vector(workspace(tmp_path))
    assert np.abs(vector).max() == narrow.terms.bound == 1.0


@pytest.mark.parametrize(
    ("users", "of_sum", "reason"), [(600, 400, "too-much-noise"), (600, 1000, ""), (60, 1000, "too-few-users")]
)
def test_whether_it_pays_is_judged_by_the_sums_users_and_each_platform_has_its_minimum(
    tmp_path, users, of_sum, reason
) -> None:
    noise = 1.0
    shop = workspace(tmp_path, users=users, promise=Promise(epsilon=50.0))
    release = asked(plan(noise=noise), replace(WORK, users=of_sum))
    if reason:
        with pytest.raises(NothingToSum, match=reason):
            release.vector(shop)
        assert entries(shop) == []
    else:
        assert len(release.vector(shop)) == LENGTH + NUMBERS


def test_the_ledger_says_how_much_noise_there_was_once_and_charges_nobody_for_that(tmp_path) -> None:
    shop, at = workspace(tmp_path), plan()
    asked(at).vector(shop)
    spent = account(shop).spent
    for _ in range(2):
        note_opened(at, PARTIES, PARTIES - 2, shop)
    found = account(shop)
    assert entries(shop) == ["cross-sum", "evaluation-sum", "opened"]
    assert found.spent.tolist() == spent.tolist()
    assert found.ledger.entries[-1].noise == noise_left(at.terms, PARTIES, PARTIES - 2)
    assert found.ledger.entries[-1].noise >= PROMISE.noise * (1 - 1e-9)
    assert found.ledger.entries[-1].weight == pytest.approx(PROMISE.budget)


def test_a_sum_to_which_this_platform_gave_nothing_is_not_written_down(tmp_path) -> None:
    shop = workspace(tmp_path)
    note_opened(plan(), PARTIES, PARTIES, shop)
    asked(plan()).vector(shop)
    note_opened(plan(1), PARTIES, PARTIES, shop)
    assert entries(shop) == ["cross-sum", "evaluation-sum"]


def test_what_users_spent_on_this_machine_counts_whatever_the_vault_has_forgotten(tmp_path) -> None:
    shop = workspace(tmp_path)
    asked(plan()).vector(shop)
    HeadStore(tmp_path / "heads").delete(GIVEN)
    with pytest.raises(NothingToSum, match="privacy-budget"):
        asked(plan()).vector(replace(shop, heads=HeadStore(tmp_path / "anew")))


def test_a_copy_whose_ledger_parted_from_what_the_coordinator_saw_gives_nothing_and_charges_nobody(tmp_path) -> None:
    asked(plan()).vector(workspace(tmp_path / "shop"))
    shutil.copytree(tmp_path / "shop", tmp_path / "copy")
    shop, copy = workspace(tmp_path / "shop"), workspace(tmp_path / "copy")
    first = seal_of(account(shop).ledger.state.head)
    asked(plan(1, length=NUMBERS), ALONE, first).vector(shop)
    second = seal_of(account(shop).ledger.state.head)
    for seen in (second, "0" * 64):
        before = account(copy)
        with pytest.raises(PrivacyError):
            asked(plan(2, length=NUMBERS), ALONE, seen).vector(copy)
        assert account(copy).ledger == before.ledger
    for seen in (first, second, ""):
        asked(plan(3, length=NUMBERS), ALONE, seen).vector(shop)


def test_users_who_spent_elsewhere_give_nothing(tmp_path) -> None:
    shop = workspace(tmp_path)
    spent = digests_of([shop.platform.user_ids[row] for row in encoder_users(shop)[:50]])
    with Accounts(shop.machine).changing() as book:
        release = Release(time="now", released="cross", noise=PROMISE.noise, delta=PROMISE.delta)
        book.replace(book.account.charged(spent, weight_of(PROMISE.noise), release))
    vector = asked(plan(length=LENGTH), CROSS).vector(shop)
    rest = training_sequences(shop.platform, encoder_users(shop)[50:])
    assert vector == pytest.approx(cross_moment(features(), rest, PUBLIC))
