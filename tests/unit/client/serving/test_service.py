"""What callers report is in the next list and there after a restart, and nobody is answered with nothing."""

import threading
from dataclasses import replace

import pytest

from client.data.feedback import FeedbackKind
from client.features.item_features import precomputed_space
from client.recommender.catalogue_update import NewItem
from client.recommender.served_head import read_served
from client.scorers.encoder_scorers import KeptEncoder
from client.serving.http_shapes import FeedbackEvent, ItemBody, RecommendBody
from client.serving.journal import FileJournal
from client.serving.live_head import head_name
from client.serving.requests import Feedback, ListRequest, feedback_kind
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from shared.errors import HeadStoreError, InvalidRequest, NothingToRecommend
from tests.small_space import SPACE
from tests.unit.client.recommender.served_world import LAST, drawn_encoder, served_world

NEW = NewItem(item_id="new", text="group2 item11 item12 item13", category="fresh")


@pytest.fixture
def folder(tmp_path):
    served_world().write(HeadStore(tmp_path / "heads"))
    return tmp_path


def opened(folder):
    return RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "reports.log"))


@pytest.fixture
def service(folder):
    return opened(folder)


def ids(answer):
    return [one.item for one in answer.items]


def event(number=1, *, user="nobody", item="7", kind=FeedbackKind.CLICKED):
    return Feedback(event_id=f"e{number}", user=user, item=item, kind=kind, time=1.7e9)


def test_answers_a_user_a_session_and_both_each_in_its_own_way(service):
    requests = [
        ListRequest(user="u5", k=5),
        ListRequest(session=("30", "31"), k=5),
        ListRequest(user="u5", session=("30", "31"), k=5),
    ]
    answers = [service.recommend(request) for request in requests]
    assert len({tuple(ids(answer)) for answer in answers}) == 3
    assert {answer.basis for answer in answers} == {"history"}
    assert not {"30", "31"} & set(ids(answers[2]))


@pytest.fixture
def shop(tmp_path):
    served_world(baskets=True).write(HeadStore(tmp_path / "shop" / "heads"))
    return opened(tmp_path / "shop")


def test_completes_a_basket_in_its_own_way(shop):
    asked = ListRequest(user="u5", session=("30", "31"), k=40)
    usual, completed = shop.recommend(asked), shop.recommend(replace(asked, basket=True))
    assert (usual.basis, completed.basis) == ("history", "basket")
    assert [one.score for one in usual.items] != [one.score for one in completed.items]
    assert not {"30", "31"} & set(ids(completed))
    assert any(name.startswith("basket-") for one in completed.items for name, _ in one.scorers)


def test_takes_an_item_that_is_in_the_basket_twice_for_one(shop):
    twice, once = (ListRequest(session=session, basket=True) for session in (("30", "31", "30"), ("30", "31")))
    assert shop.recommend(twice) == shop.recommend(once)


def test_completes_a_basket_alike_after_a_restart_and_with_items_that_came(shop, tmp_path):
    asked = ListRequest(session=("30", "new"), k=40, basket=True)
    assert shop.recommend(asked).unknown_items == 1
    shop.upsert([NEW])
    after = shop.recommend(asked)
    assert (after.basis, after.unknown_items) == ("basket", 0)
    assert "new" not in ids(after)
    assert ids(opened(tmp_path / "shop").recommend(asked)) == ids(after)


def test_reports_move_what_completes_a_basket(shop):
    asked = ListRequest(session=("30",), k=40, basket=True)
    before = shop.recommend(asked)
    shop.report([replace(event(number, user=f"r{number}"), time=LAST + 60) for number in range(40)])
    scores = [{one.item: one.score for one in answer.items} for answer in (before, shop.recommend(asked))]
    assert scores[1]["7"] > scores[0]["7"] + 0.1


def test_answers_a_basket_as_a_session_where_too_few_baskets_tell(service):
    asked = ListRequest(user="u5", session=("30", "31"), k=5)
    assert service.recommend(replace(asked, basket=True)) == service.recommend(asked)


