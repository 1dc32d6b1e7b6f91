"""A challenger gives to lists, its points are told from the journal, and who has won serves, whatever is cut off."""

import threading

import pytest

from client.adaptation.team_draft import CHALLENGER as THEIRS
from client.adaptation.team_draft import CHAMPION as OURS
from client.adaptation.team_draft import NEITHER
from client.data.feedback import FeedbackKind
from client.recommender.catalogue_update import NewItem
from client.recommender.served_head import CHALLENGER, RECORD
from client.serving.duel import LISTED, Duel
from client.serving.front import Front
from client.serving.head_watch import HeadWatch
from client.serving.journal import FileJournal
from client.serving.requests import Feedback, ListRequest
from client.serving.serve_settings import Limits
from client.serving.service import RecommendService
from client.serving.tokens import Tokens, add_token
from client.store.head_store import HeadStore
from shared.errors import JournalError
from tests.unit.client.recommender.served_world import served_world


@pytest.fixture
def folder(tmp_path):
    served_world().write(HeadStore(tmp_path / "heads"))
    served_world(seed=2).write(HeadStore(tmp_path / "heads"), CHALLENGER)
    return tmp_path


def opened(folder):
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "reports.log"))
    service.challenge()
    return service


def entries(folder):
    return [dict(entry.facts) for entry in FileJournal(folder / "reports.log").entries()]


def lists(folder):
    return [facts for facts in entries(folder) if facts["kind"] == LISTED]


def take(service, folder, number, side, kind=FeedbackKind.CLICKED):
    """A list for a user of their own, of which they take the first item of a side."""
    service.recommend(ListRequest(user=f"v{number}", session=("3", "9"), k=10))
    facts = lists(folder)[-1]
    item = next(item for item, giver in zip(facts["items"], facts["sides"], strict=True) if giver == side)
    service.report([Feedback(event_id=f"e{number}", user=facts["user"], item=item, kind=kind, time=1.7e9)])


def test_without_a_challenger_nothing_is_written_and_the_served_head_lists_alone(folder):
    HeadStore(folder / "heads").delete(CHALLENGER)
    service = opened(folder)
    service.recommend(ListRequest(user="u5", k=10))
    assert (service.points, service.settle(), lists(folder)) == ({}, "", [])


def test_a_list_is_of_both_heads_and_the_journal_says_who_gave_which_item(folder):
    request = ListRequest(user="u5", k=10)
    alone = {}
    for side, seed in ((OURS, 1), (THEIRS, 2)):
        served_world(seed=seed).write(HeadStore(folder / side))
        service = RecommendService(HeadStore(folder / side), FileJournal(folder / f"{side}.log"))
        alone[side] = [listed.item for listed in service.recommend(request).items]
    assert alone[OURS] != alone[THEIRS]
    answer, (facts,) = opened(folder).recommend(request), lists(folder)
    assert [listed.item for listed in answer.items] == facts["items"]
    assert facts["user"] == "u5"
    assert {OURS, THEIRS} <= set(facts["sides"])
    for item, side in zip(facts["items"], facts["sides"], strict=True):
        giver = alone[OURS if side == NEITHER else side]
        before = giver[: giver.index(item)]
        assert set(before) <= set(facts["items"][: facts["items"].index(item)])


@pytest.mark.parametrize("request_", [ListRequest(session=("3",)), ListRequest(user="u5", session=("3",), basket=True)])
def test_a_list_that_no_report_can_be_told_to_be_of_is_the_served_heads_own(folder, request_):
    opened(folder).recommend(request_)
    assert lists(folder) == []


def test_a_batch_is_of_both_heads_too(folder):
    opened(folder).recommend_batch([ListRequest(user="u5"), ListRequest(user="u6")])
    assert [facts["user"] for facts in lists(folder)] == ["u5", "u6"]


