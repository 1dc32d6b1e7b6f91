"""A command's flags from the dataclasses of options that its parameters name."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import typer
from typer.core import TyperCommand
from typing_extensions import override

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
        names = getattr(self.callback, "old_flags", {})
        return super().parse_args(ctx, [_of_today(word, names) for word in args])


def say(sentence: str) -> None:
    """A note for the person at the terminal, beside what the command answers."""
    sys.stderr.write(f"note: {sentence}\n")


def with_options(command: Command) -> Command:
    """The command, with a flag for each option of a parameter that is a dataclass of options, or ``Given`` of one.

    Raises ConfigError, when it is called, for a value that an option cannot have.
    """
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    kinds = {name: kind for name, hint in hints.items() if (kind := _kind(hint)) is not None}
    whole = {name for name in kinds if not isinstance(_given(hints[name]), Given)}
    flags = {name: {_parameter(one): one for one in _flagged(hint)} for name, hint in hints.items() if name in kinds}

    @wraps(command)
    def called(**values: Any) -> Any:
        for name, found in flags.items():
            given = {one.key: values.pop(parameter) for parameter, one in found.items()}
            kept = {key: value for key, value in given.items() if value is not None}
            values[name] = from_flat(kinds[name], kept) if name in whole else kept
        return command(**values)

    parameters: list[inspect.Parameter] = []
    for name, plain in inspect.signature(command).parameters.items():
        if name in kinds:
            parameters += _flags(flags[name], whole=name in whole)
        else:
            parameters.append(plain.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]))
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    called.old_flags = dict(_old_flags(kinds.values()))  # type: ignore[attr-defined]
    return called


def given_on_the_command_line(options: Iterable[Entry]) -> list[str]:
    """The flags of these options with which the command was called that runs now."""
    source = click.get_current_context().get_parameter_source
    return [_flag(one) for one in options if source(_parameter(one)) is click.core.ParameterSource.COMMANDLINE]


def _kind(hint: Any) -> type[Any] | None:
    given = _given(hint)
    if isinstance(given, Given):
        return given.kind
    return hint if isinstance(hint, type) and is_dataclass(hint) and any(entries(hint)) else None


def _flagged(hint: Any) -> Iterator[Entry]:
    given = _given(hint)
    for one in entries(hint if given is None else given.kind):
        if one.option.flag and (given is None or given.deployed or not one.option.deployed):
            yield one


def _given(hint: Any) -> Any:
    return get_args(hint)[1] if get_origin(hint) is Annotated else None


def _flags(found: dict[str, Entry], *, whole: bool) -> Iterator[inspect.Parameter]:
    """In ``whole`` an option has its default, else None where it is not given."""
    for name, one in found.items():
        required = one.option.required
        default = inspect.Parameter.empty if required else one.usual if whole else None
        hint = _annotation(one, whole=whole, usual="" if required or whole else _shown(one.usual))
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _annotation(one: Entry, *, whole: bool, usual: str) -> Any:
    said = one.option
    kind: Any = type(one.default) if said.read is None else str
    names = [_flag(one)]
    if said.repeated:
        kind = list[str]
    elif kind is bool and one.default:
        names = [f"{_flag(one)}/--no-{_flag(one).removeprefix('--')}"]
    named = all(one in said.help for one in said.choices)
    words = [said.help, "" if named else f"One of {said.bounds}.", f"Default: {usual}." if usual else ""]
    flag = typer.Option(
        *names, help=" ".join(filter(None, words)), metavar=said.metavar, rich_help_panel=said.panel, show_default=whole
    )
    return Annotated[kind if whole else kind | None, flag]


def _flag(one: Entry) -> str:
    return f"--{one.key}" if one.option.flag == "--" else one.option.flag


def _parameter(one: Entry) -> str:
    return one.key.replace("-", "_")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else "" if value in (None, []) else str(value)


def _old_flags(kinds: Any) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        of_today = {one.key: _flag(one) for one in entries(kind) if one.option.flag}
        for old, key in old_names(kind).items():
            if key in of_today:
                yield f"--{old}", of_today[key]


def _of_today(word: str, names: dict[str, str]) -> str:
    flag, equals, value = word.partition("=")
    if flag not in names:
        return word
    say(f"{flag} is called {names[flag]} now")
    return names[flag] + equals + value