def test_a_basket_of_which_nothing_is_known_is_a_request_without_it(shop):
    answer = shop.recommend(ListRequest(session=("nowhere",), basket=True))
    assert (answer.basis, answer.unknown_items) == ("popularity", 1)


@pytest.mark.parametrize("user", ["", "never-seen"])
def test_answers_whom_nobody_knows_with_what_is_popular(service, user):
    answer = service.recommend(ListRequest(user=user, k=5))
    assert (len(answer.items), answer.basis) == (5, "popularity")
    scorers = {name for one in answer.items for name, _ in one.scorers}
    assert scorers == {"popularity", "popularity@neighbours"}


def test_keeps_to_categories_and_exclusions(service):
    request = ListRequest(user="u5", k=40, categories=("kind1", "kind2"), exclude=("1", "no-such-item"))
    rows = [int(item) for item in ids(service.recommend(request))]
    assert rows
    assert {row % 4 for row in rows} == {1, 2}
    assert 1 not in rows


def test_says_where_no_item_is_allowed(service):
    with pytest.raises(NothingToRecommend, match="categories"):
        service.recommend(ListRequest(categories=("no such",)))


def test_says_how_many_items_of_a_session_it_does_not_know(service):
    assert service.recommend(ListRequest(session=("7", "??", "???"))).unknown_items == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"k": 0}, "k must be 1 to 1000; got 0"),
        ({"user": "x" * 300}, "user must have 1 to 256 characters; got 300"),
        ({"diversity": float("nan")}, "diversity must be 0 to 1"),
        ({"user": "None"}, "user must be an id; got 'None', which stands for a missing value"),
        ({"user": " "}, "user must be an id"),
        ({"session": ("",)}, "an item of session must have 1"),
        ({"session": ("1",) * 201}, "session must be 0 to 200; got 201"),
        ({"basket": True}, "basket needs a session that holds the basket's items; got an empty session"),
        ({"basket": True, "user": "u5"}, "got an empty session"),
    ],
)
def test_refuses_what_makes_no_sense(wrong, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        ListRequest(**wrong)


@pytest.mark.parametrize("wrong", [{"user": "nan"}, {"user": "undefined"}, {"item": "NaN"}, {"event_id": "null"}])
def test_takes_no_feedback_under_a_word_for_a_missing_value(folder, service, wrong):
    with pytest.raises(InvalidRequest, match=r"must be an id; got '.*', which stands for a missing value"):
        service.report([event(1), replace(event(2), **wrong)])
    with pytest.raises(InvalidRequest, match="item must be an id; got 'nan'"):
        service.upsert([NEW, NewItem(item_id="nan", text="")])
    assert list(FileJournal(folder / "reports.log").entries()) == []


def test_opens_a_journal_that_holds_what_is_refused_today_and_forgets_it(folder):
    FileJournal(folder / "reports.log").append([event(1, user="None").to_json()])
    assert opened(folder).forget("None").accepted == 1
    assert b'"None"' not in (folder / "reports.log").read_bytes()


def test_the_gateway_says_which_words_are_no_ids():
    body = {"event_id": "e", "user": "nan", "item": "7", "kind": "clicked"}
    for shape, wrong in (
        (FeedbackEvent, body),
        (RecommendBody, {"user": "None"}),
        (ItemBody, {"item": "NA", "text": ""}),
    ):
        with pytest.raises(ValueError, match="which stands for a missing value"):
            shape(**wrong)
    assert RecommendBody(session=["nan"]).request().user == ""


def test_the_gateway_says_which_number_is_no_time_of_publication():
    with pytest.raises(ValueError, match="published must be seconds since 1970"):
        ItemBody(item="new", text="", published=1.7e12)
    assert ItemBody(item="new", text="", published=1.7e9).new_item().published == 1.7e9
    assert ItemBody(item="new", text="").new_item().published is None


def test_names_the_kinds_of_feedback(service):
    with pytest.raises(InvalidRequest, match="shown, clicked, liked, disliked, purchased; got 'eaten'"):
        feedback_kind("eaten")


@pytest.mark.parametrize("kind", ["clicked", "liked", "purchased"])
def test_takes_what_a_user_met_into_their_history(service, kind):
    service.report([event(kind=FeedbackKind(kind))])
    answer = service.recommend(ListRequest(user="nobody", k=5))
    assert answer.basis == "history"
    assert ids(answer) == ids(service.recommend(ListRequest(session=("7",), k=5)))


def test_leaves_out_what_a_user_does_not_want_until_he_does(service):
    service.report([event(1, kind=FeedbackKind.DISLIKED), event(2, kind=FeedbackKind.SHOWN, item="8")])
    everything = service.recommend(ListRequest(user="nobody", k=40))
    assert everything.basis == "popularity"
    assert set(ids(everything)) == {str(item) for item in range(40)} - {"7"}
    service.report([event(3, kind=FeedbackKind.LIKED, item="7")])
    assert service.recommend(ListRequest(user="nobody", k=40)).basis == "history"


def test_counts_an_event_once_however_often_it_is_reported(folder, service):
    first = service.report([event(1), event(1), event(2)])
    assert (first.accepted, first.repeated) == (2, 1)
    assert service.report([event(2), event(3)]).repeated == 1
    again = opened(folder)
    assert again.report([event(1), event(2), event(3)]).accepted == 0
    reported = [entry.facts["id"] for entry in FileJournal(folder / "reports.log").entries()]
    assert sorted(reported) == ["e1", "e2", "e3"]


def test_takes_each_event_once_from_many_threads(folder, service):
    def report():
        for number in range(50):
            service.report([event(number)])

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(FileJournal(folder / "reports.log").entries())) == 50


