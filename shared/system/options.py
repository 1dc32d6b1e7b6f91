"""Options: each is one field of a dataclass, with its default, its bounds and its help.

Whatever else knows an option derives from the field: its check, its key in TOML and in Flower's configs, its flag, its
row in the docs. Several concerns are put together by inheritance (one flat set of keys) or held (``group``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import get_annotations
from math import isfinite
from typing import Any, TypeVar

from shared.errors import ConfigError

Value = TypeVar("Value")
Settings = TypeVar("Settings")
Plain = bool | float | int | str
Say = Callable[[str], None]
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", tuple: "a list of texts"}
_SWITCH = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a field says of itself."""

    help: str
    """one sentence for the command line and the docs; empty: it stands in neither, and is chosen in code alone"""
    key: str = ""
    """as it is written; empty: the field's name with hyphens, after the prefix of its group"""
    old: tuple[str, ...] = ()
    """keys that it had before, which are still taken"""
    old_values: Mapping[str, str] = field(default_factory=dict)
    """a choice that had another name before, which is still taken, to that of today"""
    choices: tuple[str, ...] = ()
    """all values that there are; empty: others too"""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    check: Callable[[str, Any], object] | None = None
    """of a key and its value: raises ConfigError where that cannot be"""
    read: Callable[[str, object], Any] | None = None
    """from a key and a text or TOML value, where that is not the value itself; raises ConfigError"""
    write: Callable[[Any], Any] | None = None
    """the inverse of ``read``, as JSON"""
    flag: str = "--"
    """its flag, where that is not ``--key``; empty: it has none"""
    metavar: str | None = None
    required: bool = False
    """whether its flag must be given"""
    repeated: bool = False
    """whether its flag may be given several times"""
    deployed: bool = False
    """whether it matters only where platforms are machines of their own"""
    of_cohorts: bool = False
    """whether it has a flag where rounds ask cohorts"""
    panel: str | None = None
    """heading of the help under which its flag stands"""
    see: str = ""
    """a link for the docs"""

    @property
    def bounds(self) -> str:
        """In words; empty where there are none."""
        if self.choices:
            return ", ".join(self.choices)
        if self.least is not None and self.most is not None:
            return f"from {self.least} to {self.most}"
        limits = {"above": self.above, "at least": self.least, "at most": self.most, "below": self.below}
        words = [f"{word} {bound}" for word, bound in limits.items() if bound is not None]
        return f"{self.least} or more" if self.least is not None and len(words) == 1 else " and ".join(words)

    def holds(self, value: Any) -> bool:
        """Whether a value of the right kind lies within the bounds; None, where a field may be None, always does.

        Of several, each has to.
        """
        if isinstance(value, tuple):
            return all(map(self.holds, value))
        return value is None or (
            (not self.choices or value in self.choices)
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An option where it stands in a dataclass, or in one that this holds."""

    key: str
    path: tuple[str, ...]
    """names of the fields that lead to it"""
    default: Any
    option: Option

    @property
    def usual(self) -> Any:
        """The default, as it is written."""
        return self.written(self.default)

    @property
    def shown(self) -> str:
        """The default for people; empty where there is none."""
        value = self.usual
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)

    def written(self, value: Any) -> Any:
        """A value as JSON."""
        return value if value is None or self.option.write is None else self.option.write(value)

    def of(self, settings: Any) -> Any:
        """The option's value in settings.

        Args:
            settings: of the dataclass whose entry this is.

        Returns:
            The value, as the field has it.
        """
        for name in self.path:
            settings = getattr(settings, name)
        return settings

    def require(self, value: Any) -> None:
        """Check a value of the option.

        Args:
            value: as the field has it.

        Raises:
            ConfigError: if it does not lie within the bounds, is not finite, or the option's own check refuses it.
        """
        if not self.option.holds(value):
            one_of = "one of " if self.option.choices else ""
            raise ConfigError(f"{self.key} must be {one_of}{self.option.bounds}; got {value!r}")
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(isfinite(number) for number in numbers if isinstance(number, float)):
            raise ConfigError(f"{self.key} must be a finite number; got {value}")
        if self.option.check is not None:
            self.option.check(self.key, value)

    def taken(self, value: object) -> Any:
        """The value as the field has it, a whole number for a real one, a list for a tuple; raises ConfigError."""
        if self.option.read is not None:
            return self.option.read(self.key, value)
        kind = type(self.default)
        exact = float(str(value)) if kind is float and type(value) is int else value  # not an OverflowError but inf
        texts = kind is tuple and isinstance(value, list | tuple) and all(type(text) is str for text in value)
        exact = tuple(value) if texts and isinstance(value, list | tuple) else exact
        if type(exact) is not kind:
            raise ConfigError(f"{self.key} must be {_KINDS[kind]}; got {value!r}")
        self.require(exact)
        return exact

    def from_text(self, text: str) -> object:
        """What ``taken`` takes, of a command's ``KEY=VALUE``; raises ConfigError for a text of another kind."""
        kind = type(self.default)
        if self.option.read is not None or kind is str:
            return text
        try:
            return _SWITCH[text] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise ConfigError(f"{self.key} must be {_KINDS[kind]}; got {text!r}") from None


@dataclass(frozen=True)
class _Group:
    kind: type[Any]
    prefix: str
    without: tuple[str, ...]
    usual: Any
    """settings of the kind, or None for those that it makes itself"""
    of_cohorts: bool

    def of_place(self, entry: Entry) -> Entry:
        """The entry as it is where the group stands."""
        if self.usual is not None:
            entry = replace(entry, default=entry.of(self.usual))
        is_flag = self.of_cohorts and entry.option.of_cohorts
        return replace(entry, option=replace(entry.option, flag="--")) if is_flag else entry


def option(default: Value, **attributes: Any) -> Value:
    """A field that is an option.

    Args:
        default: value of the field where none is given; its type is that of the option.
        **attributes: as the fields of ``Option``.

    Returns:
        The dataclass field, typed as its value.
    """
    option_field: Value = field(default=default, metadata={Option: Option(**attributes)})
    return option_field


def group(
    kind: type[Settings],
    *,
    prefix: str = "",
    without: tuple[str, ...] = (),
    usual: Settings | None = None,
    of_cohorts: bool = False,
) -> Settings:
    """A field that holds further options.

    Args:
        kind: dataclass of the options; the field's default is made by it.
        prefix: stands before those of their keys that come from a field's name; empty for none.
        without: keys, the prefix among them, that are left out of what can be chosen.
        usual: settings that are the default here; None: the kind's own.
        of_cohorts: whether options of cohorts have a flag of a command here.

    Returns:
        The dataclass field, typed as its value.
    """
    held = _Group(kind, prefix, without, usual, of_cohorts)
    group_field: Settings = field(default_factory=lambda: _of_group(held, {}), metadata={_Group: held})
    return group_field


def entries(kind: type[Any], prefix: str = "") -> Iterator[Entry]:
    """The options of a dataclass, and of those that it holds, in their order; what it inherits comes last.

    Args:
        kind: the dataclass.
        prefix: stands before the keys that come from a field's name; empty for none.

    Yields:
        One entry for each option.
    """
    own_names = get_annotations(kind)
    for item in sorted(fields(kind), key=lambda item: item.name not in own_names):
        if (declared := item.metadata.get(Option)) is not None:
            name = prefix + item.name.replace("_", "-") if declared.help else f"{kind.__name__}.{item.name}"
            yield Entry(key=declared.key or name, path=(item.name,), default=item.default, option=declared)
        elif (held := item.metadata.get(_Group)) is not None:
            for entry in entries(held.kind, held.prefix):
                if entry.key not in held.without:
                    yield replace(held.of_place(entry), path=(item.name, *entry.path))


def check(settings: Any) -> None:
    """Check the options of the dataclass itself, and not those that it holds.

    Args:
        settings: of a dataclass of options.

    Raises:
        ConfigError: if one of them lies outside its bounds.
    """
    for entry in entries(type(settings)):
        if len(entry.path) == 1:
            entry.require(entry.of(settings))


def to_flat(settings: Any) -> dict[str, Any]:
    """Key to value, as it is written."""
    return {entry.key: entry.written(entry.of(settings)) for entry in entries(type(settings))}


def from_flat(kind: type[Settings], flat: Mapping[str, object]) -> Settings:
    """The inverse of ``to_flat``; what is not there has its default.

    Args:
        kind: dataclass of the options.
        flat: key to value, as it is written.

    Returns:
        The settings.

    Raises:
        ConfigError: if a key is unknown, or a value is of another kind or out of its bounds.
    """
    known = {entry.key: entry for entry in entries(kind)}
    if unknown := [key for key in flat if key not in known]:
        raise ConfigError(f"unknown option {unknown[0]!r}; options are {', '.join(known)}")
    return _made(kind, {known[key].path: known[key].taken(value) for key, value in flat.items()})


def renamed(kind: type[Any], flat: Mapping[str, Value], say: Say | None = None) -> dict[str, Value]:
    """The same options under the keys and the names of choices of today.

    Args:
        kind: dataclass of the options.
        flat: value by key, of today or a former one, with hyphens or underscores; unknown keys stay as they are.
        say: hears one sentence for each key or choice that has another name now; None: nobody hears of it.

    Returns:
        Value by key of today.

    Raises:
        ConfigError: if both keys of one option are given.
    """
    names = _both_spellings(old_names(kind))
    choices = old_choices(kind)
    of_today: dict[str, Value] = {}
    for key, value in flat.items():
        if names.get(key) in flat:
            raise ConfigError(f"{key} is called {names[key]} now; got both")
        if key in names and say is not None:
            say(f"{key} is called {names[key]} now")
        name = names.get(key, key)
        choice: Any = choices.get(name, {}).get(value, value) if isinstance(value, str) else value
        if choice != value and say is not None:
            say(f"{name} {value} is called {choice} now")
        of_today[name] = choice
    return of_today


def old_names(kind: type[Any]) -> dict[str, str]:
    """Former key to that of today."""
    return {old: entry.key for entry in entries(kind) for old in entry.option.old}


def old_choices(kind: type[Any]) -> dict[str, Mapping[str, str]]:
    """Former name of a choice to that of today, by the key of its option."""
    return {entry.key: entry.option.old_values for entry in entries(kind) if entry.option.old_values}


def _both_spellings(names: Mapping[str, str]) -> dict[str, str]:
    """With those in underscores, as a config in JSON has them."""
    return {**{old.replace("-", "_"): new.replace("-", "_") for old, new in names.items()}, **names}


def assigned(kind: type[Any], texts: Iterable[str], say: Say | None = None) -> dict[str, object]:
    """Key to value of texts ``KEY=VALUE``.

    Args:
        kind: dataclass of the options.
        texts: one for each option; a former key is taken too.
        say: hears one sentence for each key or choice that has another name now; None: nobody hears of it.

    Returns:
        Value by key of today, as ``from_flat`` takes it.

    Raises:
        ConfigError: if a text is no ``KEY=VALUE``, has an unknown key or a value of another kind, or a key comes twice.
    """
    known = {entry.key: entry for entry in entries(kind)}
    values: dict[str, object] = {}
    for text in texts:
        name, equals, given = text.partition("=")
        ((key, value),) = renamed(kind, {name: given}, say).items()
        if not equals or key not in known:
            raise ConfigError(f"expected KEY=VALUE with a KEY of {', '.join(sorted(known))}; got {text!r}")
        if key in values:
            raise ConfigError(f"{key} is given twice; got {text!r} too")
        values[key] = known[key].from_text(value)
    return values


def _made(kind: type[Settings], values: Mapping[tuple[str, ...], Any]) -> Settings:
    arguments = {path[0]: value for path, value in values.items() if len(path) == 1}
    for item in fields(kind):  # type: ignore[arg-type]
        held = item.metadata.get(_Group)
        inner = {path[1:]: value for path, value in values.items() if path[0] == item.name and len(path) > 1}
        if held is not None and inner:
            arguments[item.name] = _of_group(held, inner)
    return kind(**arguments)


def _of_group(held: _Group, values: Mapping[tuple[str, ...], Any]) -> Any:
    """The settings of a group; what is not given has the default of its place."""
    usual = {} if held.usual is None else {entry.path: entry.of(held.usual) for entry in entries(held.kind)}
    return _made(held.kind, {**usual, **values})


def bounded(default: Value, **bounds: float) -> Value:
    """A field of what is chosen in code alone: a finite number, or some, within bounds.

    Args:
        default: number, or tuple of numbers that must not be empty.
        **bounds: ``least``, ``most``, ``above`` and ``below``, as of ``Option``.

    Returns:
        The dataclass field, typed as its value.
    """
    return option(default, help="", check=_check_some, **bounds)


def _check_some(name: str, value: Any) -> None:
    if value == ():
        raise ConfigError(f"{name} must not be empty")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Settings whose options are checked as they are made; raises ConfigError, which names the option or the field."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Seeded(Checked):
    """What draws at random."""

    seed: int = option(0, least=0, most=2**63 - 1, help="Of every random draw.")


MOST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class MetricsPort(Checked):
    """Of a program that counts what it does."""

    metrics_port: int = option(
        0, least=0, most=MOST_PORT, help="Port of loopback from which Prometheus reads, without a token; 0: none."
    )
