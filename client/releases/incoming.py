"""A release that arrives: its files as TUF lists them, then what they say of themselves and of each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from client.features.item_features import known_space
from client.releases.place import ReleasesPlace
from client.releases.trusted import TrustedView, fetch
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, ReleaseRefused, os_error_as
from shared.releases.checks import checked_encoder, checked_manifest, file_digest, require_fresh, require_space
from shared.releases.manifest import Manifest
from shared.releases.targets import Kind, releases_in, statement_key
from shared.system.progress import working
from shared.system.utc_clock import utc_now

FILES: Mapping[Kind, str] = {
    "encoder": "encoder.safetensors",
    "manifest": "manifest.json",
    "statement": "statement.json",
}
"""of a release, in its folder"""


@dataclass(frozen=True, eq=False, kw_only=True)
class TakenRelease:
    """A release whose files are here and hold."""

    encoder: Encoder
    path: Path
    """of its file"""
    brings_back: bool
    """whether it has an earlier release's encoder, for every platform to go back to"""


def taken_in(place: ReleasesPlace, view: TrustedView, version: int, features: str) -> TakenRelease:
    """Fetch a release and check it: length and digest of each file, statement, manifest, encoder, probes.

    Args:
        place: where its files arrive.
        view: what is trusted of a source.
        version: of the release, which the source lists.
        features: the platform's feature space as ``item_features`` takes it; where its name does not tell the space,
            the fit does.

    Returns:
        The release.

    Raises:
        ReleaseRefused: with the code of the first check that fails.
        ConfigError: if nothing can be written there.
    """
    listed = releases_in(view.targets)[version]
    with working("fetching the release"), os_error_as(ConfigError, f"{place.arriving}: cannot be written"):
        place.arriving.mkdir(parents=True, exist_ok=True, mode=0o700)
        for kind, name in FILES.items():
            fetch(view, listed[kind], place.arriving / name)
    with working("checking the release"):
        return _checked(place, view, version, features)


def _checked(place: ReleasesPlace, view: TrustedView, version: int, features: str) -> TakenRelease:
    path = place.arriving / FILES["encoder"]
    manifest = checked_manifest(
        (place.arriving / FILES["manifest"]).read_bytes(),
        (place.arriving / FILES["statement"]).read_bytes(),
        version=version,
        encoder=file_digest(path),
        key=statement_key(view.targets),
    )
    require_fresh(manifest, utc_now())
    space = known_space(features)
    if space is not None:
        require_space(manifest, space)
    _require_same_bytes(manifest, view)
    encoder, _ = checked_encoder(manifest, path)
    return TakenRelease(encoder=encoder, path=path, brings_back=manifest.rolls_back_to is not None)


def _require_same_bytes(manifest: Manifest, view: TrustedView) -> None:
    """A release that brings an earlier one back, which is still listed, has its encoder byte by byte."""
    earlier = None if manifest.rolls_back_to is None else releases_in(view.targets).get(manifest.rolls_back_to)
    if earlier is not None and earlier["encoder"].hashes.get("sha256") != manifest.digest:
        raise ReleaseRefused(
            f"manifest: expected the encoder of release {manifest.rolls_back_to}, which release {manifest.version} "
            "brings back; found another one",
            code="manifest",
        )
