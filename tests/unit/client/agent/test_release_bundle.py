"""The release's bundle is built once, by Flower itself, and what lies in its place is never believed unchecked."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk

from client.agent.home import AgentHome
from client.agent.release_bundle import CONTENT, approve_release, keep, kept_bundle, place
from client.guard.gatekeeper import approved_digests
from shared.federation.bundle import write_bundle

Members = list[tuple[str, bytes]]
GUARD = "client/guard/egress_guard.py"


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def bundle(app) -> bytes:
    """As a coordinator sends it."""
    return build_fab_from_disk(app)


@pytest.fixture
def home(tmp_path) -> AgentHome:
    home = AgentHome(tmp_path)
    home.engine.mkdir(parents=True)
    return home


def packed(members: Members) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, member in members:
            made.writestr(name, member)
    return content.getvalue()


def unpacked(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return [(entry.filename, opened.read(entry)) for entry in opened.infolist()]


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda members: [(one, change(content) if one == name else content) for one, content in members]


def test_is_built_once_and_is_what_a_coordinator_of_the_release_sends(home, app, bundle) -> None:
    digest = approve_release(home)
    path = place(home.state, app)
    assert digest == hashlib.sha256(bundle).hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    first = path.stat()
    assert approve_release(home) == digest
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert [*home.state.glob("*.fab")] == [path]


def test_a_bundle_put_in_its_place_is_not_approved_and_gives_way_to_the_release(home, app, bundle) -> None:
    taken_out = changed(GUARD, lambda content: content.replace(b"passed = check(content", b"pass  # (content"))
    other = packed(taken_out(unpacked(bundle)))
    path = place(home.state, app)
    path.write_bytes(other)
    assert approve_release(home) == hashlib.sha256(bundle).hexdigest()
    assert approved_digests(home.approved) == {hashlib.sha256(bundle).hexdigest()}
    assert path.read_bytes() == bundle


@pytest.mark.parametrize(
    "tamper",
    [
        changed(GUARD, lambda content: content + b"\n"),
        changed(GUARD, lambda content: content[:-1] + b"#"),
        changed("pyproject.toml", lambda content: content.replace(b"client.app:app", b"client.cli.main:app")),
        changed(CONTENT, lambda content: content[:-1]),
        lambda members: [("sitecustomize.py", b"pass"), *members],
        lambda members: [*members, ("sitecustomize.py", b"pass")],
        lambda members: [*members[:-1], (GUARD, b"pass"), members[-1]],
        lambda members: [member for member in members if member[0] != GUARD],
        lambda members: members[:-1],
        lambda members: members[:0],
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_believes_no_bundle_that_holds_anything_else_than_the_release(app, bundle, tmp_path, tamper) -> None:
    members = unpacked(bundle)
    path = tmp_path / "kept.fab"
    path.write_bytes(packed(members))
    assert kept_bundle(path, app) == path.read_bytes()
    assert tamper(members) != members
    path.write_bytes(packed(tamper(members)))
    assert kept_bundle(path, app) is None


def test_believes_no_file_that_is_no_bundle(app, bundle, tmp_path) -> None:
    path = tmp_path / "kept.fab"
    assert kept_bundle(path, app) is None
    middle = len(bundle) // 2
    flipped = bundle[:middle] + bytes([bundle[middle] ^ 1]) + bundle[middle + 1 :]
    for content in (b"", b"noise" * 1000, bundle[:middle], flipped):
        path.write_bytes(content)
        assert kept_bundle(path, app) is None


def test_another_release_has_another_name_and_takes_the_place_of_the_one_before(app, bundle, tmp_path) -> None:
    later = Path(shutil.copytree(app, tmp_path / "later"))
    (later / GUARD).write_text("pass\n", "utf-8")
    keep(place(tmp_path, app), bundle)
    assert kept_bundle(place(tmp_path, app), later) is None
    assert place(tmp_path, later) != place(tmp_path, app)
    keep(place(tmp_path, later), b"later")
    assert [*tmp_path.glob("*.fab")] == [place(tmp_path, later)]
