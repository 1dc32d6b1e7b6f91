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
from shared.system.options import Entry, entries, from_flat, old_names, renamed

Command = Callable[..., Any]


@dataclass(frozen=True)
class Given:
    """Of a parameter ``Annotated[dict[str, Any], Given(KIND)]``: the options of KIND that were given, by key."""

    kind: type[Any]
    deployed: bool = True
    """whether those too that matter only where platforms are machines of their own"""


class OptionsCommand(TyperCommand):
    """A command that still takes former names of its flags and choices, with a note."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.of_today(ctx, args))

    def of_today(self, _ctx: click.Context, args: Sequence[str]) -> list[str]:
        """The words of a command line as they are written today.

        Args:
            _ctx: not used here; a subclass may need it.
            args: words of the command line, behind the command's name.

        Returns:
            The same words, each former flag as today's; stderr gets a note for each.
        """
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
    taken = {name: group for name, hint in hints.items() if (group := _Taken.of(hint)) is not None}

    @wraps(command)
    def called(**values: Any) -> Any:
        return command(**{name: group.taken_out_of(values) for name, group in taken.items()}, **values)

    parameters: list[inspect.Parameter] = []
    for name, plain in inspect.signature(command).parameters.items():
        group = taken.get(name)
        parameter = plain.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        parameters += [parameter] if group is None else group.parameters()
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.old_flags = dict(pair for group in taken.values() for pair in group.old_flags())  # type: ignore[attr-defined]
    return called


def given_on_the_command_line(options: Iterable[Entry]) -> list[str]:
    """The flags of these options with which the command was called that runs now."""
    source = click.get_current_context().get_parameter_source
    return [_flag(entry) for entry in options if source(_parameter(entry)) is click.core.ParameterSource.COMMANDLINE]


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
        annotation: Any = get_args(hint)[1] if get_origin(hint) is Annotated else None
        whole = isinstance(hint, type) and is_dataclass(hint)
        if not whole and not isinstance(annotation, Given):
            return None
        kind, deployed = (hint, True) if whole else (annotation.kind, annotation.deployed)
        flags = [entry for entry in entries(kind) if entry.option.flag and (deployed or not entry.option.deployed)]
        return cls(kind, {_parameter(entry): entry for entry in flags}, whole)

    def taken_out_of(self, values: dict[str, Any]) -> Any:
        """What the command gets, for which its flags leave ``values``."""
        flag_values = {entry.key: values.pop(parameter) for parameter, entry in self.flags.items()}
        set_values = {key: value for key, value in flag_values.items() if value is not None}
        of_today = renamed(self.kind, set_values, say)
        return from_flat(self.kind, of_today) if self.whole else of_today

    def parameters(self) -> Iterator[inspect.Parameter]:
        """One for each flag; where the command gets what was given, one that was not is None."""
        for name, entry in self.flags.items():
            default = inspect.Parameter.empty if entry.option.required else entry.usual if self.whole else None
            hint = _annotation(entry, whole=self.whole)
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)

    def old_flags(self) -> Iterator[tuple[str, str]]:
        """Former flag and that of today."""
        of_today = {entry.key: _flag(entry) for entry in self.flags.values()}
        for old, key in old_names(self.kind).items():
            if key in of_today:
                yield f"--{old}", of_today[key]


def _annotation(entry: Entry, *, whole: bool) -> Any:
    option = entry.option
    kind: Any = type(entry.default) if option.read is None else str
    names = [_flag(entry)]
    if option.repeated:
        kind = list[str]
    elif kind is bool and entry.default:
        names = [f"{_flag(entry)}/--no-{_flag(entry).removeprefix('--')}"]
    flag = typer.Option(
        *names, help=_help(entry, whole=whole), metavar=option.metavar, rich_help_panel=option.panel, show_default=whole
    )
    return Annotated[kind if whole else kind | None, flag]


def _help(entry: Entry, *, whole: bool) -> str:
    """With the choices and, where the parser does not know it, the default."""
    option, usual = entry.option, entry.shown
    named = all(choice in option.help for choice in option.choices)
    words = [
        option.help,
        "" if named else f"One of {option.bounds}.",
        f"Default: {usual}." if usual and not whole else "",
    ]
    return " ".join(filter(None, words))


def _flag(entry: Entry) -> str:
    return f"--{entry.key}" if entry.option.flag == "--" else entry.option.flag


def _parameter(entry: Entry) -> str:
    return entry.key.replace("-", "_")


def _of_today(word: str, names: dict[str, str]) -> str:
    flag, equals, value = word.partition("=")
    if flag not in names:
        return word
    say(f"{flag} is called {names[flag]} now")
    return names[flag] + equals + value


USAGE_ERROR = 2
INTERRUPTED = 130


def run_command(program: str, command: Callable[[], None]) -> None:
    """Run a command of a program; an error raised on purpose ends as one sentence, Ctrl-C as another.

    Args:
        program: its name, with which the sentence begins.
        command: what runs it.

    Raises:
        SystemExit: if it ends so, with exit code 2 for an error and 130 for Ctrl-C.
    """
    try:
        command()
    except GraftError as error:
        typer.echo(f"{program}: {error}", err=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        typer.echo(f"{program}: interrupted, nothing half-written was left", err=True)
        sys.exit(INTERRUPTED)
