import hashlib
from datetime import timedelta

import pytest

from shared.errors import ReleaseRefused
from shared.feature_space import FeatureSpace
from shared.releases.checks import checked_encoder, checked_manifest, require_fresh, require_space
from shared.releases.statement import signed_statement
from tests.unit.shared.releases.release_samples import KEY, NOW, PUBLIC, SPACE, manifest_of, write_encoder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "encoder.safetensors"


def test_a_whole_release_is_taken(path):
    manifest = manifest_of(path, write_encoder(path))
    content, statement = manifest.to_bytes(), signed_statement(manifest, KEY)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = checked_manifest(content, statement, version=3, encoder=digest, key=PUBLIC)
    require_fresh(said, NOW)
    require_space(said, SPACE)
    encoder, card = checked_encoder(said, path)
    assert (encoder.spec.preset, card.licence) == ("tiny", "CC-BY-4.0")


def test_a_signed_manifest_of_another_version_is_refused(path):
    """Whoever holds the statement's key alone cannot pass one release off as another."""
    manifest = manifest_of(path, write_encoder(path))
    other = manifest_of(path, write_encoder(path), version=4, parent=3)
    with pytest.raises(ReleaseRefused, match="found other files"):
        checked_manifest(
            manifest.to_bytes(), signed_statement(other, KEY), version=4, encoder=manifest.digest, key=PUBLIC
        )


def test_an_expired_release_is_refused(path):
    manifest = manifest_of(path, write_encoder(path))
    require_fresh(manifest, manifest.expires - timedelta(seconds=1))
    with pytest.raises(ReleaseRefused, match="release 3 expired on 2026-05-30 00:00 UTC") as refusal:
        require_fresh(manifest, manifest.expires)
    assert refusal.value.code == "expired"


def test_another_feature_space_is_refused(path):
    manifest = manifest_of(path, write_encoder(path))
    other = FeatureSpace(name="hashing", parameters=(("dim", 7),), dim=7, fingerprint="def")
    with pytest.raises(ReleaseRefused, match=r"expected the feature space hashing \(dim 7") as refusal:
        require_space(manifest, other)
    assert refusal.value.code == "feature-space"


def test_a_changed_encoder_is_refused(path):
    manifest = manifest_of(path, write_encoder(path))
    write_encoder(path, seed=1)
    with pytest.raises(ReleaseRefused, match="the file was changed") as refusal:
        checked_encoder(manifest, path)
    assert refusal.value.code == "encoder"


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"preset": "nano"}, "expected the preset nano", "encoder"),
        ({"layout": "0" * 64}, "with the layout 000000000000", "encoder"),
        (
            {"feature_space": FeatureSpace(name="a", parameters=(), dim=6, fingerprint="b")},
            "feature space",
            "feature-space",
        ),
    ],
)
def test_an_encoder_that_is_not_what_its_manifest_says_is_refused(path, changes, reason, code):
    manifest = manifest_of(path, write_encoder(path), **changes)
    with pytest.raises(ReleaseRefused, match=reason) as refusal:
        checked_encoder(manifest, path)
    assert refusal.value.code == code


def test_a_file_that_is_no_encoder_is_refused(path):
    encoder = write_encoder(path)
    path.write_bytes(b"no encoder")
    with pytest.raises(ReleaseRefused, match="not a whole safetensors file"):
        checked_encoder(manifest_of(path, encoder), path)
