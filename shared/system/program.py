"""A program of several commands: one style of help, ``--version``, and completion for shells."""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Annotated, Any

import click
import typer
from typer.core import TyperGroup
from typing_extensions import override

from shared.system.command_options import OptionsCommand

_BESIDE = ("flwr", "torch")
"""Packages whose versions stand beside Graft's: what an encoder and a round hang on."""


class CommandGroup(TyperGroup):
    """Commands under a word; one that is mistyped is corrected once, where both typer and click would."""

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if "Did you mean" in error.message:
                raise click.UsageError(error.message, ctx) from None
            raise


def program(name: str, about: str) -> typer.Typer:
    """A program without commands yet.

    Args:
        name: as it is typed.
        about: what it is for, as its help begins.

    Returns:
        The program. It takes ``--version``, ``--install-completion`` and ``--show-completion``.
    """
    app = typer.Typer(name=name, cls=CommandGroup, no_args_is_help=True, pretty_exceptions_enable=False)

    def say_version(asked: bool) -> None:
        if asked:
            typer.echo(version_line(name))
            raise typer.Exit

    @app.callback(help=about)
    def options(
        show_version: Annotated[
            bool,
            typer.Option(
                "--version", is_eager=True, callback=say_version, help="Print the versions of Graft, Flower and torch."
            ),
        ] = False,
    ) -> None:
        """Take the options of the program itself."""

    return app


def add_group(
    app: typer.Typer,
    name: str,
    about: str,
    commands: Iterable[tuple[str, Callable[..., Any]]],
    kind: type[OptionsCommand] = OptionsCommand,
) -> None:
    """Add a word with commands of its own under it.

    Args:
        app: the program.
        name: the word.
        about: what the commands are for, as the word's help.
        commands: ``(name, function)`` each.
        kind: how the commands read their words.
    """
    group = typer.Typer(cls=CommandGroup, help=about, no_args_is_help=True)
    add_commands(group, commands, kind)
    app.add_typer(group, name=name)


def add_commands(
    app: typer.Typer,
    commands: Iterable[tuple[str, Callable[..., Any]]],
    kind: type[OptionsCommand] = OptionsCommand,
) -> None:
    """Add commands.

    Args:
        app: the program, or a word of it.
        commands: ``(name, function)`` each.
        kind: how the commands read their words.
    """
    for name, function in commands:
        app.command(name, cls=kind)(function)


def version_line(name: str) -> str:
    """Such as ``graft-sim 0.1.0 (flwr 1.42.0, torch 2.13.0)``; nothing is imported for it."""
    return f"{name} {version('graft')} ({', '.join(f'{package} {version(package)}' for package in _BESIDE)})"
