"""What ``fit`` and ``evaluate`` are asked to fit: an agent's folder answers some of their options itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.errors import ConfigError
from shared.system.command_options import given_on_the_command_line
from shared.system.options import entries

if TYPE_CHECKING:
    from client.agent.fitting import Fitting


def asked_fitting(
    folder: str, data: DataSettings, asked: FitSettings, heads: Path | None = None
) -> "tuple[Fitting, Path | None]":
    """What is fitted, and the agent's folder, None where it is a platform's; raises ConfigError."""
    from client.agent.fitting import agents_fitting, is_agent, platform_fitting

    if not is_agent(Path(folder)):
        return platform_fitting(folder, data, asked), None
    own = (one for one in entries(FitSettings) if len(one.path) == 1)
    answered = given_on_the_command_line((*entries(DataSettings), *own))
    if refused := [*answered, *(["--heads"] if heads is not None else [])]:
        raise ConfigError(f"{refused[0]} is not for an agent's folder: its settings, vault and ledger say that")
    return agents_fitting(Path(folder), asked), Path(folder)
