"""Taking a release into service on a platform, and going back to an earlier one."""

from pathlib import Path
from typing import Any

from client.agent.door import door_of
from client.agent.fitting import agents_fitting
from client.agent.home import AgentHome, AgentSettings
from client.agent.private_part import heads_and_key
from client.api.options import flat_options, settings_of
from client.api.python_words import in_python_words
from client.fitting.fit_settings import FitSettings
from client.releases import installation
from client.releases.gate import PlatformSide
from client.releases.installed import Installed
from client.releases.place import ReleasesPlace
from client.releases.source import COORDINATOR, Way, source_of
from client.releases.trusted import read_root
from client.releases.update import UpdateOutcome, update_platform
from client.serving.private_folder import open_private_folder
from client.serving.reported_events import ReportedEvents
from client.store.head_store import open_heads
from shared.errors import ConfigError, os_error_as
from shared.system.settings_file import read_settings


@in_python_words()
def update(
    agent: str | Path,
    *,
    root: str | Path | None = None,
    sources: tuple[str, ...] = (),
    force: bool = False,
    **options: Any,
) -> UpdateOutcome:
    """Take the newest release into service, if it can be trusted and the platform's own gate serves it.

    Args:
        agent: the agent's folder.
        root: the file that says whose releases to trust; needed the first time alone.
        sources: ``coordinator``, folders or HTTPS addresses, asked in this order; none: those of the agent's settings.
        force: try a release again that was refused here, or fit the installed one anew.
        options: those of ``graft-client fit`` that say what competes: ``methods``, ``own``, ...

    Returns:
        What was done.

    Raises:
        ReleaseRefused: if no source can be trusted, or the release is refused; what was served is still served.
        InputError: if an option or the platform's data are wrong.
        StorageError: if the heads cannot be read or written.
    """
    fit_settings = settings_of(FitSettings, flat_options(options, FitSettings))
    return updated(Path(agent), None if root is None else Path(root), sources, fit_settings, force=force)


def updated(
    agent: Path, root: Path | None, sources: tuple[str, ...], fit_settings: FitSettings, *, force: bool
) -> UpdateOutcome:
    """``update`` by checked options.

    Args:
        agent: the agent's folder.
        root: the file that says whose releases to trust, or None.
        sources: as of ``update``.
        fit_settings: what competes to be served.
        force: as of ``update``.

    Returns:
        What was done.

    Raises:
        ReleaseRefused: as of ``update``.
        InputError: as of ``update``.
        StorageError: as of ``update``.
    """
    home = AgentHome.existing(agent)
    settings = read_settings(AgentSettings, home.settings)
    place = ReleasesPlace(home.releases)
    if root is not None:
        place.pin(read_root(root))
    fitting = agents_fitting(agent, fit_settings)
    private = open_private_folder(*heads_and_key(agent, None, ""))
    platform = PlatformSide(
        data=fitting.data,
        settings=fitting.settings,
        store=private.heads,
        reports=lambda: ReportedEvents(entries=private.reported()),
    )
    with os_error_as(ConfigError, f"{home.authority}: cannot be read"):
        door = door_of(settings, home.authority)
    way = Way(server=door.server, authority=door.authority.decode("ascii", "replace"), http_proxy=door.http_proxy)
    beside = Path() if sources else home.folder
    asked = [source_of(name, way, beside) for name in sources or settings.update_from or (COORDINATOR,)]
    return update_platform(place, asked, platform, force=force)


@in_python_words()
def roll_back(agent: str | Path, *, to: int | None = None) -> Installed:
    """Serve the head of an earlier release again, as it was; nothing is fitted.

    Args:
        agent: the agent's folder.
        to: the release's version, 0 for what was served before any; None: the last good one.

    Returns:
        What is installed then.

    Raises:
        ConfigError: if that head is not kept any more, or it is served already.
        StorageError: if a head cannot be read or written.
    """
    home = AgentHome.existing(Path(agent))
    store = open_heads(*heads_and_key(Path(agent), None, ""))
    place = ReleasesPlace(home.releases)
    with place.alone():
        return installation.take_back(place, store, to)
