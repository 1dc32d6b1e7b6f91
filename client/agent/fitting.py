"""What is fitted, and how: of a platform folder as options say, of an agent's as its settings and ledger do."""

from dataclasses import dataclass, replace
from pathlib import Path

from client.agent.home import AgentHome
from client.agent.settings import AgentSettings
from client.data.spec import parse_folder
from client.fitting.contenders import Contenders
from client.fitting.fit_settings import FitSettings
from client.guard.ledger import Ledger
from client.transfer.model import TuningSettings
from shared.federation.config import adapter_rank
from shared.system.settings_file import read_settings

CONTRIBUTIONS = ("moments-reply", "train-reply")
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


def agents_fitting(folder: Path) -> Fitting:
    """By the agent's settings; raises ConfigError where they make no sense."""
    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    return platform_fitting(
        settings.data,
        settings.features,
        settings.seed,
        settings.min_user_events,
        settings.min_item_events,
        took_part=has_contributed(home),
    )


def platform_fitting(
    line: str, features: str, seed: int, min_user_events: int, min_item_events: int, *, took_part: bool
) -> Fitting:
    """Of the platform ``DIR[,option=value...]``; raises ConfigError."""
    spec = parse_folder(line)
    preparation = spec.preparation(min_user_events, min_item_events)
    settings = FitSettings(preparation=preparation, features=features, seed=seed, took_part=took_part)
    return Fitting(data=spec.path, settings=settings)


def with_contenders(
    fitting: Fitting,
    *,
    own: bool,
    methods: str,
    teacher: str,
    alignment: str,
    adapters: str,
    moments_weight: float,
) -> Fitting:
    """The same with what may compete to be served, ``methods`` with commas between; raises ConfigError."""
    contenders = Contenders(
        own=own,
        methods=tuple(dict.fromkeys(name.strip() for name in methods.split(",") if name.strip())),
        teacher=teacher,
        alignment=alignment,
        tuning=TuningSettings(rank=adapter_rank(adapters), moments_weight=moments_weight),
    )
    return replace(fitting, settings=replace(fitting.settings, contenders=contenders))


def has_contributed(home: AgentHome) -> bool:
    """Whether the ledger has an answer by which users of this platform entered an encoder; or cannot tell."""
    if not home.ledger.exists():
        return False
    lines, unreadable = Ledger(home.ledger).lines()
    return bool(unreadable) or any(line.kind in CONTRIBUTIONS for line in lines)
