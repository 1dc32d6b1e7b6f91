"""``graft-client serve`` as a process of its own: it loses no acknowledged event when killed, and ends when told to."""

import signal
import socket
import threading

import grpc
import httpx
import pytest

from client.serving.journal import FileJournal
from client.serving.tokens import add_token
from shared.serving_api import recommend_pb2 as api
from shared.system.free_port import free_port
from tests.integration.commands import exit_code, finished, run, start
from tests.integration.serving.loopback import prepared, process_of, trusting


def test_loses_no_acknowledged_event_when_killed_and_counts_none_twice(tmp_path):
    token, acknowledged = prepared(tmp_path), set()
    for trial in range(3):
        with process_of(tmp_path, token) as (process, caller):
            report_until_killed(process, caller, acknowledged, trial)
    journal = FileJournal(tmp_path / "heads" / "reports.log")
    kept = [entry.facts["id"] for entry in journal.entries()]
    assert len(acknowledged) >= 600
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


def report_until_killed(process, caller, acknowledged, trial):
    """Every second report repeats the one before it."""
    enough = threading.Event()

    def report(worker):
        for number in range(100_000):
            event = api.Feedback(event_id=f"{trial}-{worker}-{number // 2}", user="u5", item="7", kind="clicked")
            try:
                caller.call("ReportFeedback", api.ReportFeedbackRequest(events=[event]))
            except grpc.RpcError:
                return
            acknowledged.add(event.event_id)
            if number == 120:
                enough.set()

    threads = [threading.Thread(target=report, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(120)
    process.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join(60)


def test_answers_what_is_under_way_and_ends_well_when_told_to(tmp_path):
    token = prepared(tmp_path)
    with process_of(tmp_path, token) as (process, caller):
        requests = [api.RecommendRequest(user="u5", k=20, reasons=True)] * 4
        call = caller.stub.RecommendBatch.future(
            api.RecommendBatchRequest(requests=requests), metadata=caller.metadata, timeout=60
        )
        caller.call("Recommend", api.RecommendRequest())
        process.send_signal(signal.SIGTERM)
        assert len(call.result().entries) == 4
        assert exit_code(process, seconds=30) == 0


def test_holds_its_folder_against_a_second_one_and_against_erasure(tmp_path):
    token = prepared(tmp_path)
    (tmp_path / "settings.toml").touch()
    (tmp_path / "vault").symlink_to("heads")
    with process_of(tmp_path, token) as (process, caller):
        erased = run("graft-client", "delete-all", tmp_path, "--yes")
        assert (erased.returncode, erased.stderr.count("\n")) == (2, 1)
        assert f"while graft-client serve (process {process.pid}) runs on it" in erased.stderr
        second = run(
            "graft-client",
            *("serve", "--heads", tmp_path / "heads", "--tokens", tmp_path / "tokens", "--port", 0, "--http-port", 0),
        )
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert f"a service runs on it already, as process {process.pid}" in second.stderr
        caller.call("Recommend", api.RecommendRequest())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "192.0.2.1"], "others can listen"),
        (["--certificate", "nowhere.crt"], "a certificate needs its key"),
        (["--certificate", "nowhere.crt", "--key", "nowhere.key"], "nowhere.crt: cannot be read"),
        (["--tokens", "nowhere"], "there is no such file; graft-client token add NAME"),
        (["--heads", "nowhere"], "'graft-client fit' makes one"),
    ],
)
def test_says_in_one_sentence_why_it_does_not_start(tmp_path, options, sentence):
    prepared(tmp_path)
    given = ["--heads", tmp_path / "heads", "--tokens", tmp_path / "tokens", "--port", 0, "--http-port", 0]
    given += [tmp_path / one if "nowhere" in one else one for one in options]
    done = finished(start("graft-client", "serve", *given))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_gives_a_token_once(tmp_path):
    file = tmp_path / "tokens"
    done = finished(start("graft-client", "token", "add", "shop", "--tokens", file))
    assert len(done.stdout.strip()) > 40
    assert done.stdout.strip() not in file.read_text()
    assert add_token(file, "shop") != done.stdout.strip()
    assert finished(start("graft-client", "token", "revoke", "shop", "--tokens", file)).returncode == 0
    assert file.read_text() == ""


def test_tells_prometheus_its_counts_on_a_port_of_their_own_without_a_token(tmp_path):
    token, port = prepared(tmp_path), free_port()
    with process_of(tmp_path, token, "--metrics-port", port) as (_, caller):
        caller.call("Recommend", api.RecommendRequest())
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'graft_requests_total{method="recommend",outcome="ok",protocol="grpc"} 1.0' in text
        assert httpx.get(caller.http.base_url.join("/metrics"), verify=trusting(tmp_path)).status_code == 401


def test_a_port_for_counts_that_is_taken_is_one_sentence(tmp_path):
    prepared(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        given = ("--heads", tmp_path / "heads", "--tokens", tmp_path / "tokens", "--port", 0, "--http-port", 0)
        done = run("graft-client", "serve", *given, "--metrics-port", other.getsockname()[1])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "metrics-port" in done.stderr
    assert "cannot be had" in done.stderr
