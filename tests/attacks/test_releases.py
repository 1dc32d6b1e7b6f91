"""The attacks of TUF's list against a platform that updates, each red without the check that refuses it.

A platform pins a root once and then takes releases from whoever offers them. The attacker here serves its own answers,
keeps old ones, or holds some of the keys.
"""

import hashlib
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from client.releases import incoming
from client.releases.fetcher import ReleaseFetcher
from client.releases.incoming import taken_in
from client.releases.pace import Pace
from client.releases.place import ReleasesPlace
from client.releases.trusted import first_trusted
from shared.errors import ReleaseRefused
from shared.releases import checks
from shared.releases.targets import releases_in
from tests.hostile_repository import HostileRepository, same_document
from tests.unit.client.releases.sources import https_source
from tests.unit.shared.releases.release_samples import learnt_encoder, write_encoder

ANY_SPACE = "precomputed"
"""a platform's feature space that its name does not tell"""


@pytest.fixture
def world(tmp_path):
    made = HostileRepository(tmp_path / "releases")
    published(made, tmp_path, 1)
    return made


@pytest.fixture
def place(tmp_path):
    return ReleasesPlace(tmp_path / "platform")


def published(world, folder, number, **changes):
    path = folder / f"{number}.safetensors"
    world.publish(number, write_encoder(path, seed=number), path, **changes)


def update(world, place, sources=None, features=ANY_SPACE, pace=None):
    """Version and encoder, up to where the platform's own gate judges."""
    sources = sources or [world.source]
    fetcher = ReleaseFetcher(sources, place.parts, *([pace] if pace else []))
    view = first_trusted(place, world.root_bytes, sources, fetcher)
    version = max(releases_in(view.targets))
    return version, taken_in(place, view, version, features).encoder


def refused(world, place, code, **given):
    with pytest.raises(ReleaseRefused) as refusal:
        update(world, place, **given)
    assert refusal.value.code == code, refusal.value
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_an_honest_release_is_taken(world, place, tmp_path):
    version, encoder = update(world, place)
    assert (version, encoder.digest) == (1, learnt_encoder(1).digest)
    published(world, tmp_path, 2)
    assert update(world, place)[0] == 2
    world.rotate(Targets.type)
    world.rotate(Root.type)
    world.write()
    published(world, tmp_path, 3)
    assert update(world, place)[0] == 3


# tampered


def flipped(path, at, bit=1):
    content = bytearray(path.read_bytes())
    content[at] ^= bit
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["encoder", "manifest", "statement"])
def test_a_tampered_file_is_refused(world, place, monkeypatch, kind):
    path = world.target_file(1, kind)
    flipped(path, path.stat().st_size // 2)
    assert "a file is not the one that was signed" in refused(world, place, "tampered")
    monkeypatch.setattr(TargetFile, "verify_length_and_hashes", lambda *_: None)
    shutil.rmtree(place.arriving)
    refused(world, place, "statement")  # the statement's subjects are a second check


def test_each_check_of_an_encoder_stands_behind_the_one_before(world, place, monkeypatch):
    """What a holder of more and more keys could do: the checks are taken out in their order, and the next refuses."""
    path = world.target_file(1, "encoder")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    flipped(path, path.stat().st_size - 1, bit=128)
    refused(world, place, "tampered")
    monkeypatch.setattr(TargetFile, "verify_length_and_hashes", lambda *_: None)
    refused(world, place, "statement")
    monkeypatch.setattr(checks, "check_statement", lambda *_, **__: None)
    refused(world, place, "manifest")
    monkeypatch.setattr(incoming, "file_digest", lambda _: right)
    refused(world, place, "encoder")
    monkeypatch.setattr(checks, "file_digest", lambda _: right)
    refused(world, place, "probes")
    monkeypatch.setattr(checks, "check_probes", lambda *_: None)
    assert update(world, place)[1].digest != learnt_encoder(1).digest


def test_a_part_that_turns_out_wrong_is_fetched_anew_once(world, place):
    part = ReleaseFetcher([world.source], place.parts).part(world.target_file(1, "encoder").name)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"planted" * 10)
    assert update(world, place)[0] == 1
    assert not part.exists()


def test_a_mirror_stands_in_for_another_one(world, place, tmp_path):
    shutil.copytree(world.folder, tmp_path / "copy")
    bad = replace(world.source, name="bad", address=f"file://{tmp_path / 'copy'}/")
    for path in (tmp_path / "copy" / "targets").iterdir():
        flipped(path, 10)
    assert "bad: a file is not" in refused(world, place, "tampered", sources=[bad])
    assert update(world, place, sources=[bad, world.source])[0] == 1
    nowhere = replace(world.source, name="nowhere", address=f"file://{tmp_path}/nowhere/")
    both = refused(world, place, "unreachable", sources=[nowhere, nowhere])
    assert both.count("nowhere: it cannot be fetched from") == 2


# rolled back


def kept_copy(world, folder):
    return shutil.copytree(world.folder, folder / "kept")


