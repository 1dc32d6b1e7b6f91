"""Whatever happens to its files, a service goes on with what it last read, says so, and takes in what is well again."""

import logging
import shutil

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client.serving.serve_settings import Limits
from client.serving.tokens import add_token, revoke_token
from client.store.head_store import HeadStore
from shared.serving_api import recommend_pb2 as api
from shared.system.whole_file import write_whole
from tests.integration.serving.loopback import calling, serving
from tests.integration.serving.test_service_on_loopback import swap, until
from tests.unit.client.recommender.served_world import served_world


def health(caller):
    return caller.http.get("/v1/health", headers={"Authorization": ""}).json()


def over_grpc(caller, service=""):
    """Status and what the trailing metadata says is wrong."""
    stub = health_pb2_grpc.HealthStub(caller.channel)
    reply, call = stub.Check.with_call(health_pb2.HealthCheckRequest(service=service), timeout=20)
    return reply.status, dict(call.trailing_metadata()).get("graft-degraded", "")


def broken(file, how):
    """Make a file unreadable, and what mends it."""
    before = file.read_bytes()
    if how == "folder":
        file.unlink()
        file.mkdir()
        return lambda: (shutil.rmtree(file), write_whole(file, before))
    if how == "gone":
        file.unlink()
    else:
        write_whole(file, how)  # at once: an empty file in between would be one without callers
    return lambda: write_whole(file, before)


@pytest.mark.parametrize(
    "how", [b"\xff\xfe not text", b"shop half-a-dig", b"shop " + b"\xc3\xa9" * 64, "folder", "gone"]
)
def test_a_token_file_that_cannot_be_read_ends_no_watch(tmp_path, caplog, how):
    caplog.set_level(logging.INFO)
    with serving(tmp_path) as (server, caller):
        other = add_token(tmp_path / "tokens", "phone-app")
        with calling(tmp_path, server.ports, other) as second:
            until(lambda: second.http.post("/v1/recommend", json={}).status_code == 200)
            mend = broken(tmp_path / "tokens", how)
            until(lambda: health(caller)["status"] == "degraded")
            assert set(health(caller)["troubles"]) == {"tokens"}
            until(lambda: over_grpc(caller, "graft.watch.tokens")[0] == health_pb2.HealthCheckResponse.NOT_SERVING)
            status, why = over_grpc(caller)
            assert (status, why[:8]) == (health_pb2.HealthCheckResponse.SERVING, "tokens: ")
            assert str(tmp_path) not in str(health(caller))
            swap(server, tmp_path, served_world(seed=2))
            assert second.http.post("/v1/recommend", json={}).status_code == 200
            mend()
            revoke_token(tmp_path / "tokens", "phone-app")
            until(lambda: second.http.post("/v1/recommend", json={}).status_code == 401)
            service = server.front.service
            whole = {"status": "serving", "head": service.head, "since": service.since, "troubles": {}}
            assert health(caller) == whole
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("tokens: ")]
    assert (len(told), told[-1]) == (2, "tokens: well again")


def test_nobody_is_known_any_more_where_the_token_file_stays_unreadable(tmp_path):
    with serving(tmp_path, limits=Limits(seconds=20, token_hold=0.3)) as (_, caller):
        mend = broken(tmp_path / "tokens", "gone")
        until(lambda: caller.http.post("/v1/recommend", json={}).status_code == 503)
        answer = caller.http.post("/v1/recommend", json={})
        assert "it cannot be said who may call" in answer.json()["detail"]
        assert answer.headers["retry-after"]
        with pytest.raises(grpc.RpcError) as error:
            caller.call("Recommend", api.RecommendRequest())
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert caller.http.get("/v1/health").status_code == 503
        until(lambda: over_grpc(caller)[0] == health_pb2.HealthCheckResponse.NOT_SERVING)
        mend()
        until(lambda: caller.http.post("/v1/recommend", json={}).status_code == 200)
        assert health(caller)["status"] == "serving"


def test_a_head_that_cannot_be_read_is_told_and_another_is_taken_at_once(tmp_path):
    with serving(tmp_path) as (server, caller):
        before = server.front.service.head
        (tmp_path / "heads" / "served.head").write_bytes(b"half of it")
        until(lambda: set(health(caller)["troubles"]) == {"head"})
        assert caller.call("Recommend", api.RecommendRequest()).head == before
        served_world(seed=2).write(HeadStore(tmp_path / "heads"))
        until(lambda: server.front.service.head != before)
        until(lambda: health(caller)["status"] == "serving")


def test_a_journal_that_cannot_be_made_durable_is_told(tmp_path, monkeypatch):
    with serving(tmp_path) as (_, caller):
        event = api.Feedback(event_id="e", user="u5", item="7", kind="clicked")

        def fails(_handle):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("client.serving.journal.os.fdatasync", fails)
        with pytest.raises(grpc.RpcError) as error:
            caller.call("ReportFeedback", api.ReportFeedbackRequest(events=[event]))
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        until(lambda: set(health(caller)["troubles"]) == {"journal"})
        assert caller.call("Recommend", api.RecommendRequest()).items


def test_feedback_on_an_item_that_is_not_there_is_answered_as_such_and_counts_once_it_is(tmp_path):
    with serving(tmp_path) as (_, caller):
        events = [
            api.Feedback(event_id="here", user="visitor", item="7", kind="shown"),
            api.Feedback(event_id="not-here", user="visitor", item="later", kind="clicked"),
        ]
        reply = caller.call("ReportFeedback", api.ReportFeedbackRequest(events=events))
        assert (reply.accepted, list(reply.unknown_events)) == (2, ["not-here"])
        again = {"events": [{"event_id": "not-here", "user": "visitor", "item": "later", "kind": "clicked"}]}
        answer = caller.http.post("/v1/feedback", json=again).json()
        assert (answer["accepted"], answer["repeated"], answer["unknown_events"]) == (0, 1, ["not-here"])
        assert caller.call("Recommend", api.RecommendRequest(user="visitor")).basis == "popularity"
        caller.call("UpsertItems", api.UpsertItemsRequest(items=[api.NewItem(item="later", text="group2 item11")]))
        assert caller.call("Recommend", api.RecommendRequest(user="visitor")).basis == "history"
        assert caller.http.post("/v1/feedback", json=again).json()["unknown_events"] == []
        assert 'what="unknown-item"' in caller.http.get("/metrics").text
