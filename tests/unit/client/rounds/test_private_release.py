"""A release under noise: who gives to it, what it costs, what a later task gets."""

from dataclasses import replace

import numpy as np
import pytest

from client.data.platform import training_sequences
from client.data.sequences import Sequences
from client.privacy.accounts import Accounts
from client.rounds.private_release import TOLD, Told, cross_reply
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments, to_square
from shared.federation.messages import CrossReply, CrossTask, Declined, DeclineReason, nonce_of
from shared.privacy.grid import middles
from shared.privacy.ledger import START, Ledger, LedgerState, SeenLedger
from shared.privacy.promise import Promise
from tests.federation_world import opened
from tests.unit.client.training.world import SPACE, features

RUN = "0" * 32
PROMISE = Promise(epsilon=50.0)
PUBLIC = CatalogueMoments.of(features())
NOTHING = Ledger().state
"""of a ledger, as a coordinator has seen it that asks for the first time"""


def workspace(tmp_path, users: int = 600, promise: Promise = PROMISE, seed: int = 0) -> Workspace:
    whole = opened("shop", users=1200)
    return Workspace.on(
        prepared=replace(whole, platform=replace(whole.platform, training_users=np.arange(users))),
        heads=HeadStore(tmp_path / "heads"),
        promise=promise,
        machine=tmp_path / "machine",
        noise_seed=seed,
    )


def task(noise: float = PROMISE.noise, public: CatalogueMoments = PUBLIC, seen: LedgerState = NOTHING) -> CrossTask:
    asked = {"run": RUN, "round": 0, "nonce": nonce_of("cross", RUN, 0), "feature_space": SPACE}
    return CrossTask(**asked, public=public, noise=noise, seen=seen.seen)


def released(asked: CrossTask, at: Workspace) -> CrossReply:
    reply = cross_reply(asked, at)
    assert isinstance(reply, CrossReply)
    return reply


def test_releases_the_sum_over_encoder_users_under_noise_and_charges_them(tmp_path) -> None:
    shop = workspace(tmp_path)
    reply = released(task(), shop)
    exact = cross_moment(features(), _contributions(shop), PUBLIC)
    left = middles(reply.cells, reply.noise) - exact
    assert np.std(left) == pytest.approx(PROMISE.noise, rel=0.4)
    assert (reply.noise, reply.users, reply.ledger.entries) == (PROMISE.noise, 512, 1)
    account = Accounts(shop.machine, shop.heads).read()
    assert len(account.users) == int((_contributions(shop).lengths() > 1).sum())
    assert account.spent == pytest.approx(PROMISE.budget)
    assert account.ledger.state == reply.ledger


def test_a_later_task_gets_the_same_and_costs_nothing(tmp_path) -> None:
    first = released(task(), workspace(tmp_path, seed=1))
    later = released(replace(task(), round=3), workspace(tmp_path, seed=2))
    assert later.cells.tobytes() == first.cells.tobytes()
    assert (later.ledger, later.noise) == (first.ledger, first.noise)


def test_shows_the_ledger_as_it_was_to_who_has_seen_it_and_to_nobody_else(tmp_path) -> None:
    shop = workspace(tmp_path)
    first = released(task(), shop)
    assert first.before == START
    assert released(task(seen=first.ledger), shop).before == first.ledger.head
    grown = released(task(seen=first.ledger), workspace(tmp_path, users=1200))
    assert (grown.ledger.entries, grown.before) == (2, first.ledger.head)
    for seal in ("0" * 64, first.ledger.head, grown.ledger.seen.seal):
        guessed = replace(task(), seen=SeenLedger(entries=1, seal=seal))
        assert released(guessed, shop).before == START


def test_users_who_came_since_give_once_they_are_enough_and_only_they(tmp_path) -> None:
    first = released(task(), workspace(tmp_path, users=600))
    few = released(task(), workspace(tmp_path, users=700))
    assert few.cells.tobytes() == first.cells.tobytes()
    grown = workspace(tmp_path, users=1200, seed=3)
    more = released(task(), grown)
    assert more.noise == pytest.approx(np.sqrt(2) * PROMISE.noise)
    assert more.ledger.entries == 2
    account = Accounts(grown.machine, grown.heads).read()
    assert account.spent == pytest.approx(PROMISE.budget)
    exact = cross_moment(features(), _contributions(grown), PUBLIC)
    assert np.std(middles(more.cells, more.noise) - exact) == pytest.approx(more.noise, rel=0.3)


