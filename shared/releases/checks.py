"""What is checked of a release's files, in order: statement, manifest, encoder, probes."""

import hashlib
from datetime import datetime
from pathlib import Path

from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.errors import EncoderFileError, ReleaseRefused
from shared.feature_space import FeatureSpace, describe
from shared.releases.manifest import Manifest, read_manifest
from shared.releases.probes import check_probes
from shared.releases.statement import check_statement


def checked_manifest(manifest: bytes, statement: bytes, *, version: int, encoder: str, key: bytes) -> Manifest:
    """Check the two texts of a release against its encoder; nothing is parsed before it is known who signed it.

    Args:
        manifest: the file's content.
        statement: the file's content.
        version: of the release, as TUF's targets have it.
        encoder: SHA-256 of the encoder's file, as it lies here, in hexadecimal digits.
        key: 32 bytes of the public key that TUF's targets name for statements.

    Returns:
        What the release says of itself.

    Raises:
        ReleaseRefused: with the code ``statement`` or ``manifest``.
    """
    digest = hashlib.sha256(manifest).hexdigest()
    check_statement(statement, key, version=version, encoder=encoder, manifest=digest)
    said = read_manifest(manifest)
    if said.version != version:
        raise ReleaseRefused(f"manifest: expected version {version}; found {said.version}", code="manifest")
    if said.digest != encoder:
        raise ReleaseRefused(
            f"manifest: expected the encoder whose SHA-256 is {said.digest}; found one with {encoder}", code="manifest"
        )
    return said


def require_fresh(manifest: Manifest, now: datetime) -> None:
    """Check that a release has not expired.

    Args:
        manifest: of the release.
        now: the present time.

    Raises:
        ReleaseRefused: with the code ``expired``.
    """
    if now >= manifest.expires:
        raise ReleaseRefused(
            f"release {manifest.version} expired on {manifest.expires:%Y-%m-%d %H:%M} UTC; expected one that has not",
            code="expired",
        )


def require_space(manifest: Manifest, space: FeatureSpace) -> None:
    """Check that a release is of a platform's own feature space.

    Args:
        manifest: of the release.
        space: of the platform.

    Raises:
        ReleaseRefused: with the code ``feature-space``.
    """
    if manifest.feature_space.fingerprint != space.fingerprint:
        raise ReleaseRefused(
            f"release {manifest.version}: expected the feature space {describe(space)}; found "
            f"{describe(manifest.feature_space)}",
            code="feature-space",
        )


def checked_encoder(manifest: Manifest, path: Path) -> tuple[Encoder, EncoderCard]:
    """Read a release's encoder and check that it is what the manifest says, and answers its probes.

    Args:
        manifest: of the release, itself checked.
        path: the encoder's file.

    Returns:
        The encoder, and its card.

    Raises:
        ReleaseRefused: with the code ``encoder``, ``feature-space`` or ``probes``.
    """
    digest = file_digest(path)
    if digest != manifest.digest:
        raise ReleaseRefused(
            f"{path.name}: expected the SHA-256 {manifest.digest}; found {digest}: the file was changed", code="encoder"
        )
    try:
        encoder, card = load_encoder(path)
    except EncoderFileError as error:
        raise ReleaseRefused(str(error), code="encoder") from error
    require_space(manifest, encoder.spec.feature_space)
    layout = encoder.spec.layout().hash
    said, actual = (
        (manifest.preset, manifest.linear, manifest.layout),
        (encoder.spec.preset, encoder.spec.linear, layout),
    )
    if said != actual:
        raise ReleaseRefused(
            f"{path.name}: expected the preset {manifest.preset} with the layout {manifest.layout[:12]}; found "
            f"{encoder.spec.preset} with {layout[:12]}",
            code="encoder",
        )
    check_probes(encoder, manifest.probes)
    return encoder, card


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits; raises ReleaseRefused where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReleaseRefused(f"{path}: cannot be read: {error.strerror}", code="encoder") from error
