"""Releases at the coordinator's door: files of the repository pass, whole or in part, and nothing beside them."""

from pathlib import Path

import pytest

from tests.unit.server.proxy.test_app import Engine, ask

DIGEST = "0" * 64
ENCODER = f"/releases/targets/{DIGEST}.encoder-3.safetensors"
FILES = (
    "/releases/metadata/1.root.json",
    "/releases/metadata/root.json",
    "/releases/metadata/timestamp.json",
    "/releases/metadata/12.snapshot.json",
    "/releases/metadata/7.targets.json",
    ENCODER,
    f"/releases/targets/{DIGEST}.encoder-3.manifest.json",
    f"/releases/targets/{DIGEST}.encoder-3.statement.json",
)


@pytest.fixture
def releases(tmp_path) -> Path:
    for path in FILES:
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode() * 3)
    (tmp_path / "settings.toml").write_text("secret")
    (tmp_path / "releases" / "metadata" / ".timestamp.json.7.part").write_text("half")
    (tmp_path / "releases" / ".lock").write_text("7")
    return tmp_path / "releases"


@pytest.mark.parametrize("path", FILES)
def test_a_file_comes_whole_and_never_reaches_the_engine(releases, path) -> None:
    engine = Engine()
    answer = ask("GET", path, engine=engine, releases=releases)
    assert (answer.status, answer.content, engine.seen) == (200, path.encode() * 3, [])
    assert answer.headers["content-length"] == str(len(answer.content))
    changes = path.endswith(("/root.json", "/timestamp.json"))
    assert ("immutable" in answer.headers["cache-control"]) != changes


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=-4", 206, slice(-4, None)),
        ("bytes=9999-", 416, None),
        ("bytes=0-1,3-4", 416, None),
        ("bytes=" + "9" * 5000 + "-", 416, None),
        ("lines=1-2", 416, None),
    ],
)
def test_one_range_at_a_time(releases, asked, status, part) -> None:
    answer = ask("GET", ENCODER, engine=Engine(), releases=releases, headers={"range": asked})
    assert answer.status == status
    if part is not None:
        whole = ENCODER.encode() * 3
        start = part.indices(len(whole))[0]
        assert answer.content == whole[part]
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(whole)}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/releases/metadata/2.root.json"),
        ("GET", "/releases/"),
        ("GET", "/releases/.lock"),
        ("GET", "/releases/metadata/.timestamp.json.7.part"),
        ("GET", "/releases/metadata/../../settings.toml"),
        ("GET", "/releases/metadata/%2e%2e/%2e%2e/settings.toml"),
        ("GET", "/releases/metadata/..%2f..%2fsettings.toml"),
        ("GET", "/releases/targets/timestamp.json"),
        ("GET", "/releases/metadata/timestamp.json/"),
        ("GET", "/releases//metadata/timestamp.json"),
        ("GET", "/releases/metadata/timestamp.json?x=1"),
        ("GET", "/releases/metadata/timestamp.json%0a"),
        ("POST", "/releases/metadata/timestamp.json"),
        ("PUT", "/releases/metadata/timestamp.json"),
        ("DELETE", ENCODER),
        ("HEAD", ENCODER),
    ],
)
def test_nothing_else_passes(releases, method, path) -> None:
    engine = Engine()
    answer = ask(method, path, engine=engine, releases=releases)
    assert (answer.status, engine.seen) == (404, [])
    assert b"secret" not in answer.content


def test_requests_for_releases_count_as_any(releases) -> None:
    assert ask("GET", ENCODER, engine=Engine(), releases=releases, per_second=1.0, times=5).status == 429


def test_there_need_be_no_release(tmp_path) -> None:
    assert ask("GET", FILES[0], engine=Engine(), releases=tmp_path / "none").status == 404