def test_recommends_a_new_item_at_once_and_after_a_restart(folder, service):
    before = service.recommend(ListRequest(session=("10", "11"), k=41))
    assert "new" not in ids(before)
    assert service.upsert([NEW]).accepted == 1
    request = ListRequest(session=("10", "11"), k=41)
    assert "new" in ids(service.recommend(request))[:20]
    assert ids(service.recommend(ListRequest(categories=("fresh",)))) == ["new"]
    assert ids(opened(folder).recommend(request)) == ids(service.recommend(request))
    assert service.upsert([NEW]).repeated == 1


def test_keeps_the_category_of_an_item_that_comes_again_without_one(folder, service):
    service.upsert([NEW])
    service.upsert([NewItem(item_id="new", text="another"), NewItem(item_id="5", text="another")])
    for one in (service, opened(folder)):
        assert ids(one.recommend(ListRequest(categories=("fresh",)))) == ["new"]
        assert "5" in ids(one.recommend(ListRequest(categories=("kind1",), k=40)))


def test_writes_nothing_of_items_that_it_refuses(folder, service):
    with pytest.raises(InvalidRequest, match="vector"):
        service.upsert([NEW, NewItem(item_id="other", text="", vector=(1.0,))])
    assert list(FileJournal(folder / "reports.log").entries()) == []


def test_forgets_a_user_in_the_lists_the_journal_and_the_record(folder, service):
    service.report([event(1, user="u5"), event(2, user="u5", item="8"), event(3, user="u6")])
    service.forget("u5")
    assert service.recommend(ListRequest(user="u5")).basis == "popularity"
    assert service.recommend(ListRequest(user="u6")).basis == "history"
    assert "u5" not in read_served(HeadStore(folder / "heads")).users.user_ids
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b'"u6"' in kept
    assert b'"u5"' not in kept
    assert opened(folder).recommend(ListRequest(user="u5")).basis == "popularity"


def test_forgets_a_whole_number_in_every_way_of_writing_it(folder, service):
    service.report([event(1, user="12"), event(2, user="12.0"), event(3, user="12.00"), event(4, user="012")])
    assert service.forget("12.0").accepted == 3
    kinds = [(one.facts["kind"], one.facts.get("user")) for one in FileJournal(folder / "reports.log").entries()]
    assert sorted(kinds, key=str) == [("feedback", "012"), ("forget", None), ("forget", None)]