def test_the_first_item_that_a_user_takes_of_a_list_is_a_point(folder):
    service = opened(folder)
    take(service, folder, 1, THEIRS)
    take(service, folder, 2, OURS, FeedbackKind.PURCHASED)
    take(service, folder, 3, OURS, FeedbackKind.SHOWN)
    take(service, folder, 4, OURS, FeedbackKind.DISLIKED)
    assert service.points == {OURS: 1, THEIRS: 1}
    facts = lists(folder)[0]
    second = next(item for item, side in zip(facts["items"], facts["sides"], strict=True) if side == OURS)
    event = Feedback(event_id="again", user="v1", item=second, kind=FeedbackKind.CLICKED, time=1.7e9)
    service.report([event])
    assert service.points == {OURS: 1, THEIRS: 1}


def test_a_service_that_starts_again_has_the_same_points(folder):
    service = opened(folder)
    for number in range(6):
        take(service, folder, number, THEIRS if number % 3 else OURS)
    assert opened(folder).points == service.points == {OURS: 2, THEIRS: 4}


def test_points_stay_when_a_user_is_forgotten_whose_lists_are_gone(folder):
    service = opened(folder)
    take(service, folder, 1, THEIRS)
    service.recommend(ListRequest(user="u5"))
    service.forget("u5")
    service.swap()
    service.challenge()
    assert service.points == {OURS: 0, THEIRS: 1}
    assert "u5" not in {facts.get("user") for facts in entries(folder)}
    heads = HeadStore(folder / "heads")
    for record in (RECORD, CHALLENGER):
        assert b"u4u6" in heads.read(record).arrays["users.bytes"].tobytes()


def test_items_that_come_are_offered_by_both(folder):
    service = opened(folder)
    service.upsert([NewItem(item_id="new", text="group2 item11 item12 item13", category="fresh")])
    answer = service.recommend(ListRequest(user="u5", categories=("fresh",)))
    assert [listed.item for listed in answer.items] == ["new"]
    assert lists(folder)[0]["items"] == ["new"]


def test_a_list_that_cannot_be_written_down_is_the_served_heads_own(folder, monkeypatch):
    service = opened(folder)
    HeadStore(folder / "alone").write(RECORD, HeadStore(folder / "heads").read(RECORD))
    alone = RecommendService(HeadStore(folder / "alone"), FileJournal(folder / "alone.log"))

    def full(_journal, _entries):
        raise JournalError("the journal cannot be written: no space left")

    monkeypatch.setattr(FileJournal, "append", full)
    request = ListRequest(user="u5")
    assert service.recommend(request) == alone.recommend(request)


def watched(folder):
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "reports.log"))
    if not (folder / "tokens").exists():
        add_token(folder / "tokens", "shop")
    front = Front(service, Tokens(folder / "tokens"), Limits())
    store = HeadStore(folder / "heads")
    watch = HeadWatch(store, front, store.stamp(RECORD))
    watch.look_at_challenger()
    return front, watch


@pytest.mark.parametrize(("winner", "words"), [(THEIRS, "challenger"), (OURS, "served")])
def test_who_has_won_serves_alone(folder, winner, words):
    front, watch = watched(folder)
    before, number = front.service.head, 0
    while front.service.points:
        take(front.service, folder, number, winner)
        watch.look_at_challenger()
        number += 1
    watch.look()
    assert 5 < number < 30
    assert (front.service.head != before) == (winner == THEIRS)
    assert HeadStore(folder / "heads").stamp(CHALLENGER) is None
    assert f'graft_duels_total{{winner="{words}"}} 1.0' in front.metrics.text().decode()


def test_a_challenger_that_was_promoted_is_removed_where_a_crash_left_it(folder):
    heads = HeadStore(folder / "heads")
    heads.write(RECORD, heads.read(CHALLENGER))
    assert opened(folder).points == {}
    assert heads.stamp(CHALLENGER) is None


def test_lists_go_on_while_challengers_come_and_go(folder):
    service, lengths = opened(folder), []

    def ask():
        lengths.extend(len(service.recommend(ListRequest(user=f"u{number}", k=10)).items) for number in range(40))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        service.challenge()
        service.swap()
    for thread in threads:
        thread.join()
    assert lengths == 120 * [10]


def test_undecided_after_many_points_the_served_head_stays(folder):
    service = opened(folder)
    duel = Duel(champion="a", live=service._duel.live)
    duel.points = {OURS: 10_000, THEIRS: 9_999}
    assert duel.winner == ""
    duel.points = {OURS: 10_000, THEIRS: 10_000}
    assert duel.winner == OURS
