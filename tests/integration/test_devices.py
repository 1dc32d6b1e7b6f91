"""A device from its platform's pack to its last command, without torch and what else a platform needs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.commands import REPOSITORY, finished, start
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

_FORBIDDEN = ("torch", "scipy", "polars", "pandas", "flwr", "matplotlib", "grpc")
_SCRIPT = f"""
import json, sys
from client.joined.cli.main import app
for words in json.loads(sys.argv[1]):
    try:
        app(words)
    except SystemExit as end:
        assert not end.code, words
print(json.dumps([name for name in {_FORBIDDEN!r} if name in sys.modules]))
"""


def run(command: str, *words: object, code: int = 0) -> str:
    ended = finished(start(command, *words))
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr if code else ended.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Path]:
    """A folder with heads and a pack."""
    folder = tmp_path_factory.mktemp("shop")
    write_tiny_folder(folder / "data")
    run("graft-client", "fit", folder / "data", "--features", FEATURES, "--no-own", "--heads", folder / "heads")
    run("graft-client", "pack", "--heads", folder / "heads", "--out", folder / "first.pack", "--least-users", 3)
    return folder


@pytest.fixture
def device(shop, tmp_path) -> Path:
    run("graft-device", "init", tmp_path / "device", "--pack", shop / "first.pack")
    return tmp_path / "device"


def listed(device: Path) -> list[str]:
    return [row["item"] for row in json.loads(run("graft-device", "recommend", device, "--k", 5, "--json"))]


def test_a_device_lists_what_its_user_records(device):
    cold = listed(device)
    assert "rests on: popularity" in run("graft-device", "recommend", device)
    run("graft-device", "record", device, "31", "--at", "2026-05-31T12:00")
    warm = listed(device)
    assert warm != cold
    assert "31" not in warm
    run("graft-device", "record", device, warm[0], "--kind", "disliked")
    assert warm[0] not in listed(device)
    assert "scorers" in json.loads(run("graft-device", "recommend", device, "--reasons", "--json"))[0]
    status = json.loads(run("graft-device", "status", device, "--json"))
    assert (status["events"], status["other_feedback"], status["version"]) == (1, 1, 1)
    assert "nothing has left this device" in run("graft-device", "audit", device)


def test_a_list_is_the_platforms(shop, device):
    """Whose counts are not thinned: its first item is among the device's first."""
    for item in ("31", "32", "34"):
        run("graft-device", "record", device, item)
    words = [word for item in ("31", "32", "34") for word in ("--with", item)]
    platform = json.loads(run("graft-client", "recommend", "--heads", shop / "heads", *words, "--k", 1, "--json"))
    assert platform[0]["item"] in listed(device)


def test_a_delta_updates_a_device(shop, device, tmp_path):
    since = ["--since", shop / "first.pack", "--whole", tmp_path / "second.pack", "--least-users", 4]
    made = run("graft-client", "pack", "--heads", shop / "heads", "--out", tmp_path / "a.delta", *since, "--json")
    assert json.loads(made)["bytes"] < (tmp_path / "second.pack").stat().st_size
    version = json.loads(made)["version"]
    assert f"version {version} of the pack" in run("graft-device", "update", device, tmp_path / "a.delta")
    assert (device / "catalogue.pack").read_bytes() == (tmp_path / "second.pack").read_bytes()
    assert "expected a later version" in run("graft-device", "update", device, shop / "first.pack", code=2)


def test_a_pack_may_be_fetched(shop, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(shop)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    run("graft-device", "init", tmp_path / "device", "--pack", f"{address}/first.pack")
    assert f"asked {address}/first.pack" in run("graft-device", "audit", tmp_path / "device")
    assert "cannot be fetched" in run("graft-device", "update", tmp_path / "device", f"{address}/none.pack", code=2)
    server.shutdown()
    assert "cannot be fetched" in run("graft-device", "update", tmp_path / "device", f"{address}/a.pack", code=2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("record", "DIR", "no such item"), "expected one of the 60 items"),
        (("record", "DIR", "31", "--at", "yesterday"), "at must be seconds since 1970"),
        (("init", "DIR", "--pack", "none.pack"), "holds a device already"),
        (("init", "DIR/inside", "--pack", "none.pack"), "none.pack: cannot be read"),
        (("update", "DIR", "none.pack"), "none.pack: cannot be read"),
        (("status", "DIR/nothing"), "expected a device's folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(device, words, sentence):
    said = run("graft-device", *(word.replace("DIR", str(device)) for word in words), code=2)
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_changed_pack_is_one_sentence(device):
    content = bytearray((device / "catalogue.pack").read_bytes())
    content[len(content) // 2] ^= 1
    (device / "catalogue.pack").write_bytes(content)
    said = run("graft-device", "recommend", device, code=2)
    assert "signature does not hold" in said
    assert len(said.splitlines()) == 1


def test_what_was_recorded_lies_sealed_and_is_erased(device):
    run("graft-device", "record", device, "31", "--at", "1700000123")
    assert not any(b"1700000123" in path.read_bytes() for path in device.rglob("*") if path.is_file())
    assert oct(device.stat().st_mode & 0o777) == "0o700"
    run("graft-device", "delete-all", device, "--yes")
    assert not [path for path in device.rglob("*") if path.is_file()]
    assert "expected a device's folder" in run("graft-device", "recommend", device, code=2)


def test_no_command_imports_what_a_platform_needs(shop, tmp_path):
    device = str(tmp_path / "device")
    commands = [
        ["init", device, "--pack", str(shop / "first.pack")],
        *(["record", device, str(item)] for item in range(20, 27)),
        ["learn", device],
        ["recommend", device, "--reasons"],
        ["status", device],
        ["audit", device],
        ["delete-all", device, "--yes"],
    ]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(commands)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == []
