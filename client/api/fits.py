"""What a platform would gain by an encoder, what it serves with it, and how good that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.agent.fitting import Fitting, agents_fitting, is_agent, platform_fitting
from client.agent.private_part import heads_and_key
from client.api.options import flat_options, settings_of
from client.api.python_words import in_python_words
from client.data.folder_options import DataSettings
from client.fitting.adaptation import Looked, adapt_recommender
from client.fitting.fit_settings import FitSettings
from client.fitting.platform_fit import PlatformFit
from client.fitting.refresh import Refreshed, refresh_recommender
from client.fitting.refresh_option import Refreshing
from client.fitting.served_evaluation import ServedEvaluation, assess_fit, evaluate_fit
from client.fitting.served_fit import fit_recommender, open_fit
from client.gate.assessment import Assessment
from client.gate.gate import GateVerdict
from client.serving.private_folder import PrivateFolder, open_private_folder
from client.serving.reported_events import ReportedEvents
from shared.errors import ConfigError
from shared.system.options import Entry, entries, from_flat


@in_python_words()
def assess(
    platform: str | Path,
    encoder: str | Path,
    *,
    heads: str | Path | None = None,
    vault_key: str = "",
    **options: Any,
) -> Assessment:
    """What ``fit`` would serve with an encoder, and whether joining is worth it; nothing is stored or sent.

    Args:
        platform: a platform folder or an SQL source's file, ``DIR[,option=value...]``; or an agent's folder.
        encoder: the encoder file that was received.
        heads: the folder of the platform's heads, whose served encoder then competes; not for an agent's folder.
        vault_key: what opens that folder, ``KIND:WHERE``; empty: plain files.
        options: those of ``graft-client fit``: ``seed``, ``features``, ``methods``, ``own``, ``took_part``, ...

    Returns:
        Both answers, with the figures that they rest on; ``lines()`` has them in words.

    Raises:
        InputError: if an option, the encoder or the platform's data are wrong.
    """
    return assess_fit(_asked(platform, encoder, heads, vault_key, options).opened())


@in_python_words()
def evaluate(
    platform: str | Path,
    encoder: str | Path | None = None,
    *,
    heads: str | Path | None = None,
    vault_key: str = "",
    **options: Any,
) -> ServedEvaluation:
    """How good what ``fit`` would serve is: each user's last event ranked among all items by each method.

    Args: as of ``assess``; without an encoder the platform's own recommender alone is fitted.

    Returns:
        The figures of each method; ``to_frame()`` has them as a table.

    Raises:
        InputError: if an option, the encoder or the platform's data are wrong.
    """
    return evaluate_fit(_asked(platform, encoder, heads, vault_key, options).opened())


@in_python_words()
def fit(
    platform: str | Path,
    encoder: str | Path | None = None,
    *,
    heads: str | Path | None = None,
    vault_key: str = "",
    since: Any = None,
    **options: Any,
) -> GateVerdict | Refreshed:
    """Fit a recommender, with a received encoder if any, let the gate decide, and store what is served.

    Args: as of ``evaluate``; ``heads`` is needed where ``platform`` is no agent's folder. ``since`` is a moment, as a
        text, a datetime or seconds since 1970, or ``last``: what is served is refreshed by events from then on.

    Returns:
        What is served and why; with ``since``, what was taken in.

    Raises:
        InputError: if an option, the encoder or the platform's data are wrong, or nobody says where heads are.
        StorageError: if the heads cannot be written; what was served before is still served.
    """
    asked = _asked(platform, encoder, heads, vault_key, options)
    given = {} if since is None else {"since": since}
    return asked.stored(asked.private_folder(), from_flat(Refreshing, given))


@in_python_words()
def adapt(
    platform: str | Path,
    *,
    heads: str | Path | None = None,
    vault_key: str = "",
    at_once: bool = False,
    **options: Any,
) -> Looked:
    """Look for drift in what callers reported since the last look, and refit the head where there is some.

    Args: as of ``fit``. ``at_once`` serves a refitted head without a trial on live lists.

    Returns:
        How far it has come, and why.

    Raises:
        InputError: if an option or the platform's data are wrong, or nobody says where heads are.
        StorageError: if the heads cannot be read or written.
    """
    asked = _asked(platform, None, heads, vault_key, options)
    return asked.adapted(asked.private_folder(), at_once=at_once)


def _asked(
    platform: str | Path, encoder: str | Path | None, heads: str | Path | None, vault_key: str, options: dict[str, Any]
) -> "AskedFit":
    flat = flat_options(options, DataSettings, FitSettings)
    keys = {entry.key for entry in told_by_an_agent()}
    own = [name for name in options if name.replace("_", "-") in keys]
    return ask_fit(
        str(platform),
        None if encoder is None else Path(encoder),
        settings_of(DataSettings, flat),
        settings_of(FitSettings, flat),
        heads=None if heads is None else Path(heads),
        vault_key=vault_key,
        given=[*own, *(["heads"] if heads is not None else [])],
    )


@dataclass(frozen=True, kw_only=True)
class AskedFit:
    """A fit that was asked for, nothing read yet."""

    fitting: Fitting
    """the data, and how they are fitted on"""
    encoder: Path | None
    """the file of the received encoder; None: the platform's own recommender alone"""
    agent: Path | None
    """the agent's folder; None where a platform is named"""
    heads: Path | None
    """the folder of heads, where no agent's is"""
    vault_key: str
    """what opens it; empty: plain files"""

    def private_folder(self) -> PrivateFolder:
        """Where the platform's heads and its callers' reports are; raises ConfigError where nobody says."""
        return open_private_folder(*heads_and_key(self.agent, self.heads, self.vault_key))

    def adapted(self, private: PrivateFolder, *, at_once: bool) -> Looked:
        """Look for drift, and refit the head where there is some.

        Args:
            private: where the heads and what callers reported lie.
            at_once: whether a refitted head is served without a trial on live lists.

        Returns:
            How far it has come.

        Raises:
            InputError: if the input is bad.
            StorageError: if the heads cannot be read or written.
        """
        return adapt_recommender(
            self.fitting.data, private.heads, self.fitting.settings, _reports(private), at_once=at_once
        )

    def opened(self) -> PlatformFit:
        """The fit, begun and not stored: what is served now competes where heads are named. Raises InputError."""
        if self.agent is None and self.heads is None:
            return open_fit(self.fitting.data, self.encoder, self.fitting.settings).fit
        private = self.private_folder()
        return open_fit(self.fitting.data, self.encoder, self.fitting.settings, _reports(private), private.heads).fit

    def stored(self, private: PrivateFolder, refreshing: Refreshing) -> GateVerdict | Refreshed:
        """Fit, or refresh what is served, and store what is served then.

        Args:
            private: where the heads and what callers reported lie.
            refreshing: whether to refresh, and since when.

        Returns:
            The gate's verdict; what was taken in, where what is served was refreshed.

        Raises:
            InputError: if the input is bad, or what is served cannot be refreshed by it.
            StorageError: if the heads cannot be read or written.
        """
        data, settings, reports = self.fitting.data, self.fitting.settings, _reports(private)
        if refreshing.since is None:
            return fit_recommender(data, self.encoder, private.heads, settings, reports)
        if self.encoder is not None:
            raise ConfigError("since refreshes what is served, with its encoder: it cannot stand beside encoder")
        return refresh_recommender(data, private.heads, settings, refreshing.since, reports)


