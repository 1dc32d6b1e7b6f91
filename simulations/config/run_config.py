"""What a run does: the checked options of ``graft-sim run``, from flags, with ``--set`` and from a TOML file.

Tables and plugins are imported where an option needs them: they take seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from client.data.folder_options import FORMS, DataSettings
from client.data.spec import PlatformSpec, parse_platform_spec
from client.fitting.fit_settings import EncoderUse
from shared.encoder.presets import EncoderSize
from shared.errors import ConfigError
from shared.federation.config import AGGREGATIONS, RoundsConfig
from shared.system.options import Say, entries, from_flat, group, option, renamed, to_flat
from simulations.synthetic.config import PLANS, SOURCE

if TYPE_CHECKING:
    from simulations.plugins.plugin import PluginFile


def read_switch(name: str, value: object) -> bool:
    """A switch, ``on`` or ``off``.

    Args:
        name: of the option, for the error.
        value: as it was given.

    Returns:
        Whether it is on.

    Raises:
        ConfigError: if the value is neither.
    """
    if value not in ("on", "off"):
        raise ConfigError(f"{name} must be on or off; got {value!r}")
    return value == "on"


def read_names(name: str, value: object) -> tuple[str, ...]:
    """A list of names, or one text with commas between them.

    Args:
        name: of the option, for the error.
        value: as it was given.

    Returns:
        The names, without blanks around them; empty texts are left out.

    Raises:
        ConfigError: if the value is something else.
    """
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise ConfigError(f"{name} must be names with commas between them, or a list of names; got {value!r}")
    return tuple(each.strip() for each in values if each.strip())


def read_platforms(name: str, value: object) -> tuple[PlatformSpec, ...]:
    """Lines ``NAME=DIR[,option=value...]``.

    Args:
        name: of the option, for the error.
        value: one line, or a list of them.

    Returns:
        The platforms' specifications, in the order given.

    Raises:
        ConfigError: if the value is something else, or a line is no specification.
    """
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ConfigError(f"{name} must be a list of NAME=DIR[,option=value...]; got {value!r}")
    return tuple(parse_platform_spec(_text(name, each)) for each in values)


def read_methods(name: str, value: object) -> tuple[str, ...]:
    """Names of methods in the order of reports; ``all`` means all, as none does.

    Args:
        name: of the option, for the error.
        value: a list of names, or one text with commas between them.

    Returns:
        The names; as they were given where one of them is unknown, which the config refuses.

    Raises:
        ConfigError: if the value is something else.
    """
    from client.transfer.table import in_runs

    names, known = read_names(name, value), in_runs()
    if names in ((), ("all",)):
        return known
    return tuple(sorted(names, key=known.index)) if set(names) <= set(known) else names


def read_report(name: str, value: object) -> tuple[str, ...]:
    """Names of platforms to report; ``all`` means all, as none does.

    Args:
        name: of the option, for the error.
        value: a list of names, or one text with commas between them.

    Returns:
        The names; empty for all.

    Raises:
        ConfigError: if the value is something else.
    """
    names = read_names(name, value)
    return () if names == ("all",) else names


def read_plugin(name: str, value: object) -> "PluginFile":
    """A plugin file.

    Args:
        name: of the option, for the error.
        value: the file's path, or what a config that was written says of it: ``file`` and ``sha256``.

    Returns:
        The file, as it was read.

    Raises:
        ConfigError: if the value is no text, the file cannot be read, or it is another one than the sha256 says.
    """
    from simulations.plugins.plugin import PluginFile

    reference: Mapping[str, Any] = value if isinstance(value, Mapping) else {"file": value}
    plugin = PluginFile.read(_text(name, reference.get("file")))
    if reference.get("sha256", plugin.sha256) != plugin.sha256:
        raise ConfigError(f"plugin {plugin.file} is another file than the one that was named by its sha256")
    return plugin


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text; got {value!r}")
    return value


PROMISE = ("epsilon", "delta")
"""which say nothing of a plain run"""
SWITCH = "on|off"
EMBEDDED_ROUNDS = 4
EMBEDDED_ENCODER = "tiny"
"""The synthetic world's defaults, with which a run ends within 90 seconds on two cores."""