def test_an_earlier_state_is_refused(world, place, tmp_path):
    old = replace(world.source, address=f"file://{kept_copy(world, tmp_path)}/")
    published(world, tmp_path, 2)
    assert update(world, place)[0] == 2
    refused(world, place, "versions", sources=[old])
    forgetful = ReleasesPlace(tmp_path / "forgetful")
    assert update(world, forgetful, sources=[old])[0] == 1, "without what it had seen it would be taken"


# frozen


def test_a_state_that_is_kept_for_too_long_is_refused(world, place, monkeypatch):
    world.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    world.write()
    assert "nobody vouches any more" in refused(world, place, "expired")
    for part in (Timestamp, Snapshot, Targets):
        monkeypatch.setattr(part, "is_expired", lambda *_: False)
    refused_by_manifest = datetime.now(UTC) + timedelta(days=91)
    monkeypatch.setattr(incoming, "utc_now", lambda: refused_by_manifest)
    refused(world, place, "expired")
    monkeypatch.setattr(incoming, "require_fresh", lambda *_: None)
    assert update(world, place)[0] == 1


# mixed


def test_parts_of_different_states_are_refused(world, place, tmp_path, monkeypatch):
    older = (world.metadata_folder / f"{world.targets.version}.targets.json").read_bytes()
    published(world, tmp_path, 2)
    (world.metadata_folder / f"{world.targets.version}.targets.json").write_bytes(older)
    refused(world, place, "tampered")
    monkeypatch.setattr(MetaFile, "verify_length_and_hashes", lambda *_: None)
    refused(world, place, "versions")

    def without_versions(self, data, role, delegator):
        signed, _, _ = self._load_data(Targets, data, self[delegator], role)
        self._add(role, signed, delegator)
        return signed

    monkeypatch.setattr(TrustedMetadataSet, "update_delegated_targets", without_versions)
    assert update(world, place)[0] == 1, "the old list with the new snapshot"


def test_files_of_different_releases_are_refused(world, place, tmp_path):
    """Signed by TUF as one release, by a thief of its keys: the statement binds encoder and manifest."""
    published(world, tmp_path, 2)
    contents = {kind: world.target_file(2, kind).read_bytes() for kind in ("manifest", "statement")}
    world.add(3, {"encoder": world.target_file(1, "encoder").read_bytes(), **contents})
    refused(world, place, "statement")


# endless data


@pytest.mark.parametrize("kind", ["target", "timestamp"])
def test_data_without_an_end_are_cut_off(world, place, kind, monkeypatch):
    path = world.target_file(1, "encoder") if kind == "target" else world.metadata_folder / "timestamp.json"
    longer = path.read_bytes() + b" " * 10_000_000
    path.write_bytes(longer)
    taken = []
    fetch = ReleaseFetcher._fetch

    def counted(self, url):
        for chunk in fetch(self, url):
            taken.append(len(chunk))
            yield chunk

    monkeypatch.setattr(ReleaseFetcher, "_fetch", counted)
    assert "it sends more than was signed" in refused(world, place, "too-long")
    assert sum(taken) < 1_000_000
    assert not any(place.parts.glob("*")), "what came is not kept"
    bounded = ReleaseFetcher.download_file
    monkeypatch.setattr(ReleaseFetcher, "download_file", lambda self, url, _: bounded(self, url, 2**40))
    if kind == "target":
        refused(world, place, "tampered")
    else:
        assert update(world, place)[0] == 1, "spaces behind a document say nothing"
    assert sum(taken) > 10_000_000


# wrong key


@pytest.mark.parametrize("role", [Timestamp.type, Snapshot.type, Targets.type])
def test_what_another_key_signed_is_refused(world, place, role, monkeypatch):
    world.write(**{role: [CryptoSigner.generate_ed25519()]})
    assert f"{role} was signed by 0/1 keys" in refused(world, place, "signatures")
    monkeypatch.setattr(Root, "verify_delegate", lambda *_: None)
    assert update(world, place)[0] == 1


def test_a_root_that_the_root_before_did_not_sign_is_refused(world, place, tmp_path, monkeypatch):
    update(world, place)
    thief = HostileRepository(tmp_path / "thief")
    thief.root.version = 2
    (thief.metadata_folder / "2.root.json").write_bytes(thief.signed(thief.root))
    for version in range(7, 10):  # beyond the versions that the platform has seen
        published(thief, tmp_path, version)
    refused(world, place, "signatures", sources=[thief.source])
    monkeypatch.setattr(Root, "verify_delegate", lambda *_: None)
    assert update(world, place, sources=[thief.source])[0] == 9


def test_a_statement_of_another_key_is_refused(world, place, tmp_path, monkeypatch):
    published(world, tmp_path, 2, key=Ed25519PrivateKey.generate())
    assert "its signature does not hold" in refused(world, place, "statement")
    monkeypatch.setattr(checks, "check_statement", lambda *_, **__: None)
    assert update(world, place)[0] == 2


