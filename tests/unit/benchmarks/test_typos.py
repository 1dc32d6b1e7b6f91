"""The table of typos is about the commands of docs/deploy.md as they stand, and each kind of argument in them."""

import re

from benchmarks.typos import TYPOS, Read, commands, table


def flags(line: str) -> dict[str, str]:
    """A command's flags, each with its value; empty where it has none."""
    return dict(re.findall(r"(--[a-z-]+)(?: ([^-\s]\S*))?", line))


def kind(line: str) -> tuple[str, ...]:
    """Program and command."""
    return tuple(line.split()[:2])


def test_each_typo_is_in_its_command_and_each_command_has_one() -> None:
    lines = commands()
    assert {typo.command for typo in TYPOS} == set(range(1, len(lines) + 1))
    for typo in TYPOS:
        assert typo.right in lines[typo.command - 1], typo
        assert typo.wrong != typo.right


def test_each_flag_of_each_kind_of_command_is_typed_wrong() -> None:
    lines = commands()
    wanted = {(kind(line), flag) for line in lines for flag in flags(line)}
    wrong = {
        (kind(lines[typo.command - 1]), flag)
        for typo in TYPOS
        for flag, value in flags(lines[typo.command - 1]).items()
        if flag in typo.right or (value and value in typo.right)
    }
    # the files of public keys are three values of one flag, of which the last is typed wrong
    assert wanted - wrong == set()


def test_a_row_names_what_was_typed_and_what_came_of_it() -> None:
    page = table([Read(TYPOS[0], 2, "No such command 'wrold'.", "")])
    assert "| 1 | `wrold` for `world` | 2 | No such command 'wrold'. |" in page
