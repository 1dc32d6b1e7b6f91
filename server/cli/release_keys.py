"""``graft-server release rotate``, ``refresh`` and ``root``: whose keys count, and until when what they sign holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home, KeyFolders
from shared.system.answer import AsJson, tell


def rotate(
    *,
    home: Home = Path(),
    role: Annotated[str, typer.Argument(metavar="ROLE", help="Of root, targets, snapshot, timestamp or statement.")],
    count: Annotated[
        int | None, typer.Option(min=1, max=16, help="How many new keys. Default: as many as before.")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=1, max=16, help="How many of them must sign. Default: as many as before.")
    ] = None,
    lost: Annotated[
        bool, typer.Option("--lost", help="The role's keys of before are lost; root's alone vouch for the new ones.")
    ] = False,
    keys: KeyFolders = None,
    as_json: AsJson = False,
) -> None:
    """Give a role new keys, in DIR/release-keys; those of before count no longer and are removed."""
    from server.coordinator.home import ServerHome
    from server.releases.opened import opened
    from server.releases.rotation import rotate as rotate_keys

    signing = opened(ServerHome.existing(home), keys, datetime.now(UTC))
    rotated = rotate_keys(signing, role, keys=count, threshold=threshold, lost=lost)
    document = {
        "role": role,
        "keys": list(rotated.keys),
        "threshold": rotated.threshold,
        "removed": [str(path) for path in rotated.removed],
    }
    text = (
        f"{role}: {len(rotated.keys)} new keys, of which {rotated.threshold} must sign; {len(rotated.removed)} removed"
    )
    tell(document, text, as_json=as_json)


def refresh(home: Home = Path(), keys: KeyFolders = None, as_json: AsJson = False) -> None:
    """Sign anew what is within half of its life; graft-server start does so by itself."""
    from server.coordinator.home import ServerHome
    from server.releases.freshness import refresh as refresh_releases
    from server.releases.opened import opened

    done = refresh_releases(opened(ServerHome.existing(home), keys, datetime.now(UTC)))
    lines = [f"signed anew: {', '.join(done.renewed)}" if done.renewed else "nothing is due yet"]
    lines += [
        f"{role} expires on {moment:%Y-%m-%d}: name its keys with --keys" for role, moment in done.waiting.items()
    ]
    document = {
        "renewed": list(done.renewed),
        "waiting": {role: moment.isoformat() for role, moment in done.waiting.items()},
        "expires": {role: moment.isoformat() for role, moment in done.expires.items()},
    }
    tell(document, "\n".join(lines), as_json=as_json)


def root(
    *,
    home: Home = Path(),
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    as_json: AsJson = False,
) -> None:
    """Write the root that platforms pin: it says whose keys count; hand it on by a way that you trust."""
    from server.coordinator.home import ServerHome
    from server.releases.chain import ROOT, versioned
    from server.releases.repository import Repository
    from shared.errors import ConfigError, os_error_as
    from shared.system.whole_file import write_whole

    repository = Repository(ServerHome.existing(home).releases)
    newest = repository.chain().root.signed
    version, expires = newest.version, newest.expires
    with os_error_as(ConfigError, f"{file}: cannot be written"):
        write_whole(file, (repository.metadata / versioned(version, ROOT)).read_bytes())
    text = f"{file}: root {version}, until {expires:%Y-%m-%d}; platforms pin it with graft-client update --root"
    tell({"file": str(file), "version": version, "expires": expires.isoformat()}, text, as_json=as_json)
