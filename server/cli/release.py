"""``graft-server release publish``, ``roll-back`` and ``prune``: which encoders platforms may install."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.arguments import Home, KeyFolders
from server.releases.key_plan import KeyPlan
from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options

if TYPE_CHECKING:
    from server.releases.publishing import Published


@with_options
def publish(
    plan: KeyPlan,
    home: Home = Path(),
    despite: Annotated[
        str,
        typer.Option(
            metavar="REASON", help="Publish what the gate holds; the reason stands in the release. Default: no."
        ),
    ] = "",
    keys: KeyFolders = None,
    as_json: AsJson = False,
) -> None:
    """Publish the newest encoder as a release, if platforms made enough of it; else say why it is held."""
    from server.coordinator.home import ServerHome
    from server.releases.opened import opened
    from server.releases.publishing import publish as publish_release

    coordinator = ServerHome.existing(home)
    signing = opened(coordinator, keys, datetime.now(UTC))
    is_first = not signing.repository.exists
    published = publish_release(coordinator, signing, despite=despite, plan=plan)
    _tell_published(published, as_json=as_json)
    if is_first and not as_json:
        typer.echo(f"platforms need its root: graft-server release root {coordinator.folder} root.json")
        kept_apart = "root-*.pem, targets-*.pem and statement-*.pem"
        typer.echo(f"move {kept_apart} from {coordinator.release_keys} to where no network reaches")


def roll_back(
    home: Home = Path(),
    version: Annotated[
        int | None,
        typer.Option("--to", metavar="VERSION", help="Whose encoder comes back. Default: the one before the current."),
    ] = None,
    keys: KeyFolders = None,
    as_json: AsJson = False,
) -> None:
    """Bring an earlier release's encoder back, as a release of a higher version, which platforms take."""
    from server.coordinator.home import ServerHome
    from server.releases.opened import opened
    from server.releases.publishing import roll_back as roll_release_back

    signing = opened(ServerHome.existing(home), keys, datetime.now(UTC))
    _tell_published(roll_release_back(signing, version), as_json=as_json)


def prune(
    home: Home = Path(),
    keep: Annotated[int, typer.Option(metavar="N", help="How many of the newest stay listed, at least 2.")] = 5,
    keys: KeyFolders = None,
    as_json: AsJson = False,
) -> None:
    """Take the oldest releases off the list, and remove files that nothing refers to."""
    from server.coordinator.home import ServerHome
    from server.releases.opened import opened
    from server.releases.tidying import prune as prune_releases

    dropped = prune_releases(opened(ServerHome.existing(home), keys, datetime.now(UTC)), keep)
    text = f"no longer listed: release {', '.join(map(str, dropped))}" if dropped else "all stay listed"
    tell({"dropped": dropped}, text, as_json=as_json)


def _tell_published(published: "Published", *, as_json: bool) -> None:
    from server.releases.listing import release_facts, release_words

    manifest = published.manifest
    tell(release_facts(manifest), release_words(manifest), as_json=as_json)