@dataclass(frozen=True, kw_only=True)
class RunConfig(DataSettings, EncoderUse, EncoderSize):
    """One run; raises ConfigError where a value makes no sense. Its seed is the first one."""

    sources: tuple[str, ...] = option(
        (),
        key="source",
        read=read_names,
        write=list,
        help="The platform that pretrains, or several with commas between them; it joins the rounds and is reported "
        "with the local methods only. Default: none, with the methods that need no source.",
    )
    platforms: tuple[PlatformSpec, ...] = option(
        (),
        key="platform",
        read=read_platforms,
        write=lambda specs: [str(spec) for spec in specs],
        repeated=True,
        help=f"NAME=DIR with options of a platform after commas: {', '.join(FORMS)}; once for each. Without any: a "
        f"synthetic world, whose encoder is {EMBEDDED_ENCODER} after {EMBEDDED_ROUNDS} rounds, unless they are named.",
    )
    methods: tuple[str, ...] = option(
        (), read=read_methods, write=list, help="Names with commas between them. Default: all."
    )
    report: tuple[str, ...] = option(
        (), read=read_report, write=list, help="Platforms to report, commas between them. Default: all."
    )
    seeds: int = option(1, least=1, help="How many seeds are run: seed, seed + 1, ...")
    clicks: bool = option(
        True,
        read=read_switch,
        write=lambda on: "on" if on else "off",
        metavar=SWITCH,
        help="on or off: predict clicks where a platform has impressions.",
    )
    plugin: "PluginFile | None" = option(
        None,
        read=read_plugin,
        write=lambda plugin: plugin.to_json(),
        metavar="FILE",
        help="A Python file with scorers or an aggregation of your own; docs/plugins.md. Default: none.",
    )
    cold_start: tuple[str, ...] = option(
        (),
        read=read_names,
        write=list,
        help="Platforms to report with 10, 30, 100 and 300 training users too. Default: none.",
    )
    leave_one_out: bool = option(
        False,
        read=read_switch,
        write=lambda on: "on" if on else "off",
        metavar=SWITCH,
        help="on or off: run the rounds again without each platform, and report what each contributes to federated.",
    )
    diversity: float = option(
        0.0, least=0, most=1, help="Strength with which what is served is re-ranked for unlike items; 0: not."
    )
    plugin_aggregation: str = ""
    """The plugin's aggregation that takes the server's step; empty: ``federation`` names one of ours."""
    federation: RoundsConfig = group(RoundsConfig, without=("seed",))
    """The rounds, as a deployed run has them; ``seed`` is each of this run's in turn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_beside_each_other(self)

    def require_source(self) -> None:
        """Raise ConfigError where a method starts from the source's encoder and no source is named."""
        from client.transfer.table import starting_from_source

        if not self.sources and (needing := [method for method in self.methods if method in starting_from_source()]):
            raise ConfigError(f"source must name a platform, since {needing[0]} starts from its encoder; got none")

    @property
    def synthetic(self) -> bool:
        """True where the platforms are the embedded world."""
        return not self.platforms

    @property
    def names(self) -> tuple[str, ...]:
        """All platforms, in the order given."""
        return tuple(spec.name for spec in self.platforms) or tuple(plan.name for plan in PLANS)

    @property
    def reported(self) -> tuple[str, ...]:
        """The platforms to report, in the order of ``names``."""
        return tuple(name for name in self.names if not self.report or name in self.report)

    @property
    def adapters(self) -> str:
        """Of the rounds, and of tuning."""
        return self.federation.local.adapters

    @property
    def aggregation(self) -> str:
        """The plugin's, or one of ours."""
        return self.plugin_aggregation or self.federation.aggregation

    def to_dict(self) -> dict[str, Any]:
        """JSON values, from which ``from_dict`` makes the same config; seldom used options stand in it where used."""
        flat = to_flat(self) | {"aggregation": self.aggregation}
        known = list(entries(type(self)))
        usual = {entry.key: entry.usual for entry in known} | {"downlink": _usual_downlink(flat)}
        often = {entry.key for entry in known if entry.option.flag and not entry.option.deployed}
        often -= {entry.key for entry in known if entry.option.metavar == SWITCH and entry.usual == "off"}
        often -= set(PROMISE) if not self.federation.is_private else set()
        return {key.replace("-", "_"): value for key, value in flat.items() if key in often or value != usual[key]}

    @classmethod
    def from_dict(cls, options: Mapping[str, Any], say: Say | None = None) -> "RunConfig":
        """A config from options named as the flags ('-' or '_').

        Args:
            options: by name; None and missing ones take their defaults.
            say: hears of options that have another name now; None: nobody does.

        Returns:
            The checked config.

        Raises:
            ConfigError: if a name is unknown, or a value has the wrong form or makes no sense.
        """
        chosen = {name: value for name, value in options.items() if value is not None}
        flat = {"methods": "all", **of_today(chosen, say)}
        if not flat.get("platform"):
            flat = {"source": SOURCE, "rounds": EMBEDDED_ROUNDS, "encoder": EMBEDDED_ENCODER} | flat
        flat = {"downlink": _usual_downlink(flat)} | flat
        plugin_aggregation = _own_aggregation(read_plugin("plugin", flat["plugin"]), flat) if "plugin" in flat else ""
        if plugin_aggregation:
            flat.pop("aggregation", None)
        return replace(from_flat(cls, flat), plugin_aggregation=plugin_aggregation)


