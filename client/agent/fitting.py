"""What is fitted, and how: of a platform folder as options say, of an agent's as its settings and ledger do."""

from dataclasses import dataclass, replace
from pathlib import Path

from client.agent.home import AgentHome, AgentSettings
from client.data.folder_options import DataSettings
from client.data.spec import parse_folder
from client.fitting.fit_settings import FitSettings
from client.guard.ledger import Ledger
from client.guard.site_policy import read_policy
from shared.system.settings_file import read_settings

CONTRIBUTIONS = ("moments-reply", "cross-reply", "train-reply")
"""answers by which a platform's users enter an encoder"""


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What is fitted, and how."""

    data: Path
    """the platform folder, or an SQL source's file"""
    settings: FitSettings


def is_agent(folder: Path) -> bool:
    """Whether an agent's folder lies there."""
    return AgentHome(folder).settings.is_file()


def agents_fitting(folder: Path, fit_settings: FitSettings) -> Fitting:
    """What is fitted of an agent's data: as it is asked, by the history that its folder tells.

    Args:
        folder: the agent's.
        fit_settings: as they were asked for.

    Returns:
        the data, and the settings with the agent's own.

    Raises:
        ConfigError: if the folder is no agent's, or its settings or data line are wrong.
    """
    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    private = read_policy(settings.node(home).policy).is_private
    agent_fit_settings = replace(fit_settings, took_part=has_contributed(home), drawn_by_id=private)
    return platform_fitting(settings.data, settings, agent_fit_settings)


def platform_fitting(line: str, data: DataSettings, fit_settings: FitSettings) -> Fitting:
    """What is fitted of a platform folder: as it is asked.

    Args:
        line: the platform, ``DIR[,option=value...]``.
        data: settings for options that the line does not name, the feature space and the seed.
        fit_settings: as they were asked for.

    Returns:
        the data, and the settings with the line's own.

    Raises:
        ConfigError: if the line is wrong.
    """
    spec = parse_folder(line)
    preparation = spec.preparation(data)
    settings = replace(
        fit_settings, preparation=preparation, features=data.features, seed=data.seed, device=data.device
    )
    return Fitting(data=spec.path, settings=settings)


def has_contributed(home: AgentHome) -> bool:
    """Whether the ledger has an answer by which users of this platform entered an encoder; or cannot tell."""
    if not home.ledger.exists():
        return False
    lines, unreadable = Ledger(home.ledger).lines()
    return bool(unreadable) or any(line.kind in CONTRIBUTIONS for line in lines)
