from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.releases.repository import Repository
from server.releases.rotation import rotate
from server.releases.verification import verify
from shared.errors import ConfigError, GraftError, ReleaseRefused
from shared.releases.targets import KINDS
from tests.unit.server.releases.release_world import DAY, NOW, ReleaseWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> ReleaseWorld:
    world = ReleaseWorld(tmp_path_factory.mktemp("world") / "coordinator")
    world.release()
    world.release()
    return world


def test_all_that_is_listed_holds(world):
    assert [manifest.version for manifest in verify(world.repository, NOW).manifests] == [1, 2]
    assert [manifest.version for manifest in verify(world.repository, NOW, 1).manifests] == [1]
    with pytest.raises(ConfigError, match="release 3 is not listed; expected one of: 1, 2"):
        verify(world.repository, NOW, 3)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_byte_that_is_changed_anywhere_is_refused(world, kind, data):
    path = world.repository.file(world.repository.chain().releases[2][kind])
    content = path.read_bytes()
    place, change = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
    try:
        with pytest.raises(ReleaseRefused, match=r"encoder-2.*: expected .* that was signed; found others") as refusal:
            verify(world.repository, NOW, 2)
        assert refusal.value.code == "tampered"
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_file_that_was_cut_off_or_goes_on_is_refused(world, kind, data):
    path = world.repository.file(world.repository.chain().releases[2][kind])
    content = path.read_bytes()
    end = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(data.draw(st.sampled_from([content[:end], content + content[:1]])))
    try:
        with pytest.raises(ReleaseRefused, match="the file was changed"):
            verify(world.repository, NOW, 2)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["timestamp.json", "3.snapshot.json", "3.targets.json", "1.root.json"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_metadata_with_another_meaning_are_refused(world, name, data):
    """A byte changed in them changes nothing (white space that is signed by nobody), or is refused in one sentence."""
    path = world.repository.metadata / name
    content = path.read_bytes()
    before = world.repository.chain()
    place, change = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
    try:
        codes, after = set[str](), None
        with suppress_refusals(codes):
            after = world.repository.chain()
    finally:
        path.write_bytes(content)
    assert codes <= {"signatures", "tampered", "metadata", "versions"}
    if after is not None:
        assert name in ("timestamp.json", "1.root.json")
        assert (after.root.signed, after.timestamp.signed) == (before.root.signed, before.timestamp.signed)


@contextmanager
def suppress_refusals(codes: set[str]) -> Iterator[None]:
    """Add the code of a refusal to the set."""
    try:
        yield
    except ReleaseRefused as refusal:
        codes.add(refusal.code)


def test_a_missing_file_is_refused(world):
    path = world.repository.file(world.repository.chain().releases[2]["manifest"])
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(ReleaseRefused, match="cannot be read: No such file"):
            verify(world.repository, NOW, 2)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize(("days", "role"), [(1, "timestamp"), (7, "snapshot"), (90, "targets"), (365, "root")])
def test_each_part_expires(world, days, role):
    """The shortest first; that of root is said where all have."""
    chain = world.repository.chain()
    assert chain.expires[role] == NOW + days * DAY
    with pytest.raises(ReleaseRefused, match=f"{role if days == 365 else ''}.*: expected a part that has not expired"):
        verify(world.repository, NOW + days * DAY)


def test_says_where_there_is_no_release(tmp_path):
    with pytest.raises(GraftError, match="there is no release yet"):
        verify(Repository(tmp_path), NOW)


def test_a_mirror_is_held_to_the_pinned_root(world, tmp_path):
    """One that was made whole by somebody else holds under its own root alone."""
    other = ReleaseWorld(tmp_path / "other")
    other.release()
    assert len(verify(other.repository, NOW, pinned=other.root()).manifests) == 1
    with pytest.raises(ReleaseRefused, match=r"timestamp\.json: expected signatures by 1 of the 1 keys") as refusal:
        verify(other.repository, NOW, pinned=world.root())
    assert refusal.value.code == "signatures"
    rotate(other.signing(), "root")
    with pytest.raises(ReleaseRefused, match=r"2\.root\.json: expected signatures by 1 of the 1 keys"):
        verify(other.repository, NOW, pinned=world.root())
    with pytest.raises(ReleaseRefused, match="the pinned root: expected metadata of TUF"):
        verify(other.repository, NOW, pinned=b"{}")
    newest = (other.repository.metadata / "2.root.json").read_bytes()
    assert len(verify(other.repository, NOW, pinned=newest).manifests) == 1
