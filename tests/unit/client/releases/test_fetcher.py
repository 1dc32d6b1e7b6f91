"""Files of a repository come in chunks, go on where an earlier try ended, and from no source too slowly."""

import time
from dataclasses import replace

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError, SlowRetrievalError

from client.releases.fetcher import CHUNK, ReleaseFetcher
from client.releases.pace import Meter, Pace
from client.releases.source import Source
from tests.unit.client.releases.sources import connect_proxy, https_source, sends

CONTENT = bytes(range(256)) * 1024
NAME = "ab12.encoder-1.safetensors"
QUICK = Pace(grace_seconds=0.3, deadline_seconds=2.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "repository" / "targets").mkdir(parents=True)
    (tmp_path / "repository" / "targets" / NAME).write_bytes(CONTENT)
    return Source(name="folder", address=f"file://{tmp_path / 'repository'}/")


def fetched(fetcher, source, name=NAME):
    return fetcher.download_bytes(source.targets + name, len(CONTENT))


def test_a_folder_gives_its_files_and_says_what_is_not_there(tmp_path, folder):
    fetcher = ReleaseFetcher([folder], tmp_path / "parts")
    assert fetched(fetcher, folder) == CONTENT
    with pytest.raises(DownloadHTTPError) as refused:
        fetched(fetcher, folder, name="other")
    assert refused.value.status_code == 404


def test_a_begun_file_goes_on_behind_what_is_there(tmp_path, folder):
    fetcher = ReleaseFetcher([folder], tmp_path / "parts")
    begun = fetcher.part(NAME)
    begun.parent.mkdir()
    begun.write_bytes(b"?" * 100 + CONTENT[100:5000])
    assert fetched(fetcher, folder) == b"?" * 100 + CONTENT[100:], "what was there is taken as it is"
    assert begun.read_bytes()[5000:] == CONTENT[5000:]
    fetcher.forget(NAME)
    assert fetched(fetcher, folder) == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_https_goes_on_by_range_and_with_a_server_that_knows_none(tmp_path, ranges):
    asked = []

    def answer(request):
        asked.append(request.headers.get("Range"))
        sends(CONTENT, ranges=ranges)(request)

    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts")
        fetcher.part(NAME).parent.mkdir()
        fetcher.part(NAME).write_bytes(CONTENT[: CHUNK + 7])
        assert fetched(fetcher, source) == CONTENT
        assert fetched(fetcher, source) == CONTENT, "all of it was there"
    assert asked == [f"bytes={CHUNK + 7}-", f"bytes={len(CONTENT)}-"]


def test_a_connection_that_breaks_off_leaves_what_has_come(tmp_path):
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(CONTENT[:1000])

    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts")
        with pytest.raises(DownloadError):
            fetched(fetcher, source)
    assert fetcher.part(NAME).read_bytes() == CONTENT[:1000]


def test_data_without_an_end_stop_at_the_length_that_was_signed(tmp_path):
    def answer(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(1000):
            request.wfile.write(bytes(2**20))

    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts")
        with pytest.raises(DownloadLengthMismatchError):
            fetched(fetcher, source)
    assert fetcher.part(NAME).stat().st_size <= len(CONTENT) + 2 * CHUNK


def drips_content(request):
    request.send_response(200)
    request.send_header("Content-Length", str(len(CONTENT)))
    request.end_headers()
    _drip(request)


def drips_headers(request):
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(request)


def _drip(request):
    for _ in range(200):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [drips_content, drips_headers])
def test_a_source_that_drips_is_given_up(tmp_path, answer):
    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts", QUICK)
        began = time.monotonic()
        with pytest.raises(SlowRetrievalError, match="fewer than 1024 bytes a second"):
            fetched(fetcher, source)
        assert time.monotonic() - began < 2


def test_a_source_that_never_answers_is_given_up(tmp_path):
    with https_source(tmp_path, lambda _: time.sleep(3)) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts", QUICK)
        with pytest.raises(DownloadError, match="nothing came for too long"):
            fetched(fetcher, source)


def test_all_of_a_file_has_a_deadline_however_fast_it_comes():
    seconds = iter([0.0, 1.0, 3.0])
    meter = Meter(Pace(deadline_seconds=2.0), lambda: next(seconds))
    meter.count(10**9)
    assert meter.wait_seconds(0.5) == 0.5
    with pytest.raises(SlowRetrievalError, match="longer than 2 seconds"):
        meter.wait_seconds()


@pytest.mark.parametrize("further", ["http://localhost/encoder", "file:///etc/passwd", "ftp://localhost/x"])
def test_no_redirect_leads_to_another_scheme(tmp_path, further):
    def answer(request):
        request.send_response(302)
        request.send_header("Location", further)
        request.send_header("Content-Length", "0")
        request.end_headers()

    with https_source(tmp_path, answer) as source, pytest.raises(DownloadError, match="only https is followed"):
        fetched(ReleaseFetcher([source], tmp_path / "parts"), source)


def test_a_redirect_within_https_is_followed_and_not_for_ever(tmp_path):
    def answer(request):
        if request.path.endswith("/moved"):
            return sends(CONTENT)(request)
        request.send_response(302)
        request.send_header("Location", "/moved" if NAME in request.path else request.path)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return None

    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts")
        assert fetched(fetcher, source) == CONTENT
        with pytest.raises(DownloadError, match="more than 5 times"):
            fetched(fetcher, source, name="round")


def test_the_way_out_may_be_a_proxy(tmp_path):
    with https_source(tmp_path, sends(CONTENT)) as source, connect_proxy() as (address, asked):
        through = replace(source, http_proxy=address)
        assert fetched(ReleaseFetcher([through], tmp_path / "parts"), through) == CONTENT
    assert asked == [f"CONNECT {source.address.split('/')[2]} HTTP/1.1"]


def test_a_certificate_of_another_authority_is_not_trusted(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with https_source(tmp_path, sends(CONTENT)) as source, https_source(other, sends(CONTENT)) as stranger:
        mixed = Source(name="mixed", address=source.address, trust=stranger.trust)
        with pytest.raises(DownloadError, match="certificate verify failed"):
            fetched(ReleaseFetcher([mixed], tmp_path / "parts"), mixed)


def test_bytes_from_another_place_than_asked_for_are_refused(tmp_path):
    def answer(request):
        request.send_response(206)
        request.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()

    with https_source(tmp_path, answer) as source:
        fetcher = ReleaseFetcher([source], tmp_path / "parts")
        fetcher.part(NAME).parent.mkdir()
        fetcher.part(NAME).write_bytes(CONTENT[:10])
        with pytest.raises(DownloadError, match="expected the bytes from 10 on"):
            fetched(fetcher, source)
