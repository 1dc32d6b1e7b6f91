"""A coordinator that wants more of a sum under noise than the promise allows, or platforms that help it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.privacy_attacks import auc
from client.data.sequences import select
from client.guard.site_policy import SitePolicy
from client.privacy.accounts import Accounts
from client.store.head_store import HeadStore
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments, to_square, triangle_size
from shared.federation.config import LocalSettings
from shared.federation.messages import Declined, DeclineReason, Failed, FailureCode
from shared.federation.private_parts import private_length
from shared.federation.sum_messages import SumReply, SumWork
from shared.federation.wire import decode_sum_reply
from shared.privacy.gaussian import noise_for
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.noise_for_users import private_terms
from shared.secure_sum.noise_parts import NoiseParts
from shared.secure_sum.sum_messages import Masked
from shared.secure_sum.terms import SetupTerms, SumTerms
from tests.attacks.test_property_inference import CATALOGUE, DIM, DUAL, PUBLIC, RNG
from tests.federation_world import START, opened
from tests.secure_sum_world import SumWorld, sum_world
from tests.sum_shops import RUN, SumShops
from tests.unit.client.training.world import features, ragged

PROMISE = SitePolicy(privacy="masked-private", epsilon=50.0)
NAMES = ("shop0", "shop1", "shop2")
WORK = SumWork(
    run=RUN,
    round=0,
    seed=0,
    parts=("cross", "evaluate"),
    encoder=START,
    weights=dict.fromkeys(NAMES, 1.0),
    noise=PROMISE.noise,
    public=CatalogueMoments.of(features()),
    users=100_000,
)
REFUSED = Failed(round=0, code=FailureCode.SUM_REFUSED)


def terms(work: SumWork = WORK, noise: float = PROMISE.noise, colluding: int = 1) -> SumTerms:
    return private_terms(private_length(work), 2048.0, noise, colluding, bytes.fromhex(work.meaning))


def bare(work: SumWork) -> SumTerms:
    length = private_length(work) or 10
    return SumTerms(length=length, exponent=-10, most=2**20, about=bytes.fromhex(work.meaning))


@pytest.fixture
def shops(tmp_path) -> SumShops:
    platforms = {name: opened(name, users=600, seed=place) for place, name in enumerate(NAMES)}
    return SumShops(tmp_path, platforms, policy="epsilon = 50.0\n", privacy="masked-private")


def said(shops: SumShops, coordinator: Coordinator, work: SumWork | None = None) -> dict[str, object]:
    """One stage: who answered what."""
    found: dict[str, object] = {}
    for name, message in coordinator.outgoing().items():
        found[name] = decode_sum_reply(shops.content(name, message, work, round_number=0))
        if isinstance(reply := found[name], SumReply):
            coordinator.take(name, reply.answer)
    return found


def set_up(shops: SumShops, coordinator: Coordinator | None = None) -> Coordinator:
    coordinator = coordinator or shops.coordinator(noised=True)
    while coordinator.stage != "ready":
        said(shops, coordinator)
        coordinator.close()
    return coordinator


def asked_for(shops: SumShops, work: SumWork, of: SumTerms) -> dict[str, object]:
    """The answers to a request for a vector."""
    coordinator = set_up(shops)
    coordinator.begin(of)
    return said(shops, coordinator, work)


def charged(shops: SumShops) -> int:
    """Users of all platforms who have spent something."""
    return sum(len(Accounts(None, HeadStore(shops.folder / name)).read().users) for name in NAMES)


def test_keys_for_sums_without_noise_are_declined(shops) -> None:
    found = said(shops, shops.coordinator())
    assert found == dict.fromkeys(NAMES, Declined(round=0, reason=DeclineReason.PRIVACY))


def test_a_bare_vector_is_not_given_even_where_seeds_of_noise_were_shared(shops) -> None:
    local = LocalSettings(clip_norm=1.0)
    work = SumWork(run=RUN, round=0, seed=0, parts=("train",), encoder=START, weights=WORK.weights, settings=local)
    declined = dict.fromkeys(NAMES, Declined(round=0, reason=DeclineReason.PRIVACY))
    assert asked_for(shops, work, bare(work)) == declined
    assert charged(shops) == 0


@pytest.mark.parametrize(
    ("of", "reply"),
    [
        (bare(WORK), REFUSED),
        (terms(noise=0.9 * PROMISE.noise), Declined(round=0, reason=DeclineReason.PRIVACY_BUDGET)),
        (terms(colluding=0), REFUSED),
        (replace(terms(), length=10), REFUSED),
    ],
    ids=["terms without noise", "terms with less", "noise against nobody", "other numbers"],
)
def test_terms_that_do_not_keep_what_the_work_says_get_nothing_and_cost_nothing(shops, of, reply) -> None:
    assert asked_for(shops, WORK, of) == dict.fromkeys(NAMES, reply)
    assert charged(shops) == 0


def test_work_that_promises_less_than_the_platform_does_gets_nothing(shops) -> None:
    work = replace(WORK, noise=0.9 * PROMISE.noise)
    found = asked_for(shops, work, terms(work))
    assert found == dict.fromkeys(NAMES, Declined(round=0, reason=DeclineReason.PRIVACY_BUDGET))
    assert charged(shops) == 0


def test_the_same_users_are_not_summed_twice_whatever_set_up_asks(shops) -> None:
    first = asked_for(shops, WORK, terms())
    assert all(isinstance(reply, SumReply) for reply in first.values())
    spent = charged(shops)
    work = replace(WORK, seed=1)
    anew = set_up(shops, Coordinator.of(shops.roster, SetupTerms(sums=1, noised=True), bytes([1]) * 32))
    anew.begin(terms(work))
    declined = Declined(round=0, reason=DeclineReason.PRIVACY_BUDGET)
    assert said(shops, anew, work) == dict.fromkeys(NAMES, declined)
    assert charged(shops) == spent


def free_noise(world: SumWorld, party: str, monkeypatch) -> list[np.ndarray]:
    """What this party adds and nobody takes off where all stay, as it draws it."""
    drawn: list[np.ndarray] = []
    real = NoiseParts.whole
    own = world.parties[party]._draw

    def whole(self, length, first, draw):
        found = real(self, length, first, draw)
        if draw is own:
            drawn.append(found - self.surplus(length, first, 0))
        return found

    monkeypatch.setattr(NoiseParts, "whole", whole)
    return drawn


@pytest.mark.parametrize(("colluding", "holds"), [(1, True), (0, False)])
def test_a_platform_that_tells_its_noise_leaves_the_promise_where_it_is_counted_on(
    monkeypatch, colluding, holds
) -> None:
    """Whoever knows one share takes it off; with none counted as known, what is left is a quarter too little."""
    sigma, parties = noise_for(8.0, 1e-6), 4
    world = sum_world(parties, SetupTerms(sums=1, noised=True), length=20_000)
    known = free_noise(world, "shop000", monkeypatch)
    result = world.sum(private_terms(20_000, 1.0, sigma, colluding, bytes(32)))
    left = (result.cells - world.plain(result) - known[0]) * 2.0**result.terms.exponent
    assert (np.std(left) >= sigma * 0.98) == holds
    assert np.std(left) == pytest.approx(sigma * (1.0 if holds else (3 / 4) ** 0.5), rel=0.02)


def test_membership_in_the_sum_is_told_no_better_than_epsilon_allows(monkeypatch) -> None:
    """The best test there is: the attacker knows all but whether one user is in, one platform's noise, and the vector.

    The bound for one release of the Gaussian mechanism is Φ(1 / (σ √2)).
    """
    sigma, length = noise_for(8.0, 1e-6), 40_000
    bound = norm.cdf(1 / (sigma * np.sqrt(2)))
    scores: dict[bool, np.ndarray] = {}
    for is_in in (True, False):
        world = sum_world(4, SetupTerms(sums=1, noised=True), length=length, seed=int(is_in))
        known = free_noise(world, "shop000", monkeypatch)
        of = private_terms(length, 2.0, sigma, 1, bytes(32))
        # each number stands for one trial of its own, of a user whose whole vector is a one in that place
        world.values = {name: np.full(length, float(is_in and name == "shop001")) for name in world.parties}
        result = world.sum(of)
        scores[is_in] = (result.cells - known[0]) * 2.0**of.exponent
        monkeypatch.undo()
    found = auc(scores[True], scores[False])
    assert found <= bound + 0.005
    assert found > 0.8


ITEMS_MET = 60


@cache
def shops_totals() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Cross moments of four shops of 50 users, who met the first half of the catalogue alone, and which items."""
    people = ragged([RNG.integers(0, ITEMS_MET, RNG.integers(3, 9)) for _ in range(200)])
    rows = np.arange(200).reshape(4, 50)
    totals = {
        f"shop{place:03}": cross_moment(CATALOGUE, select(people, some), PUBLIC) for place, some in enumerate(rows)
    }
    return totals, np.unique(people.items)