def test_forgets_a_user_whom_a_later_fit_brings_back(folder, service):
    service.forget("u5")
    served_world(seed=2).write(HeadStore(folder / "heads"))
    service.swap()
    assert service.recommend(ListRequest(user="u5")).basis == "popularity"
    assert opened(folder).recommend(ListRequest(user="u5")).basis == "popularity"


def test_serves_a_new_head_with_what_came_since(folder, service):
    service.upsert([NEW])
    service.report([event(1, item="new")])
    first, request = service.head, ListRequest(user="u5", k=41)
    before = service.recommend(request)
    served_world(seed=2).write(HeadStore(folder / "heads"))
    assert service.swap() != first
    after = service.recommend(request)
    assert (before.head, after.head) == (first, service.head)
    assert sorted(ids(before)) == sorted(ids(after))
    assert [one.score for one in before.items] != [one.score for one in after.items]
    assert service.recommend(ListRequest(user="nobody")).basis == "history"


def test_goes_on_with_the_head_it_has_where_the_new_one_is_damaged(folder, service):
    (folder / "heads" / "served.head").write_bytes(b"half of it")
    request = ListRequest(user="u5")
    before = service.recommend(request)
    with pytest.raises(HeadStoreError):
        service.swap()
    assert service.recommend(request) == before


def test_says_which_events_are_on_items_that_it_does_not_know(service):
    counts = service.report([event(1), event(2, item="later"), event(2, item="later"), event(3, item="other")])
    assert (counts.accepted, counts.repeated, counts.unknown_events) == (3, 1, ("e2", "e3"))
    assert service.recommend(ListRequest(user="nobody")).basis == "history"


def test_an_event_on_an_item_that_a_fit_did_not_know_counts_once_the_item_is_there(folder, service):
    service.report([event(1, item="new")])
    assert service.recommend(ListRequest(user="nobody")).basis == "popularity"
    replace(served_world(seed=2), reports_until=1).write(HeadStore(folder / "heads"))
    service.swap()
    service.upsert([NEW])
    assert service.recommend(ListRequest(user="nobody", k=41)).basis == "history"
    assert "new" not in ids(service.recommend(ListRequest(user="nobody", k=41)))
    assert opened(folder).recommend(ListRequest(user="nobody")).basis == "history"


def in_precomputed_space(served):
    """The same head; it says that its items' vectors are the platform's own."""
    space = precomputed_space(SPACE.dim)
    encoders = {"received": KeptEncoder(encoder=drawn_encoder(1, space))}
    own = replace(served.parts.own, kept=replace(served.parts.own.kept, encoder=drawn_encoder(2, space)))
    parts = replace(served.parts, encoders=encoders, own=own)
    return replace(served, space=space, features="precomputed", parts=parts)


def test_serves_a_head_of_given_vectors_without_reported_items_that_have_none(folder, service, caplog):
    service.upsert([NEW])
    in_precomputed_space(served_world()).write(HeadStore(folder / "heads"))
    service.swap()
    service.upsert([NewItem(item_id="given", text="", vector=(1.0,) * SPACE.dim)])
    for one in (service, opened(folder)):
        assert set(ids(one.recommend(ListRequest(k=50)))) == {*map(str, range(40)), "given"}
    told = f"the head needs vectors of {SPACE.dim} numbers; upsert them with such a vector"
    assert caplog.messages == [f"1 reported items are left out: {told}"] * 2


def test_serves_a_head_that_reads_texts_with_the_texts_of_items_that_had_vectors(folder, caplog):
    in_precomputed_space(served_world()).write(HeadStore(folder / "heads"))
    service = opened(folder)
    service.upsert([replace(NEW, vector=(1.0,) * SPACE.dim)])
    served_world(seed=2).write(HeadStore(folder / "heads"))
    service.swap()
    for one in (service, opened(folder)):
        assert ids(one.recommend(ListRequest(categories=("fresh",)))) == ["new"]
    assert not caplog.messages


