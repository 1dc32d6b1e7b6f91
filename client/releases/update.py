"""An update: the newest release is fetched, checked in the documented order, judged by a fit, and installed.

Each check has its own reason. Whatever fails leaves what is served as it was; what the platform's own gate refused is
not tried again by itself.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.gate.gate import GateVerdict
from client.recommender.served_head import RECORD
from client.releases.fetcher import ReleaseFetcher
from client.releases.gate import PlatformSide, fitted, head_writer
from client.releases.incoming import TakenRelease, taken_in
from client.releases.installation import install, settled
from client.releases.installed import Begun, Installed, named, read_installed, write_installed
from client.releases.pace import USUAL, Pace
from client.releases.place import ReleasesPlace
from client.releases.source import Source
from client.releases.trusted import TrustedView, first_trusted
from shared.errors import InputError, ReleaseRefused
from shared.releases.targets import releases_in
from shared.system.progress import working

Done = Literal["installed", "current", "refused before", "none published"]


@dataclass(frozen=True, kw_only=True)
class UpdateOutcome:
    """What an update came to, where nothing was wrong."""

    version: int
    """the newest release"""
    done: Done
    reason: str
    verdict: GateVerdict | None = None
    """where there was a fit"""

    @property
    def sentence(self) -> str:
        """For people."""
        if self.done == "refused before":
            return f"{named(self.version)} stays refused: {self.reason}; --force tries it again"
        return self.reason

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        verdict = None if self.verdict is None else self.verdict.to_json()
        return {"version": self.version, "done": self.done, "reason": self.reason, "verdict": verdict}


def update_platform(
    place: ReleasesPlace, sources: Sequence[Source], platform: PlatformSide, *, force: bool = False, pace: Pace = USUAL
) -> UpdateOutcome:
    """Take the newest release into service, if it can be trusted and the platform's gate serves it.

    Args:
        place: where the platform keeps releases; a root is pinned there.
        sources: where releases come from, in the order in which they are asked.
        platform: what a release is fitted on, and where what is served lies.
        force: try a release again that was refused here, or fit the installed one anew.
        pace: how slowly a source may send.

    Returns:
        What was done.

    Raises:
        ReleaseRefused: if no source can be trusted, or the release is refused; what was served is still served.
        InputError: if another update is under way, or the platform's data are wrong.
        StorageError: if the heads cannot be read or written.
    """
    root = place.root()
    with place.alone():
        installed = settled(place, platform.store)
        try:
            with working("looking for a release"):
                view = first_trusted(place, root, sources, ReleaseFetcher(sources, place.parts, pace))
            outcome = _updated(place, view, platform, installed, force=force)
        except InputError as error:
            write_installed(place.installed, read_installed(place.installed).with_look(str(error)))
            raise
        write_installed(place.installed, read_installed(place.installed).with_look(outcome.sentence))
        return outcome


def _updated(
    place: ReleasesPlace, view: TrustedView, platform: PlatformSide, installed: Installed, *, force: bool
) -> UpdateOutcome:
    releases = releases_in(view.targets)
    version = max(releases, default=0)
    if version < installed.newest:
        seen, offered = named(installed.newest), named(version) if releases else "none"
        raise ReleaseRefused(
            f"{view.sources[0].name}: expected {seen}, which was installed here, or a later one; found {offered}",
            code="versions",
        )
    if not releases:
        return UpdateOutcome(version=0, done="none published", reason="no release is published yet")
    if not force and version == installed.current and platform.store.stamp(RECORD) is not None:
        return UpdateOutcome(version=version, done="current", reason=f"{named(version)} is the newest, and installed")
    if not force and version in installed.refused:
        return UpdateOutcome(version=version, done="refused before", reason=installed.refused[version])
    taken = taken_in(place, view, version, platform.settings.features)
    return _judged(place, version, taken, platform)


def _judged(place: ReleasesPlace, version: int, taken: TakenRelease, platform: PlatformSide) -> UpdateOutcome:
    """The fit, and the installation if the gate serves the release; else it is remembered, and its files go."""
    try:
        opened = fitted(platform, taken)
    except ReleaseRefused as refusal:
        write_installed(place.installed, read_installed(place.installed).with_refused(version, str(refusal)))
        shutil.rmtree(place.arriving, ignore_errors=True)
        raise
    begun = Begun(version=version, digest=taken.encoder.digest)
    install(place, platform.store, begun, head_writer(platform, opened))
    shutil.rmtree(place.parts, ignore_errors=True)
    verdict = opened.fit.verdict
    reason = f"{named(version)} is installed; {verdict.reason}"
    return UpdateOutcome(version=version, done="installed", reason=reason, verdict=verdict)
