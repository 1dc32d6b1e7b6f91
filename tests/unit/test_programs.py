"""The three programs alike: versions, completion for shells, one style of help."""

import re
from importlib.metadata import version

import click
import pytest
import typer
from typer.testing import CliRunner

from tests.unit.test_help import APPS, CASES

PROGRAMS = pytest.mark.parametrize(("name", "app"), APPS.items(), ids=APPS)
A_WORD_OF_EACH = {"graft-client": ("pre", {"pretrain", "preflight"}), "graft-server": ("enr", {"enroll"})}
A_WORD_OF_EACH |= {"graft-sim": ("wor", {"world"})}


@PROGRAMS
def test_says_its_versions_in_one_line(name: str, app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.output == f"{name} {version('graft')} (flwr {version('flwr')}, torch {version('torch')})\n"


@PROGRAMS
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shows_the_completion_for_a_shell(
    monkeypatch: pytest.MonkeyPatch, name: str, app: typer.Typer, shell: str
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = CliRunner().invoke(app, ["--show-completion", shell], prog_name=name)
    assert done.exit_code == 0
    assert f"_{name.replace('-', '_').upper()}_COMPLETE" in done.output


@PROGRAMS
def test_completes_a_word(name: str, app: typer.Typer) -> None:
    start, words = A_WORD_OF_EACH[name]
    asked = {
        f"_{name.replace('-', '_').upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": f"{name} {start}",
        "COMP_CWORD": "1",
    }
    assert set(CliRunner().invoke(app, [], prog_name=name, env=asked).output.split()) == words


@pytest.mark.parametrize(
    ("name", "words", "meant"),
    [
        ("graft-client", ("fitt",), "fit"),
        ("graft-client", ("import", "csvv"), "csv"),
        ("graft-client", ("token", "ad"), "add"),
        ("graft-server", ("enrol",), "enroll"),
        ("graft-sim", ("wrold",), "world"),
    ],
)
def test_a_mistyped_command_is_corrected_once(name: str, words: tuple[str, ...], meant: str) -> None:
    done = CliRunner().invoke(APPS[name], words, terminal_width=200)
    assert done.exit_code == 2
    assert done.output.count("Did you mean") == 1
    assert f"'{meant}'" in done.output


@PROGRAMS
def test_offers_to_install_the_completion(name: str, app: typer.Typer) -> None:
    assert "--install-completion" in CliRunner().invoke(app, ["--help"], terminal_width=200).output


@pytest.mark.parametrize(("name", "words"), [case[:2] for case in CASES], ids=[" ".join((c[0], *c[1])) for c in CASES])
def test_help_has_no_backslash_and_stands_in_boxes(name: str, words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(APPS[name], [*words, "--help"], terminal_width=200).output
    assert re.findall(r"\S*\\\S*", shown) == []
    assert "╭─ Options" in shown


def _says_no_default(option: click.Parameter) -> bool:
    """Of an option that takes a value and may be left out: whether nobody learns what holds without it."""
    if not isinstance(option, click.Option) or option.is_flag or option.required or option.multiple:
        return False
    shown = option.default not in (None, "") and option.show_default is not False
    return not shown and not re.search(r"\b[Dd]efault: |\b[Ww]ithout\b", option.help or "")


@pytest.mark.parametrize(
    ("words", "command"), [(" ".join((c[0], *c[1])), c[2]) for c in CASES], ids=[" ".join((c[0], *c[1])) for c in CASES]
)
def test_each_option_says_what_it_takes_and_what_holds_without_it(words: str, command: click.Command) -> None:
    assert [option.name for option in command.params if _says_no_default(option)] == []
    kinds = [(option.name, option.make_metavar(click.Context(command))) for option in command.params]
    assert [name for name, kind in kinds if kind == "PATH" and name not in ("also", "csv")] == []
    assert [option.name for option in command.params if option.secondary_opts and option.default is False] == []
