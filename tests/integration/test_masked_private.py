"""Runs whose sums bear the promise's noise once, over the real apps in one process."""

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from client.data.platform import training_sequences
from client.privacy.accounts import Accounts
from client.store.head_store import HeadStore
from client.training.cross_moments import cross_moment
from server.aggregation.size_classes import SizeClasses
from server.rounds.checkpoints import ENCODER_FILE
from server.rounds.sum_exchange import SumExchange
from shared.encoder.cross import CatalogueMoments, released_cross, triangle_size
from shared.encoder.file import EncoderCard, load_encoder
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.federation.sum_messages import SumReply, SumTask
from shared.privacy.ledger import Ledger, seal_of
from shared.secure_sum.scheme import SumResult
from simulations.federation.held_federation import FederationResult
from tests.federation_world import START, config, federate, opened
from tests.masked_world import STAGES, Killed, meddling, stage_of
from tests.unit.client.training.world import features

EPSILON = 50.0
SHOPS = {f"shop{number}": opened(f"shop{number}", users=600, seed=number) for number in range(4)}
PUBLIC = CatalogueMoments.of(features())
CLASSES = SizeClasses(dict.fromkeys(SHOPS, 512))
LENGTH = triangle_size(PUBLIC.dim)


def asked(privacy: str = "masked-private", **changes) -> RoundsConfig:
    usual = {"epsilon": EPSILON, "robust": "none", "min_platforms": 3, "privacy": privacy}
    return config(**{**usual, **changes})


def run(folder: Path, rounds: RoundsConfig | None = None, *, classes=CLASSES, **options) -> FederationResult:
    card = EncoderCard(catalogue=PUBLIC)
    return federate(folder, SHOPS, rounds or asked(), classes=classes, card=card, **options)


def exact(names=tuple(SHOPS)) -> np.ndarray:
    """[T] the sum of cross moments without noise."""
    platforms = [SHOPS[name].platform for name in names]
    sequences = [training_sequences(one, one.encoder_users) for one in platforms]
    return np.sum([cross_moment(features(), one, PUBLIC) for one in sequences], axis=0)


@pytest.fixture
def results(monkeypatch) -> list[SumResult]:
    """All that the coordinator learns from here on."""
    found: list[SumResult] = []
    real = SumExchange.summed

    def summed(self: SumExchange, summand):
        done = real(self, summand)
        found.extend(done.results.values())
        return done

    monkeypatch.setattr(SumExchange, "summed", summed)
    return found


def test_one_noise_serves_the_sum(tmp_path, results) -> None:
    rounds = asked()
    found = run(tmp_path, rounds)
    first, second = results
    left = first.values[:LENGTH] - exact()
    assert np.std(left) == pytest.approx(rounds.noise * (4 / 3) ** 0.5, rel=0.35)
    assert first.noise_variance == pytest.approx(rounds.noise**2 * 4 / 3, rel=0.01)
    assert (len(first.values), len(second.values)) == (LENGTH + 2, 2)
    expected = released_cross(first.values[:LENGTH], first.noise_variance**0.5, PUBLIC)
    assert found.encoder.flat == pytest.approx(START.with_cross(expected).without_sequence().flat, abs=1e-3)
    assert [(entry["kind"], entry["note"]) for entry in found.history] == [
        ("evaluate", ""),
        ("moments", ""),
        ("evaluate", ""),
    ]
    assert found.history[2]["validation"]["all"]["both"] > 1.5 * found.history[0]["validation"]["all"]["both"]


def test_what_the_run_leaves_says_what_was_promised(tmp_path) -> None:
    run(tmp_path)
    _encoder, card = load_encoder(tmp_path / "server" / ENCODER_FILE)
    assert card.privacy == {"epsilon": EPSILON, "delta": asked().delta}


def test_a_run_can_be_repeated_from_its_seed(tmp_path) -> None:
    first, again = run(tmp_path / "first"), run(tmp_path / "again")
    other = federate(
        tmp_path / "other",
        {name: replace(one, platform=replace(one.platform, name=f"{name}-b")) for name, one in SHOPS.items()},
        asked(),
        classes=CLASSES,
        card=EncoderCard(catalogue=PUBLIC),
    )
    assert first.encoder.flat.tobytes() == again.encoder.flat.tobytes()
    assert first.encoder.flat.tobytes() != other.encoder.flat.tobytes()


def test_every_user_has_spent_what_he_was_promised_and_the_ledger_says_how_much_noise_there_was(tmp_path) -> None:
    rounds = asked()
    run(tmp_path, rounds)
    for name in SHOPS:
        account = Accounts(None, HeadStore(tmp_path / "heads" / name)).read()
        entries = account.ledger.entries
        assert [entry.released for entry in entries] == [
            "cross-sum",
            "evaluation-sum",
            "opened",
            "evaluation-sum",
            "opened",
        ]
        assert account.spent == pytest.approx(rounds.budget)
        assert entries[-1].epsilon == pytest.approx(EPSILON, rel=1e-6)
        assert all(entry.noise >= rounds.noise * (1 - 1e-9) for entry in entries)


