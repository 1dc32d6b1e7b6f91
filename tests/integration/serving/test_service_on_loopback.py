"""The real service on loopback, over TLS: lists, reports, refusals, tokens and swaps, over both protocols."""

import threading
import time

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from threadpoolctl import threadpool_info, threadpool_limits

from client.recommender.served_head import CHALLENGER
from client.serving.duel import LISTED
from client.serving.journal import JOURNAL, read_journal
from client.serving.requests import MESSAGE_BYTES
from client.serving.serve_settings import Limits
from client.serving.tokens import add_token, revoke_token
from client.store.head_store import HeadStore
from shared.serving_api import recommend_pb2 as api
from tests.integration.serving.loopback import calling, serving, trusting
from tests.unit.client.recommender.served_world import served_world

ASKED_FOR = ("/metrics", "/v1/satisfaction")
"""paths of ``GET`` that need a token"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(folder):
    with serving(folder) as (server, caller):
        yield server, caller


@pytest.fixture
def caller(service):
    return service[1]


def refused(work):
    with pytest.raises(grpc.RpcError) as error:
        work()
    return error.value.code(), error.value.details()


def test_gives_the_same_list_over_both_protocols(caller):
    query = {
        "user": "u5",
        "session": ["30"],
        "k": 4,
        "categories": ["kind1", "kind2"],
        "diversity": 0.3,
        "reasons": True,
    }
    reply = caller.call("Recommend", api.RecommendRequest(**query))
    answer = caller.http.post("/v1/recommend", json=query).json()
    assert [one.item for one in reply.items] == [one["item"] for one in answer["items"]]
    assert [one.score for one in reply.items] == pytest.approx([one["score"] for one in answer["items"]])
    assert len(reply.items) == 4
    assert (reply.basis, reply.head) == (answer["basis"], answer["head"])
    assert reply.items[0].scorers[0].name
    assert len(reply.items[0].history) == 3


def test_takes_a_basket_over_both_protocols_and_says_what_a_list_rests_on(tmp_path):
    query = {"session": ["30", "31"], "k": 40, "basket": True}
    with serving(tmp_path, served_world(baskets=True)) as (_, caller):
        reply = caller.call("Recommend", api.RecommendRequest(**query))
        answer = caller.http.post("/v1/recommend", json=query).json()
    assert reply.basis == answer["basis"] == "basket"
    assert [one.item for one in reply.items] == [one["item"] for one in answer["items"]]
    assert not {"30", "31"} & {one.item for one in reply.items}


def test_replays_a_moment_over_both_protocols(tmp_path):
    query = {"user": "u5", "k": 40}
    with serving(tmp_path, served_world(timed=True)) as (_, caller):
        given = [one.item for one in caller.call("Recommend", api.RecommendRequest(**query)).items]
        moment = time.time()
        clicks = [api.Feedback(event_id=f"e{one}", user=f"r{one}", item=given[-1], kind="clicked") for one in range(40)]
        caller.call("ReportFeedback", api.ReportFeedbackRequest(events=clicks))
        now = caller.call("Recommend", api.RecommendRequest(**query))
        reply = caller.call("Recommend", api.RecommendRequest(**query, as_of=moment))
        answer = caller.http.post("/v1/recommend", json={**query, "as_of": moment}).json()
        code, details = refused(lambda: caller.call("Recommend", api.RecommendRequest(as_of=moment - 3_600)))
        status = caller.http.post("/v1/recommend", json={"as_of": moment - 3_600}).status_code
    assert [one.item for one in now.items] != given
    assert [one.item for one in reply.items] == [one["item"] for one in answer["items"]] == given
    assert (code, status) == (grpc.StatusCode.INVALID_ARGUMENT, 400)
    assert "as_of must not lie before" in details


def test_gives_ten_items_where_no_length_is_asked_for(caller):
    assert len(caller.call("Recommend", api.RecommendRequest()).items) == 10
    assert len(caller.http.post("/v1/recommend", json={}).json()["items"]) == 10


def test_answers_a_batch_entry_by_entry(caller):
    requests = [api.RecommendRequest(user="u5", k=3), api.RecommendRequest(categories=["none"])]
    entries = caller.call("RecommendBatch", api.RecommendBatchRequest(requests=requests)).entries
    assert [one.WhichOneof("outcome") for one in entries] == ["reply", "refusal"]
    body = {"requests": [{"user": "u5", "k": 3}, {"categories": ["none"]}]}
    found = caller.http.post("/v1/recommend-batch", json=body).json()["entries"]
    assert [one["item"] for one in found[0]["reply"]["items"]] == [one.item for one in entries[0].reply.items]
    assert "categories" in found[1]["refusal"]


def test_takes_feedback_once_whichever_way_it_comes(caller):
    event = {"event_id": "both", "user": "visitor", "item": "7", "kind": "clicked", "time": 1.7e9}
    first = caller.call("ReportFeedback", api.ReportFeedbackRequest(events=[api.Feedback(**event)]))
    again = caller.http.post("/v1/feedback", json={"events": [event]}).json()
    assert (first.accepted, again["accepted"], again["repeated"]) == (1, 0, 1)
    assert caller.call("Recommend", api.RecommendRequest(user="visitor")).basis == "history"
    gone = caller.call("ForgetUser", api.ForgetUserRequest(user="visitor"))
    assert gone.accepted == 1
    assert caller.http.post("/v1/recommend", json={"user": "visitor"}).json()["basis"] == "popularity"


def test_lists_new_items_at_once(caller):
    item = api.NewItem(item="grpc-new", text="group2 item11", category="fresh", published=1.7e9)
    assert caller.call("UpsertItems", api.UpsertItemsRequest(items=[item])).accepted == 1
    body = {"items": [{"item": "http-new", "text": "group2 item12", "category": "fresh", "published": 1.7e9}]}
    assert caller.http.post("/v1/items", json=body).json()["accepted"] == 1
    listed = caller.call("Recommend", api.RecommendRequest(categories=["fresh"])).items
    assert {one.item for one in listed} == {"grpc-new", "http-new"}


@pytest.mark.parametrize(
    ("method", "request_", "sentence"),
    [
        ("Recommend", api.RecommendRequest(k=1001), "k must be 1 to 1000; got 1001"),
        ("Recommend", api.RecommendRequest(diversity=2), "diversity must be 0 to 1"),
        ("Recommend", api.RecommendRequest(user="x" * 257), "user must have 1 to 256 characters"),
        ("Recommend", api.RecommendRequest(user="u5", basket=True), "basket needs a session that holds"),
        ("Recommend", api.RecommendRequest(as_of=0), "as_of must be seconds since 1970"),
        ("Recommend", api.RecommendRequest(as_of=4e9), "as_of must lie in the past"),
        ("RecommendBatch", api.RecommendBatchRequest(), "requests must be 1 to 100"),
        (
            "UpsertItems",
            api.UpsertItemsRequest(items=[api.NewItem(item="i", published=1999)]),
            "published must be seconds since 1970, negative before it, and neither a year nor a number of days",
        ),
        ("ReportFeedback", api.ReportFeedbackRequest(), "events must be 1 to 1000"),
        (
            "ReportFeedback",
            api.ReportFeedbackRequest(events=[api.Feedback(event_id="e", kind="eaten")]),
            "kind must be",
        ),
        (
            "ReportFeedback",
            api.ReportFeedbackRequest(
                events=[api.Feedback(event_id="e", user="u", item="1", kind="clicked", time=1.7e12)]
            ),
            "time must be seconds since 1970",
        ),
        ("UpsertItems", api.UpsertItemsRequest(items=[api.NewItem(text="no id")]), "item must have 1 to 256"),
        ("ForgetUser", api.ForgetUserRequest(), "user must have 1 to 256"),
    ],
)
def test_refuses_over_grpc_what_makes_no_sense(caller, method, request_, sentence):
    code, details = refused(lambda: caller.call(method, request_))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in details


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("recommend", {"k": 0}, 422),
        ("recommend", {"surprise": 1}, 422),
        ("recommend", {"user": "u5", "basket": True}, 400),
        ("recommend", {"as_of": 4e9}, 400),
        ("recommend", {"as_of": 0}, 422),
        ("recommend", {"session": ["30"], "basket": "perhaps"}, 422),
        ("recommend", {"categories": ["none"]}, 404),
        ("feedback", {"events": [{"event_id": "e", "user": "u", "item": "1", "kind": "eaten"}]}, 422),
        (
            "feedback",
            {"events": [{"event_id": "e", "user": "u", "item": "1", "kind": "clicked", "time": 1.7e12}]},
            422,
        ),
        ("items", {"items": [{"item": "i", "text": "t", "vector": [1.0]}]}, 400),
        ("forget-user", {}, 422),
        ("no-such-path", {}, 404),
    ],
)
def test_refuses_over_http_what_makes_no_sense(caller, path, body, status):
    assert caller.http.post(f"/v1/{path}", json=body).status_code == status


def test_says_over_grpc_where_no_item_is_allowed(caller):
    code, details = refused(lambda: caller.call("Recommend", api.RecommendRequest(categories=["none"])))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "categories" in details


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),), (("authorization", "Basic x"),)])
def test_refuses_over_grpc_who_has_no_token(caller, metadata):
    code, _ = refused(lambda: caller.stub.Recommend(api.RecommendRequest(), metadata=metadata, timeout=20))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    stub = reflection_pb2_grpc.ServerReflectionStub(caller.channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    code, _ = refused(lambda: list(stub.ServerReflectionInfo(asked, metadata=metadata, timeout=20)))
    assert code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "nothing"}])
@pytest.mark.parametrize("path", ["/v1/recommend", "/v1/feedback", "/v1/items", "/v1/forget-user", *ASKED_FOR])
def test_refuses_over_http_who_has_no_token(caller, folder, header, path):
    with httpx.Client(base_url=caller.http.base_url, verify=trusting(folder), timeout=20) as stranger:
        answer = (
            stranger.get(path, headers=header) if path in ASKED_FOR else stranger.post(path, json={}, headers=header)
        )
    assert answer.status_code == 401


def test_refuses_a_method_that_is_not_there(caller):
    foreign = caller.channel.unary_unary("/graft.serving.v1.Recommender/DumpUsers")
    code, _ = refused(lambda: foreign(b"", metadata=caller.metadata, timeout=20))
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_refuses_a_message_that_is_too_long(caller):
    item = api.NewItem(item="long", text="x" * MESSAGE_BYTES)
    code, _ = refused(lambda: caller.call("UpsertItems", api.UpsertItemsRequest(items=[item])))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caller.http.post("/v1/items", content=b"x" * (MESSAGE_BYTES + 1)).status_code == 413
    assert caller.http.post("/v1/items", content=iter([b"x"])).status_code == 411


def test_a_full_service_turns_away_at_once_over_both_protocols_and_health_answers(tmp_path):
    with serving(tmp_path, limits=Limits(workers=1, waiting=0, seconds=20)) as (server, caller):
        with server.front.admission.enter(20):
            stub = caller.channel.stream_unary("/graft.serving.v1.Recommender/Recommend")
            with pytest.raises(grpc.RpcError) as silent:  # the refusal waits for no message
                stub(_no_message(), metadata=caller.metadata, timeout=20)
            assert silent.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert dict(silent.value.trailing_metadata())["retry-after"] == "1"
            assert caller.http.post("/v1/recommend", json={"user": "u1"}).status_code == 429
            assert caller.http.get("/v1/health").json()["status"] == "serving"
            counted = caller.http.get("/metrics").text
        assert caller.call("Recommend", api.RecommendRequest(user="u1")).items
    for protocol in ("grpc", "http"):
        line = f'method="recommend",outcome="Overloaded",protocol="{protocol}"'
        assert f"graft_requests_total{{{line}}} 1.0" in counted


def _no_message():
    """A stream of messages that has none while the call lasts."""
    threading.Event().wait(5)
    yield from ()


def test_what_lay_unread_counts_against_a_deadline(tmp_path):
    with serving(tmp_path) as (server, caller):
        loop = server._http.servers[0].get_loop()
        assert caller.http.post("/v1/recommend", json={}).status_code == 200  # TLS is agreed on
        busy = threading.Event()
        loop.call_soon_threadsafe(lambda: (busy.set(), time.sleep(0.6)))
        busy.wait()
        late = caller.http.post("/v1/recommend", json={"user": "u1"}, headers={"Graft-Timeout-Ms": "400"})
        on_time = caller.http.post("/v1/recommend", json={"user": "u1"}, headers={"Graft-Timeout-Ms": "20000"})
    assert (late.status_code, on_time.status_code) == (504, 200)


def test_speaks_tls_alone(service):
    with grpc.insecure_channel(f"127.0.0.1:{service[0].ports[0]}") as plain:
        stub = health_pb2_grpc.HealthStub(plain)
        code, _ = refused(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=5))
    assert code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{service[0].ports[1]}/v1/health", timeout=5)


def test_says_that_it_is_well_without_a_token(caller, folder):
    stub = health_pb2_grpc.HealthStub(caller.channel)
    wanted = health_pb2.HealthCheckRequest(service="graft.serving.v1.Recommender")
    assert stub.Check(wanted, timeout=20).status == health_pb2.HealthCheckResponse.SERVING
    answer = httpx.get(caller.http.base_url.join("/v1/health"), verify=trusting(folder), timeout=20)
    assert answer.json()["status"] == "serving"


def test_describes_itself_over_both_protocols(caller):
    stub = reflection_pb2_grpc.ServerReflectionStub(caller.channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (found,) = stub.ServerReflectionInfo(asked, metadata=caller.metadata, timeout=20)
    assert "graft.serving.v1.Recommender" in {one.name for one in found.list_services_response.service}
    paths = set(caller.http.get("/openapi.json").json()["paths"])
    works = ("recommend", "recommend-batch", "feedback", "items", "forget-user", "health")
    assert paths == {"/metrics", "/v1/satisfaction", *(f"/v1/{work}" for work in works)}


def test_counts_what_it_does_and_names_nobody(caller):
    caller.call("Recommend", api.RecommendRequest(user="u5"))
    refused(lambda: caller.call("Recommend", api.RecommendRequest(k=5000)))
    text = caller.http.get("/metrics").text
    assert 'graft_requests_total{method="recommend",outcome="ok",protocol="grpc"}' in text
    assert 'outcome="InvalidRequest"' in text
    assert "graft_request_seconds_bucket" in text
    assert "u5" not in text


def test_tells_what_users_made_of_their_lists(tmp_path):
    with serving(tmp_path) as (server, caller):
        assert caller.http.get("/v1/satisfaction").json() == {"figures": []}
        now = time.time()
        shown = [{"user": "u5", "item": item, "kind": "shown", "time": now - 60} for item in ("1", "2")]
        clicked = {"user": "u5", "item": "2", "kind": "clicked", "time": now - 30}
        events = [{**event, "event_id": f"e{number}"} for number, event in enumerate([*shown, clicked])]
        assert caller.http.post("/v1/feedback", json={"events": events}).json()["accepted"] == 3
        server.front._told_at = -float("inf")  # a minute later
        until(lambda: caller.http.get("/v1/satisfaction").json()["figures"])
        figure = caller.http.get("/v1/satisfaction").json()["figures"][0]
        assert [figure[key] for key in ("measure", "slice", "value", "of")] == ["click-through", "all", 0.5, 2]
        assert 0 < figure["low"] < 0.5 < figure["high"] < 1
        line = 'graft_satisfaction{bound="value",measure="hit-rate",users="known"} 1.0'
        until(lambda: line in caller.http.get("/metrics").text)


def test_tries_a_challenger_that_comes_and_serves_the_winner(tmp_path):
    with serving(tmp_path) as (server, caller):
        before = server.front.service.head
        served_world(seed=2).write(HeadStore(tmp_path / "heads"), CHALLENGER)
        until(lambda: server.front.service.points)
        for number in range(60):
            caller.http.post("/v1/recommend", json={"user": f"v{number}", "session": ["3"]})
            facts = [dict(entry.facts) for entry in read_journal(tmp_path / "heads" / JOURNAL)]
            sides = [dict(zip(each["items"], each["sides"], strict=True)) for each in facts if each["kind"] == LISTED]
            item = next((item for item, side in sides[-1].items() if side == "b"), None)
            if item is None or not server.front.service.points:
                break
            event = {"event_id": f"p{number}", "user": f"v{number}", "item": item, "kind": "purchased"}
            caller.http.post("/v1/feedback", json={"events": [event]})
        until(lambda: server.front.service.head != before)
        assert HeadStore(tmp_path / "heads").stamp(CHALLENGER) is None
        assert caller.http.get("/v1/health").json()["troubles"] == {}


def test_takes_in_and_turns_away_callers_while_it_runs(service, folder):
    token = add_token(folder / "tokens", "phone-app")
    with calling(folder, service[0].ports, token) as other:
        until(lambda: other.http.post("/v1/recommend", json={}).status_code == 200)
        revoke_token(folder / "tokens", "phone-app")
        until(lambda: other.http.post("/v1/recommend", json={}).status_code == 401)


def test_swaps_heads_under_load_with_no_request_dropped_and_none_wrong(tmp_path):
    heads = [served_world(seed=seed) for seed in (1, 2)]
    request = api.RecommendRequest(user="u5", k=20)
    with serving(tmp_path) as (server, caller):
        expected = dict([outcome(caller, request)])
        swap(server, tmp_path, heads[1])
        expected |= dict([outcome(caller, request)])
        answers, errors, done = [], [], threading.Event()

        def ask():
            while not done.is_set():
                try:
                    answers.append(outcome(caller, request))
                except grpc.RpcError as error:
                    errors.append(error.code())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(6):
            swap(server, tmp_path, heads[turn % 2])
            wait_for_more(answers, 10)
        done.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert len(set(expected.values())) == 2
    assert {head for head, _ in answers} == set(expected)
    assert all(expected[head] == found for head, found in answers)


def outcome(caller, request):
    reply = caller.call("Recommend", request)
    return reply.head, tuple((one.item, one.score) for one in reply.items)


def swap(server, folder, head):
    before = server.front.service.head
    head.write(HeadStore(folder / "heads"))
    until(lambda: server.front.service.head != before)


def wait_for_more(answers, count):
    wanted = len(answers) + count
    until(lambda: len(answers) >= wanted)


def until(reached, seconds=60.0):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)


def test_numpy_computes_with_one_thread_while_it_serves(tmp_path):
    with threadpool_limits(2, user_api="blas"), serving(tmp_path):
        assert {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"} == {1}