def _reports(private: PrivateFolder) -> ReportedEvents:
    """What callers reported, which is fitted on too."""
    return ReportedEvents(entries=private.reported())


def told_by_an_agent() -> list[Entry]:
    """The options that an agent's settings and ledger answer, so that nobody else may."""
    return [*entries(DataSettings), *(entry for entry in entries(FitSettings) if len(entry.path) == 1)]


def ask_fit(
    platform: str,
    encoder: Path | None,
    data: DataSettings,
    asked: FitSettings,
    *,
    heads: Path | None = None,
    vault_key: str = "",
    given: Sequence[str] = (),
) -> AskedFit:
    """A fit by checked options.

    Args:
        platform: as of ``assess``.
        encoder: the file of the received encoder, or None.
        data: how the platform's data are prepared; an agent's folder says that itself.
        asked: what competes to be served.
        heads: the folder of heads, where no agent's is.
        vault_key: what opens it; empty: plain files.
        given: names of what the caller said that an agent's folder says itself, as the caller wrote them.

    Raises:
        ConfigError: if there is no platform, or something is said twice.
    """
    folder = Path(platform)
    if is_agent(folder):
        if given:
            raise ConfigError(f"{given[0]} is not for an agent's folder: its settings, vault and ledger say that")
        fitting = agents_fitting(folder, asked)
        return AskedFit(fitting=fitting, encoder=encoder, agent=folder, heads=heads, vault_key=vault_key)
    fitting = platform_fitting(platform, data, asked)
    if not fitting.data.exists():
        raise ConfigError(f"{fitting.data}: expected a platform folder, found nothing, nor an agent's folder")
    return AskedFit(fitting=fitting, encoder=encoder, agent=None, heads=heads, vault_key=vault_key)