def test_the_coordinator_shows_what_it_saw_of_each_ledger_and_of_no_other(tmp_path) -> None:
    shown: dict[tuple[int, str, str], str] = {}

    def look(task: SumTask, name: str) -> None:
        shown[task.round, stage_of(task), name] = task.seen

    run(tmp_path, apps=meddling(look, SHOPS))
    for name in SHOPS:
        ledger = Accounts(None, HeadStore(tmp_path / "heads" / name)).read().ledger
        assert shown[0, "mask", name] == ""
        assert shown[1, "mask", name] == seal_of(Ledger(ledger.entries[:2]).state.head)
    assert {seen for (_, stage, _), seen in shown.items() if stage != "mask"} == {""}


def test_a_second_run_over_the_same_users_is_declined(tmp_path) -> None:
    run(tmp_path)
    again = run(tmp_path)
    assert {tuple(entry["declined"].items()) for entry in again.history} == {
        tuple((name, "privacy-budget") for name in SHOPS)
    }
    assert "the encoder is unchanged" in again.history[1]["note"]
    assert len(again.history) == 2
    assert again.encoder.flat.tobytes() == START.flat.tobytes()


@pytest.mark.parametrize("stage", STAGES)
def test_the_sum_bears_the_noise_of_the_promise_whoever_drops_out(tmp_path, results, stage) -> None:
    def change(task: SumTask, name: str) -> SumReply | None:
        is_meant = (task.round, stage_of(task), name) == (0, stage, "shop1")
        return SumReply(round=task.round, answer=b"none") if is_meant else None

    found = run(tmp_path, apps=meddling(change, SHOPS))
    first = results[0]
    assert first.noise_variance * (len(first.survivors) - 1) / len(first.survivors) >= asked().noise ** 2
    left = first.values[:LENGTH] - exact(first.survivors)
    assert np.std(left) == pytest.approx(first.noise_variance**0.5, rel=0.35)
    assert set(found.history[0]["platforms"]) == set(first.survivors)
    if_back = {"keys", "shares"}
    assert ("shop1" in found.history[2]["platforms"]) == (stage not in if_back)


def timeless(history) -> str:
    unequal = ("seconds", "bytes_down", "bytes_up")
    return json.dumps([{name: entry[name] for name in entry if name not in unequal} for entry in history])


def test_a_run_ends_with_the_same_bytes_and_the_same_cost_wherever_it_was_killed(tmp_path) -> None:
    undisturbed = run(tmp_path / "undisturbed")
    for stage in range(2 + 3 + 3):
        place, places = 4 * stage + stage % 4, count()

        def change(_task: SumTask, _name: str, places=places, place=place) -> None:
            if next(places) == place:
                raise Killed

        folder = tmp_path / f"killed-{place}"
        with pytest.raises(Killed):
            run(folder, apps=meddling(change, SHOPS), resume=True)
        found = run(folder, resume=True)
        assert found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
        assert timeless(found.history) == timeless(undisturbed.history)
        for name in SHOPS:
            spent = Accounts(None, HeadStore(folder / "heads" / name)).read().spent
            assert spent == pytest.approx(asked().budget)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"robust": "agreement"}, "robust must be none"),
        ({"weighting": "sqrt-users"}, "weighting must be uniform"),
        ({"min_platforms": 2}, "min-platforms must be at least 3"),
        ({"moments": False}, "moments must be on"),
        ({"evaluate_every": 0}, "evaluate-every must be 1"),
        ({"colluding_platforms": 3}, "colluding-platforms must leave some whose noise counts"),
    ],
)
def test_what_needs_more_than_sums_is_refused_at_start(changes, words) -> None:
    with pytest.raises(ConfigError, match=words):
        asked(**changes)


def test_training_rounds_are_left_out() -> None:
    assert asked(rounds=12).training_rounds == 0


def test_without_size_classes_nobody_knows_whether_it_pays(tmp_path) -> None:
    with pytest.raises(ConfigError, match="found no size class"):
        run(tmp_path, classes=SizeClasses())


POLICIES = {
    "private": 'privacy = "private"\nepsilon = 50.0\n',
    "a smaller promise": 'privacy = "masked-private"\nepsilon = 8.0\n',
    "against more": 'privacy = "masked-private"\nepsilon = 50.0\ncolluding-platforms = 2\n',
    "masked": 'privacy = "masked"\nepsilon = 50.0\n',
    "plain": 'privacy = "plain"\nepsilon = 50.0\n',
}


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ("private", ("declined", "privacy")),
        ("a smaller promise", ("declined", "privacy-budget")),
        ("against more", ("failed", "sum-refused")),
        ("masked", None),
        ("plain", None),
    ],
)
def test_what_site_policies_make_of_such_a_run(tmp_path, policy, outcome) -> None:
    (tmp_path / "own.toml").write_text(POLICIES[policy])
    found = run(tmp_path, policies={"shop1": str(tmp_path / "own.toml")})
    first = found.history[0]
    assert ("shop1" in first["platforms"]) == (outcome is None)
    if outcome:
        assert first[outcome[0]] == {"shop1": outcome[1]}
