"""A command's flags, made from dataclasses of options."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from shared.errors import ConfigError
from shared.system.command_options import Given, OptionsCommand, given_on_the_command_line, with_options
from shared.system.options import check, entries, option


@dataclass(frozen=True, kw_only=True)
class Oven:
    heat: float = option(180.0, above=0, help="In degrees.")
    fan: bool = option(False, help="Whether it blows.")
    light: bool = option(True, help="Whether it shines.")
    colour: str = option(
        "red", choices=("red", "blue"), old=("color",), old_values={"azure": "blue"}, help="Of the door."
    )
    plates: int = option(2, flag="", help="Without a flag.")
    maker: str = option("", required=True, help="Who made it.")

    def __post_init__(self) -> None:
        check(self)


def app_of(command: Any) -> typer.Typer:
    app = typer.Typer()
    app.command(cls=OptionsCommand)(command)
    return app


@with_options
def bake(dish: Annotated[str, typer.Argument(help="What.")], oven: Oven, minutes: int = 5) -> None:
    typer.echo(f"{dish} {minutes} {oven} {given_on_the_command_line(entries(Oven))}")


@with_options
def note(given: Annotated[dict[str, Any], Given(Oven)]) -> None:
    typer.echo(str(given))


def test_makes_the_dataclass_from_its_flags() -> None:
    words = ["bread", "--maker", "x", "--heat", "200", "--fan", "--no-light", "--minutes", "9"]
    done = CliRunner().invoke(app_of(bake), words)
    made = Oven(maker="x", heat=200.0, fan=True, light=False)
    assert done.output == f"bread 9 {made} ['--heat', '--fan', '--light', '--maker']\n"


def test_gives_what_was_given_alone() -> None:
    assert CliRunner().invoke(app_of(note), ["--maker", "x", "--fan"]).output == "{'fan': True, 'maker': 'x'}\n"


def test_shows_help_defaults_and_choices() -> None:
    lines = CliRunner().invoke(app_of(bake), ["--help"]).output.replace("│", "")
    shown = " ".join(lines.split())  # a terminal breaks lines
    for words in ("In degrees.", "180.0", "Of the door. One of red, blue.", "--light", "--no-light", "[required]"):
        assert words in shown
    assert "--plates" not in shown
    assert "--no-fan" not in shown


def test_takes_a_former_name_with_a_note() -> None:
    done = CliRunner().invoke(app_of(bake), ["bread", "--maker=x", "--color=blue"])
    assert "colour='blue'" in done.stdout
    assert done.stderr == "note: --color is called --colour now\n"


def test_takes_a_former_name_of_a_choice_with_a_note() -> None:
    words = ["--maker=x", "--colour=azure"]
    baked, noted = CliRunner().invoke(app_of(bake), ["bread", *words]), CliRunner().invoke(app_of(note), words)
    assert "colour='blue'" in baked.stdout
    assert noted.stdout == "{'colour': 'blue', 'maker': 'x'}\n"
    assert baked.stderr == noted.stderr == "note: colour azure is called blue now\n"


def test_refuses_what_the_dataclass_refuses() -> None:
    done = CliRunner().invoke(app_of(bake), ["bread", "--maker", "x", "--heat", "0"])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == "heat must be above 0; got 0.0"


def test_wants_what_is_required() -> None:
    done = CliRunner().invoke(app_of(bake), ["bread"])
    assert done.exit_code == 2
    assert "--maker" in done.output


@pytest.mark.parametrize("flag", ["--heat", "--colour"])
def test_names_each_flag_once(flag: str) -> None:
    assert CliRunner().invoke(app_of(note), ["--help"], terminal_width=200).output.count(f"{flag} ") == 1