# slow retrieval


def test_a_source_that_drips_is_given_up(world, place, tmp_path):
    drops = len((world.metadata_folder / "timestamp.json").read_bytes())

    def drips(request):
        name = request.path.removeprefix("/releases/")
        path = world.folder / name
        if not path.is_file():
            return request.send_error(404)
        content = path.read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        for at in range(0, len(content), drops // 40 + 1):
            request.wfile.write(content[at : at + drops // 40 + 1])
            request.wfile.flush()
            time.sleep(0.01 if path.suffix == ".json" and "timestamp" in name else 0)
        return None

    with https_source(tmp_path, drips) as source:
        quick = Pace(least_rate=10_000_000, grace_seconds=0.1)
        assert "bytes a second" in refused(world, place, "too-slow", sources=[source], pace=quick)
        assert update(world, place, sources=[source], pace=replace(quick, least_rate=0))[0] == 1


# keys below the threshold


def test_one_stolen_key_of_two_signs_no_release(tmp_path, place):
    for threshold in (2, 1):
        world = HostileRepository(tmp_path / f"of-{threshold}", targets_keys=2, targets_threshold=threshold)
        published(world, tmp_path, 1)
        thief = {Targets.type: world.keys[Targets.type][:1]}  # and timestamp and snapshot, which lie at the door
        world.write(**thief)
        if threshold == 2:
            assert "targets was signed by 1/2 keys" in refused(world, place, "signatures")
        else:
            assert update(world, ReleasesPlace(tmp_path / "other"))[0] == 1


# what a release says of itself


def test_a_platform_of_another_feature_space_refuses(world, place, monkeypatch):
    assert "expected the feature space hashing" in refused(world, place, "feature-space", features="hashing:64")
    monkeypatch.setattr(incoming, "require_space", lambda *_: None)
    assert update(world, place, features="hashing:64")[0] == 1


@pytest.mark.parametrize(
    ("changes", "code", "check"),
    [
        ({"version": 7, "parent": 1}, "statement", None),
        ({"digest": "0" * 64}, "statement", None),
        ({"layout": "0" * 64}, "encoder", None),
        ({"expires": datetime(2026, 1, 1, tzinfo=UTC)}, "expired", "require_fresh"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(world, place, tmp_path, monkeypatch, changes, code, check):
    """All keys are in a thief's hands, who signs a manifest that says something else."""
    published(world, tmp_path, 2, **changes)
    refused(world, place, code)
    if check:
        monkeypatch.setattr(incoming, check, lambda *_: None)
        assert update(world, place)[0] == 2


def test_what_is_no_earlier_release_is_not_brought_back_past_the_gate(world, place, tmp_path, monkeypatch):
    published(world, tmp_path, 2, rolls_back_to=1)
    assert "expected the encoder of release 1, which release 2 brings back" in refused(world, place, "manifest")
    monkeypatch.setattr(incoming, "_require_same_bytes", lambda *_: None)
    assert update(world, place)[0] == 2


def test_probes_of_another_encoder_are_refused(world, place, tmp_path, monkeypatch):
    from shared.releases.probes import probes_of

    published(world, tmp_path, 2, probes=probes_of(learnt_encoder(1)))
    assert "probes: expected the manifest's linear scores" in refused(world, place, "probes")
    monkeypatch.setattr(checks, "check_probes", lambda *_: None)
    assert update(world, place)[0] == 2


# any byte


def files_of(world):
    """All that a platform reads of a repository whose first root was followed by another one."""
    names = ["2.root.json", "timestamp.json", f"{world.snapshot.version}.snapshot.json"]
    metadata = [world.metadata_folder / name for name in (*names, f"{world.targets.version}.targets.json")]
    return [*metadata, *(world.target_file(1, kind) for kind in ("encoder", "manifest", "statement"))]


def refused_or_the_same(folder, file, share, change):
    """The byte at a share of the file's length is changed."""
    world = HostileRepository(folder / "releases")
    published(world, folder, 1)
    world.rotate(Timestamp.type)
    world.write()
    path = files_of(world)[file]
    before = path.read_bytes()
    flipped(path, int(share * len(before)), bit=change)
    place = ReleasesPlace(folder / "platform")
    try:
        encoder = update(world, place)[1]
    except ReleaseRefused:
        return
    assert same_document(path.read_bytes(), before), path.name
    assert encoder.digest == learnt_encoder(1).digest


@settings(max_examples=60, deadline=None)
@given(file=st.integers(0, 6), share=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_byte_changed_anywhere_is_refused(tmp_path_factory, file, share, change):
    refused_or_the_same(tmp_path_factory.mktemp("flipped"), file, share, change)


@pytest.mark.parametrize("share", [0, 0.5, 1 - 1e-9])
@pytest.mark.parametrize("file", range(7))
def test_the_first_byte_and_the_last_are_no_exception(tmp_path, file, share):
    refused_or_the_same(tmp_path, file, share, 1)
