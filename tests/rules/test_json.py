"""Every command answers programs, too: with ``--json``, as one document on stdout."""

import click
import pytest

from tests.unit.test_help import CASES

SERVERS = {"graft-client serve", "graft-client start", "graft-server start", "graft-server dashboard"}
"""Commands that run until told to stop: ``serve`` and ``dashboard`` say where they listen, ``start`` writes a log, of
objects with ``--log-format json``."""
COMMANDS = {" ".join((name, *words)): command for name, words, command in CASES}


def takes_json(command: click.Command) -> bool:
    return any("--json" in option.opts for option in command.params)


def test_finds_the_commands_of_all_three_programs() -> None:
    assert {"graft-client check", "graft-client vault rotate", "graft-server run", "graft-sim world"} <= set(COMMANDS)
    assert set(COMMANDS) > SERVERS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_takes_json_where_it_ends_by_itself(name: str) -> None:
    assert takes_json(COMMANDS[name]) == (name not in SERVERS)


def test_sees_a_command_without_it() -> None:
    assert not takes_json(click.Command("shown", params=[click.Option(["--jsonl"]), click.Argument(["json"])]))