@pytest.fixture
def numbered(tmp_path):
    """A folder whose users are whole numbers too."""
    served = served_world()
    users = replace(served.users, user_ids=tuple(name.removeprefix("u") for name in served.users.user_ids))
    replace(served, users=users).write(HeadStore(tmp_path / "heads"))
    return tmp_path


def test_reads_ids_of_callers_as_the_whole_numbers_of_the_platform(numbered):
    service = opened(numbered)
    fitted = service.recommend(ListRequest(user="5", k=40))
    assert service.recommend(ListRequest(user="5.0", k=40)) == fitted
    assert service.recommend(ListRequest(session=("30.0",))) == service.recommend(ListRequest(session=("30",)))
    assert "7" not in ids(service.recommend(ListRequest(exclude=("7.0",), k=40)))
    reported = [event(1, user="900.0", item="7.0"), event(2, user="900.00", item="8.0", kind=FeedbackKind.DISLIKED)]
    assert service.report(reported).unknown_events == ()
    counts = service.upsert([NewItem(item_id="42.0", text="group2 item11"), NewItem(item_id="3.0", text="another")])
    assert (counts.accepted, counts.repeated) == (1, 1)
    for one in (service, opened(numbered)):
        answer = one.recommend(ListRequest(user="900", k=41))
        assert answer.basis == "history"
        assert set(ids(answer)) == {*map(str, range(40)), "42"} - {"7", "8"}


def test_reads_a_journal_that_holds_whole_numbers_in_every_way_of_writing_them(numbered):
    item = {"kind": "item", "id": "3.0", "text": "another", "category": "", "vector": []}
    FileJournal(numbered / "reports.log").append([event(1, user="900.0", item="7.0").to_json(), item])
    answer = opened(numbered).recommend(ListRequest(user="900", k=40))
    assert answer.basis == "history"
    assert sorted(map(int, ids(answer))) == [item for item in range(40) if item != 7]


def test_leaves_ids_as_they_are_where_those_of_the_platform_are_texts(service):
    service.report([event(1, user="900.0")])
    assert service.recommend(ListRequest(user="900")).basis == "popularity"
    assert service.recommend(ListRequest(user="900.0")).basis == "history"


def test_counts_an_event_that_was_fitted_on_no_second_time(folder, service):
    service.report([event(1, user="u5", item="7")])
    replace(served_world(), reports_until=1).write(HeadStore(folder / "heads"))
    service.swap()
    service.upsert([NEW])
    assert service.recommend(ListRequest(user="nobody")).basis == "popularity"
    fitted = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "empty.log"))
    assert ids(service.recommend(ListRequest(user="u5", k=10, exclude=("new",)))) == ids(
        fitted.recommend(ListRequest(user="u5", k=10))
    )


def test_feedback_waits_for_no_catalogue_that_grows(service):
    with service._catalogue:
        reporting = threading.Thread(target=service.report, args=([event(1)],))
        reporting.start()
        reporting.join(10)
        assert not reporting.is_alive()


def test_a_list_of_a_very_long_history_leaves_all_of_it_out(service, monkeypatch):
    monkeypatch.setattr("client.recommender.recommender.SCORED", 3)
    session = tuple(map(str, range(20)))
    short = service.recommend(ListRequest(session=session[-3:], k=40))
    long = service.recommend(ListRequest(session=session, k=40))
    assert ids(long) == [item for item in ids(short) if item not in session]


def test_heads_that_complete_baskets_otherwise_have_other_names() -> None:
    served = served_world(baskets=True)
    assert served.basket is not None
    head = replace(served.basket.head, weights=served.basket.head.weights * 2)
    others = (replace(served, basket=None), replace(served, basket=replace(served.basket, head=head)))
    assert len({head_name(one) for one in (served, *others)}) == 3