def test_who_did_something_gives_again_as_far_as_their_budget_holds(tmp_path) -> None:
    half = task(noise=PROMISE.noise * np.sqrt(2))
    first = released(half, workspace(tmp_path))
    unchanged = released(half, workspace(tmp_path))
    assert unchanged.cells.tobytes() == first.cells.tobytes()
    again = released(half, _with_new_events(workspace(tmp_path)))
    assert again.ledger.entries == 2
    spent = _with_new_events(_with_new_events(workspace(tmp_path)))
    assert released(half, spent).cells.tobytes() == again.cells.tobytes()
    assert Accounts(spent.machine, spent.heads).read().most == pytest.approx(PROMISE.budget)


def test_a_new_folder_of_the_same_data_finds_the_promise_spent(tmp_path) -> None:
    released(task(), workspace(tmp_path))
    anew = replace(workspace(tmp_path), heads=HeadStore(tmp_path / "new heads"))
    assert cross_reply(task(), anew) == Declined(round=0, reason=DeclineReason.PRIVACY_BUDGET)


def test_says_why_nothing_leaves(tmp_path) -> None:
    strict = workspace(tmp_path, promise=Promise(epsilon=1.0))
    asked = task(noise=Promise(epsilon=1.0).noise)
    assert cross_reply(asked, strict) == Declined(round=0, reason=DeclineReason.TOO_MUCH_NOISE)
    small = workspace(tmp_path, users=99)
    assert cross_reply(task(), small) == Declined(round=0, reason=DeclineReason.TOO_FEW_USERS)
    assert not Accounts(strict.machine, strict.heads).read().ledger.entries


def test_tasks_under_other_noises_do_not_tell_how_many_users_there_are(tmp_path) -> None:
    """Who asks under falling noise until something leaves would else find the number exactly, at nobody's cost."""
    noises = PROMISE.noise * np.geomspace(1.01, 1.99, 12)
    outcomes = set()
    for place, noise in enumerate(noises):
        outcomes.add(type(cross_reply(task(noise=float(noise)), workspace(tmp_path / str(place), users=260))))
    assert len(outcomes) == 1


def test_a_release_that_was_cut_off_before_it_was_charged_is_charged_when_it_goes_on(tmp_path, monkeypatch) -> None:
    shop = workspace(tmp_path, seed=1)
    with monkeypatch.context() as patched:
        patched.setattr(Accounts, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cross_reply(task(), shop)
    stored = Told.read(shop.heads, SPACE.fingerprint)
    assert stored is not None
    assert stored.pending
    reply = released(task(), workspace(tmp_path, seed=2))
    assert reply.ledger.entries == 1
    np.testing.assert_allclose(middles(reply.cells, reply.noise), stored.total, atol=PROMISE.noise / 16)
    assert not Told.read(shop.heads, SPACE.fingerprint).pending
    assert TOLD in shop.heads.names()


def test_what_was_released_under_another_whitening_is_the_same_sum(tmp_path) -> None:
    mild = Promise(epsilon=100.0)
    first = released(task(noise=mild.noise), workspace(tmp_path, promise=mild))
    other = CatalogueMoments.none(SPACE.dim)
    second = released(task(noise=mild.noise, public=other), workspace(tmp_path, promise=mild))
    assert second.ledger == first.ledger
    raw = [
        public.colouring @ to_square(middles(reply.cells, reply.noise), SPACE.dim) @ public.colouring
        for public, reply in ((PUBLIC, first), (other, second))
    ]
    np.testing.assert_allclose(raw[0], raw[1], atol=0.1 * np.abs(raw[0]).max())


def _contributions(at: Workspace) -> Sequences:
    return training_sequences(at.platform, at.platform.encoder_users)


def _with_new_events(at: Workspace) -> Workspace:
    """Every user met one item more."""
    platform, old = at.platform, at.platform.sequences
    parts = [
        np.append(old.items[start:end], (old.items[end - 1] + 1) % platform.n_items)
        for start, end in zip(old.offsets[:-1], old.offsets[1:], strict=True)
    ]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    sequences = Sequences(offsets=offsets, items=np.concatenate(parts).astype(np.int32))
    prepared = replace(at.prepared, platform=replace(platform, sequences=sequences))
    return replace(at, open_data=lambda: prepared)
