"""``graft-server release list``, ``show`` and ``verify``: what there is of releases, and whether it holds."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home
from shared.system.answer import AsJson, tell, tell_json


def list_releases(home: Home = Path(), as_json: AsJson = False) -> None:
    """List the releases, until when each part is signed, and what became of the newest encoder."""
    from server.coordinator.home import ServerHome, ServerSettings
    from server.releases.listing import listing
    from shared.system.settings_file import read_settings

    coordinator = ServerHome.existing(home)
    settings = read_settings(ServerSettings, coordinator.settings)
    releases = listing(coordinator, settings, datetime.now(UTC))
    tell(releases.to_json(), "\n".join(releases.lines()), as_json=as_json)


def show(
    *,
    home: Home = Path(),
    version: Annotated[int, typer.Argument(metavar="VERSION", help="Of the release.")],
    as_json: AsJson = False,
) -> None:
    """Print all that a release says of itself."""
    from server.coordinator.home import ServerHome
    from server.releases.release_files import read_release
    from server.releases.repository import Repository

    repository = Repository(ServerHome.existing(home).releases)
    manifest = json.loads(read_release(repository, repository.chain(), version).manifest.to_bytes())
    if as_json:
        tell_json(manifest)
        return
    folded = {"item-moments", "probes", "round-history"}
    for name, value in manifest.items():
        if name not in folded:
            typer.echo(f"{name}: {value if isinstance(value, str | int) else json.dumps(value)}")
    for line in manifest["round-history"]:
        typer.echo(", ".join(f"{name} {value}" for name, value in line.items()))


def verify(
    home: Home = Path(),
    version: Annotated[
        int | None, typer.Option("--release", metavar="VERSION", help="This one alone. Default: all that are listed.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of a mirror, to be looked at in its place. Default: DIR/releases."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The root that platforms pin; a mirror may name none of its own. Default: the first of DIR/releases.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check releases as platforms do: signatures, expiry, each byte, statement, manifest, encoder, probes."""
    from server.coordinator.home import ServerHome
    from server.releases.chain import ROOT, versioned
    from server.releases.repository import Repository
    from server.releases.verification import verify as verified
    from shared.errors import ConfigError, os_error_as

    if folder is not None and root is None and not ServerHome(home).settings.is_file():
        raise ConfigError("expected --root FILE with --folder, the root that platforms pin, or a coordinator's folder")
    repository = Repository(folder or ServerHome.existing(home).releases)
    if folder is not None and root is None:
        root = ServerHome.existing(home).releases / "metadata" / versioned(1, ROOT)
    with os_error_as(ConfigError, f"{root}: the root cannot be read"):
        pinned = None if root is None else root.read_bytes()
    held = verified(repository, datetime.now(UTC), version, pinned)
    versions = [manifest.version for manifest in held.manifests]
    soonest = min(held.chain.expires.values())
    text = (
        f"{repository.folder}: release {', '.join(map(str, versions))}: all holds, until {soonest:%Y-%m-%d %H:%M} UTC"
    )
    tell({"releases": versions, "until": soonest.isoformat()}, text, as_json=as_json)
