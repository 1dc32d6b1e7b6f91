"""What is made of options and committed: Flower's static run config in pyproject.toml, and the tables in docs.

``python -m simulations.config.generated --write`` makes them anew, ``--check`` compares (as ``make check`` does).
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomli_w

from client.agent.home import AgentSettings
from client.data.folder_options import FolderOptions
from client.data.sql.database import SqlSource
from client.fitting.fit_settings import FitSettings
from client.guard.site_policy import SitePolicy
from client.serving.serve_settings import Listening
from server.coordinator.home import ServerSettings
from server.dashboard.dashboard_settings import DashboardSettings
from shared.errors import ConfigError
from shared.federation.bundle import static_run_config
from shared.federation.config import RoundsConfig
from shared.system.command_options import run_command
from shared.system.options import Entry, entries, old_choices, old_names
from simulations.config.population_config import PopulationConfig
from simulations.config.run_config import RunConfig


def option_table(kind: type[Any], *, deep: bool = True) -> str:
    """A row for each option: key, default, bounds, help.

    Args:
        kind: a dataclass of options.
        deep: whether options of its groups are in it too; False: those alone that the dataclass itself has.

    Returns:
        The table in Markdown.
    """
    rows = [_row(entry) for entry in entries(kind) if deep or len(entry.path) == 1]
    return "\n".join(["| key | default | bounds | what it is |", "| -- | -- | -- | -- |", *rows])


def former_names_table(kind: type[Any]) -> str:
    """A row for each former name of an option, and of a choice behind its option."""
    choices = (
        (f"{key} {old}", f"{key} {new}") for key, names in old_choices(kind).items() for old, new in names.items()
    )
    rows = (f"| `{before}` | `{now}` |" for before, now in (*old_names(kind).items(), *choices))
    return "\n".join(["| before | now |", "| -- | -- |", *rows])


def _row(entry: Entry) -> str:
    option = entry.option
    see = f" ([why]({option.see}))" if option.see else ""
    cells = (f"`{entry.key}`", entry.shown, option.bounds or option.metavar or "", option.help + see)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


ROOT = Path(__file__).parents[2]
COMMAND = "python -m simulations.config.generated --write"
_RUN_CONFIG = re.compile(r"(?<=\[tool\.flwr\.app\.config\]\n).*?(?=\n\[)", re.DOTALL)
_PAGES = {
    "devices-simulation.md": {"population": option_table(PopulationConfig)},
    "run-values.md": {"run": option_table(RoundsConfig)},
    "settings.md": {
        "agent": option_table(AgentSettings),
        "policy": option_table(SitePolicy),
        "coordinator": option_table(ServerSettings),
        "dashboard": option_table(DashboardSettings),
        "service": option_table(Listening),
        "fit": option_table(FitSettings),
        "platform": option_table(FolderOptions),
        "database": option_table(SqlSource),
        "simulation": option_table(RunConfig, deep=False),
        "former names": former_names_table(RoundsConfig),
    },
}
"""Page to its tables by the name in their marks."""


def generated_files(root: Path) -> dict[Path, str]:
    """File to the text that it should hold; raises ConfigError where a file lacks the place for it."""
    project = root / "pyproject.toml"
    run_config = f"# {COMMAND}\n{tomli_w.dumps(static_run_config())}"
    pages = {root / "docs" / name: tables for name, tables in _PAGES.items()}
    return {
        project: _replaced(project, _RUN_CONFIG, run_config),
        **{page: _formatted(root, _with_tables(page, tables)) for page, tables in pages.items()},
    }


def different(root: Path) -> list[Path]:
    """The files that are not as they should be."""
    return [path for path, text in generated_files(root).items() if path.read_text("utf-8") != text]


def _with_tables(path: Path, tables: dict[str, str]) -> str:
    """The page with each table between its two marks."""
    text = path.read_text("utf-8")
    for name, table in tables.items():
        marks = f"<!-- {name}: {COMMAND} -->", "<!-- end -->"
        between = re.compile(f"(?<={re.escape(marks[0])}\n).*?(?=\n{marks[1]})", re.DOTALL)
        text = _replaced(path, between, f"\n{table}\n", text)
    return text


def _formatted(root: Path, text: str) -> str:
    """The page as mdformat writes it, by the settings of the repository."""
    command = [sys.executable, "-m", "mdformat", "-"]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=True, cwd=root).stdout


def _replaced(path: Path, place: re.Pattern[str], new: str, text: str | None = None) -> str:
    replaced, times = place.subn(lambda _: new, path.read_text("utf-8") if text is None else text, count=1)
    if times != 1:
        raise ConfigError(f"{path}: expected one place of {place.pattern}; found {times}")
    return replaced


def _main() -> None:
    if sys.argv[1:] == ["--write"]:
        for path, text in generated_files(ROOT).items():
            path.write_text(text, "utf-8")
    elif sys.argv[1:] == ["--check"]:
        if wrong := different(ROOT):
            raise ConfigError(f"{', '.join(map(str, wrong))}: not as the options say; run {COMMAND}")
    else:
        raise ConfigError("expected --write or --check")


if __name__ == "__main__":
    run_command("generated", _main)