def items_told(cross: np.ndarray, met: np.ndarray) -> float:
    score = np.linalg.norm(DUAL @ to_square(cross, DIM) @ DUAL.T, axis=1)
    others = np.setdiff1d(np.arange(len(CATALOGUE)), met)
    return auc(score[met], score[others])


def test_the_sum_does_not_tell_which_items_users_met() -> None:
    totals, met = shops_totals()
    world = sum_world(4, SetupTerms(sums=1, noised=True), length=triangle_size(DIM))
    world.values = totals
    result = world.sum(private_terms(triangle_size(DIM), 64.0, noise_for(8.0, 1e-6), 1, bytes(32)))
    assert items_told(np.sum(list(totals.values()), axis=0), met) > 0.95
    assert items_told(result.values, met) < 0.65


def test_what_one_platform_sends_tells_nothing_at_all() -> None:
    """Its masked vector, read as if it bore no mask."""
    totals, met = shops_totals()
    world = sum_world(4, SetupTerms(sums=1, noised=True), length=triangle_size(DIM))
    world.values = totals
    world.until({"ready"})
    of = private_terms(triangle_size(DIM), 64.0, noise_for(8.0, 1e-6), 1, bytes(32))
    world.coordinator.begin(of)
    world.exchange()
    fixed = FixedPoint.of(of, 4)
    for sent in world.sent:
        if sent.stage == "mask":
            vector = Masked.from_bytes(sent.answer, fixed.size).vector
            numbers = fixed.values(fixed.ring.signed(fixed.ring.unpacked(vector)))
            assert abs(items_told(numbers, met) - 0.5) < 0.15
