"""The platform's own gate before a release: one fit with its encoder, which is what is served if the gate serves it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from client.ensemble.candidates import LOCAL
from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import Opened, Reports, open_fit, store_served
from client.gate.gate import GateVerdict
from client.recommender.served_head import RECORD
from client.releases.incoming import TakenRelease
from client.store.head_store import HeadStore
from client.transfer.feature import PREVIOUS
from shared.errors import FeatureSpaceMismatch, ReleaseRefused
from shared.system.progress import in_steps


@dataclass(frozen=True, kw_only=True)
class PlatformSide:
    """What a release is fitted on, and where what is served lies."""

    data: Path
    """the platform folder, or an SQL source's file"""
    settings: FitSettings
    store: HeadStore
    reports: Callable[[], Reports]
    """reads what callers reported while the platform served"""


def fitted(platform: PlatformSide, release: TakenRelease) -> Opened:
    """The fit with a release's encoder, done and judged; nothing is stored.

    What is served now competes, but where the release brings an earlier one back: then the gate chooses between that
    encoder and the platform's own recommender, and the release is installed either way.

    Args:
        platform: what it is fitted on.
        release: the release.

    Returns:
        The fit.

    Raises:
        ReleaseRefused: if the encoder is of another feature space, or the gate does not serve it.
        InputError: if the platform's data are wrong.
    """
    try:
        before = None if release.brings_back else platform.store
        opened = open_fit(platform.data, release.path, platform.settings, platform.reports(), before)
    except FeatureSpaceMismatch as error:
        raise ReleaseRefused(str(error), code="feature-space") from error
    in_steps(opened.fit.steps_with_baskets)
    if not release.brings_back:
        _require_served(opened.fit.verdict, is_serving=platform.store.stamp(RECORD) is not None)
    return opened


def head_writer(platform: PlatformSide, opened: Opened) -> Callable[[], None]:
    """What replaces the served head by a fit's.

    Args:
        platform: where what is served lies.
        opened: the fit, judged.
    """
    return lambda: in_steps({"storing": partial(store_served, opened, platform.store)})


def _require_served(verdict: GateVerdict, *, is_serving: bool) -> None:
    if verdict.served in (LOCAL, PREVIOUS.name):
        keeps = "its own recommender" if verdict.served == LOCAL else "the encoder that it has"
        reason = verdict.reason if is_serving else f"{verdict.reason}; nothing is served yet: graft-client fit"
        raise ReleaseRefused(f"the platform's gate keeps {keeps}: {reason}", code="gate")