def of_today(options: Mapping[str, Any], say: Say | None = None) -> dict[str, Any]:
    """The same options under the keys of today, with '-'.

    Args:
        options: by name, with '-' or '_'.
        say: hears of options that have another name now; None: nobody does.

    Returns:
        The options by key.

    Raises:
        ConfigError: if one is given twice.
    """
    keys = tuple(name.replace("_", "-") for name in options)
    _check_distinct("option", keys)
    return renamed(RunConfig, dict(zip(keys, options.values(), strict=True)), say)


def _usual_downlink(flat: Mapping[str, Any]) -> str:
    """In a simulation what goes down is as short as what comes up."""
    whole = flat.get("adapters", "none") == "none" and flat.get("updates", "whole") == "whole"
    return "whole" if whole else "int8-delta"


def _own_aggregation(plugin: "PluginFile", options: Mapping[str, Any]) -> str:
    """The plugin's that is meant, the only one where none is named; empty for one of ours. Raises ConfigError."""
    named, known = options.get("aggregation"), (*AGGREGATIONS, *plugin.aggregations)
    if named is None and len(plugin.aggregations) > 1:
        raise ConfigError(f"aggregation must be named where a plugin has several: {', '.join(known)}; got none")
    if named is not None and named not in known:
        raise ConfigError(f"aggregation must be one of {', '.join(known)}; got {named!r}")
    aggregation = named or next(iter(plugin.aggregations), "")
    return aggregation if aggregation in plugin.aggregations else ""


def _check_beside_each_other(config: RunConfig) -> None:
    """And beside the tables of methods, which take seconds to import."""
    from client.ensemble.candidates import LOCAL
    from client.features.item_features import check_features
    from client.transfer.alignment import parse_alignment
    from client.transfer.table import competing, in_runs

    _check_known("methods", config.methods, in_runs())
    _check_distinct("platform", tuple(spec.name for spec in config.platforms))
    _check_known("report", config.report, config.names)
    _check_known("source", config.sources, config.names)
    _check_known("cold-start", config.cold_start, tuple(n for n in config.reported if n not in config.sources))
    check_features(config.features)
    if config.seed + config.seeds > 2**63:
        raise ConfigError(f"seed must leave room for {config.seeds} seeds below 2**63; got {config.seed}")
    if (fewest := config.federation.min_platforms) > len(config.names):
        raise ConfigError(f"min-platforms must be at most the number of platforms, {len(config.names)}; got {fewest}")
    if config.leave_one_out:
        _check_leave_one_out(config)
    aligned = [alignment.kind for alignment in parse_alignment(config.alignment) if alignment is not None]
    if "probe" in aligned and config.features.partition(":")[0] != "hashing":
        raise ConfigError(f"alignment {config.alignment} needs the features hashing; got {config.features!r}")
    if config.diversity > 0 and not (
        LOCAL in config.methods and any(method in competing() for method in config.methods)
    ):
        beside = ", ".join(method for method in in_runs() if method in competing())
        raise ConfigError(f"diversity re-ranks what the gate serves, so methods must hold local and one of {beside}")


def _check_leave_one_out(config: RunConfig) -> None:
    from client.transfer.feature import FEDERATED

    if FEDERATED.name not in config.methods:
        raise ConfigError(f"leave-one-out needs the method {FEDERATED.name}; methods are {', '.join(config.methods)}")
    if (privacy := config.federation.privacy) != "plain":
        raise ConfigError(f"leave-one-out needs privacy plain, where a platform is no part of a sum; got {privacy}")
    fewest, others = max(config.federation.min_platforms, 1), len(config.names) - 1
    if others < fewest:
        raise ConfigError(f"leave-one-out needs {fewest + 1} platforms, so that {fewest} are left; got {others + 1}")


def _check_known(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    _check_distinct(name, values)
    if unknown := [value for value in values if value not in known]:
        raise ConfigError(f"{name} must be of {', '.join(known)}; got {unknown[0]!r}")


def _check_distinct(name: str, values: tuple[str, ...]) -> None:
    if twice := [value for value in values if values.count(value) > 1]:
        raise ConfigError(f"{name} {twice[0]!r} is given twice")
