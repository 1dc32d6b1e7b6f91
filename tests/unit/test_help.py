"""Every command says what its arguments are for."""

from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

import client.cli.main
import server.cli.main
import simulations.cli.main

APPS = {"graft-sim": simulations.cli.main.app, "graft-client": client.cli.main.app, "graft-server": server.cli.main.app}


def commands(app: typer.Typer) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """(words, command) of every command, those of groups within groups too."""
    waiting: list[tuple[tuple[str, ...], click.Command]] = [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [((*words, name), one) for name, one in command.commands.items()]
        else:
            yield words, command


CASES = [(name, *found) for name, app in APPS.items() for found in commands(app)]


def test_there_are_arguments_to_look_at() -> None:
    arguments = [one for *_, command in CASES for one in command.params if isinstance(one, click.Argument)]
    assert len(arguments) >= 10


@pytest.mark.parametrize(
    ("name", "words", "command"), CASES, ids=[" ".join((name, *words)) for name, words, _ in CASES]
)
def test_help_shows_what_every_argument_and_option_is_for(
    name: str, words: tuple[str, ...], command: click.Command
) -> None:
    shown = CliRunner().invoke(APPS[name], [*words, "--help"], terminal_width=1000).output
    # a terminal breaks lines, also within long words
    flat = "".join(shown.replace("│", "").split())
    missing = [one.name for one in command.params if not one.help or "".join(one.help.split()) not in flat]
    assert missing == []
