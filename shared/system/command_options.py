"""A command: its flags from the dataclasses of options that its parameters name, and how it ends.

Bad input ends as one sentence on stderr and exit code 2, never as a traceback.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import typer
from typer.core import TyperCommand
from typing_extensions import override

from shared.errors import GraftError
from shared.system.options import Entry, entries, from_flat, old_names

Command = Callable[..., Any]


@dataclass(frozen=True)
class Given:
    """Of a parameter ``Annotated[dict[str, Any], Given(KIND)]``: the options of KIND that were given, by key."""

    kind: type[Any]
    deployed: bool = True
    """whether those too that matter only where platforms are machines of their own"""


class OptionsCommand(TyperCommand):
    """A command that still takes former names of its flags, with a note."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.of_today(ctx, args))

    def of_today(self, _ctx: click.Context, args: Sequence[str]) -> list[str]:
        """The words of a command line as they are written today."""
        names = getattr(self.callback, "old_flags", {})
        return [_of_today(word, names) for word in args]


def say(sentence: str) -> None:
    """A note for the person at the terminal, beside what the command answers."""
    sys.stderr.write(f"note: {sentence}\n")


def with_options(command: Command) -> Command:
    """The command, with a flag for each option of a parameter that is a dataclass of options, or ``Given`` of one.

    Raises ConfigError, when it is called, for a value that an option cannot have.
    """
    hints = get_type_hints(command, include_extras=True)
    taken = {name: one for name, hint in hints.items() if (one := _Taken.of(hint)) is not None}

    @wraps(command)
    def called(**values: Any) -> Any:
        return command(**{name: one.taken_out_of(values) for name, one in taken.items()}, **values)

    parameters: list[inspect.Parameter] = []
    for name, plain in inspect.signature(command).parameters.items():
        one = taken.get(name)
        kept = plain.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        parameters += [kept] if one is None else one.parameters()
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    called.old_flags = dict(pair for one in taken.values() for pair in one.old_flags())  # type: ignore[attr-defined]
    return called


def given_on_the_command_line(options: Iterable[Entry]) -> list[str]:
    """The flags of these options with which the command was called that runs now."""
    source = click.get_current_context().get_parameter_source
    return [_flag(one) for one in options if source(_parameter(one)) is click.core.ParameterSource.COMMANDLINE]


@dataclass(frozen=True)
class _Taken:
    """A parameter of a command that stands for several flags."""

    kind: type[Any]
    flags: dict[str, Entry]
    """by the name of the parameter that each becomes"""
    whole: bool
    """whether the command gets the dataclass; else what was given, by key"""

    @classmethod
    def of(cls, hint: Any) -> "_Taken | None":
        given: Any = get_args(hint)[1] if get_origin(hint) is Annotated else None
        whole = isinstance(hint, type) and is_dataclass(hint)
        if not whole and not isinstance(given, Given):
            return None
        kind, deployed = (hint, True) if whole else (given.kind, given.deployed)
        flags = [one for one in entries(kind) if one.option.flag and (deployed or not one.option.deployed)]
        return cls(kind, {_parameter(one): one for one in flags}, whole)

    def taken_out_of(self, values: dict[str, Any]) -> Any:
        """What the command gets, for which its flags leave ``values``."""
        found = {one.key: values.pop(parameter) for parameter, one in self.flags.items()}
        given = {key: value for key, value in found.items() if value is not None}
        return from_flat(self.kind, given) if self.whole else given

    def parameters(self) -> Iterator[inspect.Parameter]:
        """One for each flag; where the command gets what was given, one that was not is None."""
        for name, one in self.flags.items():
            default = inspect.Parameter.empty if one.option.required else one.usual if self.whole else None
            hint = _annotation(one, whole=self.whole)
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)

    def old_flags(self) -> Iterator[tuple[str, str]]:
        """Former flag and that of today."""
        of_today = {one.key: _flag(one) for one in self.flags.values()}
        for old, key in old_names(self.kind).items():
            if key in of_today:
                yield f"--{old}", of_today[key]


def _annotation(one: Entry, *, whole: bool) -> Any:
    said = one.option
    kind: Any = type(one.default) if said.read is None else str
    names = [_flag(one)]
    if said.repeated:
        kind = list[str]
    elif kind is bool and one.default:
        names = [f"{_flag(one)}/--no-{_flag(one).removeprefix('--')}"]
    flag = typer.Option(
        *names, help=_help(one, whole=whole), metavar=said.metavar, rich_help_panel=said.panel, show_default=whole
    )
    return Annotated[kind if whole else kind | None, flag]


def _help(one: Entry, *, whole: bool) -> str:
    """With the choices and, where the parser does not know it, the default."""
    said, usual = one.option, one.shown
    named = all(choice in said.help for choice in said.choices)
    words = [said.help, "" if named else f"One of {said.bounds}.", f"Default: {usual}." if usual and not whole else ""]
    return " ".join(filter(None, words))


def _flag(one: Entry) -> str:
    return f"--{one.key}" if one.option.flag == "--" else one.option.flag


def _parameter(one: Entry) -> str:
    return one.key.replace("-", "_")


def _of_today(word: str, names: dict[str, str]) -> str:
    flag, equals, value = word.partition("=")
    if flag not in names:
        return word
    say(f"{flag} is called {names[flag]} now")
    return names[flag] + equals + value


USAGE_ERROR = 2
INTERRUPTED = 130


def run_command(program: str, command: Callable[[], None]) -> None:
    """Run a command of ``program``; an error raised on purpose ends as one sentence, Ctrl-C as another."""
    try:
        command()
    except GraftError as error:
        typer.echo(f"{program}: {error}", err=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        typer.echo(f"{program}: interrupted, nothing half-written was left", err=True)
        sys.exit(INTERRUPTED)
