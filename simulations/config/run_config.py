"""What a run does: the checked options of ``graft-sim run``, from flags and from a TOML file."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from client.data.spec import PlatformSpec, parse_platform_spec
from client.ensemble.candidates import LOCAL
from client.features.item_features import check_features
from client.transfer.alignment import parse_alignment
from client.transfer.part_settings import TEACHERS, TuningSettings
from client.transfer.table import competing, in_runs, starting_from_source
from shared.encoder.presets import PRESETS
from shared.errors import ConfigError
from shared.federation.config import LocalSettings, Updates, Weighting
from simulations.plugins.plugin import PluginFile
from simulations.synthetic.config import PLANS, SOURCE

AGGREGATION = "fedavg"
"""The aggregation that needs no plugin."""

EMBEDDED_ROUNDS = 4
EMBEDDED_ENCODER = "tiny"
"""The synthetic world's defaults, with which a run ends within 90 seconds on two cores."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run; raises ConfigError where a value makes no sense."""

    sources: tuple[str, ...] = ()
    """Who pretrains (several in one place), joins the rounds and is reported with the local methods only."""
    platforms: tuple[PlatformSpec, ...] = ()
    """Real folders; empty: the embedded synthetic world."""
    methods: tuple[str, ...] = field(default_factory=in_runs)
    report: tuple[str, ...] = ()
    """Platforms to report; empty: all."""
    rounds: int = 12
    """Training rounds; the moments round comes before them."""
    seed: int = 0
    seeds: int = 1
    """How many seeds are run: ``seed``, ``seed + 1``, ..."""
    min_user_events: int = 3
    min_item_events: int = 1
    features: str = "hashing"
    """``hashing``, ``precomputed`` or ``precomputed:LABEL``."""
    encoder: str = "small"
    """One of the encoder presets."""
    adapters: str = "none"
    """``lora:RANK``: updates travel as low-rank adapters; tuning trains them in place of the towers' matrices."""
    updates: Updates = "whole"
    """``steps``: in rounds a platform's update travels as a byte a number of what changed."""
    teacher: str = "encoder"
    """Of method ``knowledge``: the tuned encoder, or the platform's ``stack``."""
    alignment: str = "off"
    """While the source's encoder is tuned: ``off``, ``probe:WEIGHT``, ``coral:WEIGHT``, or ``gate``: all compete."""
    moments_weight: float = 0.0
    """How often each own pair counts when ``model`` moves the linear part of an encoder; 0 leaves it as it came."""
    clicks: bool = True
    """Whether clicks are predicted on platforms that have impressions."""
    plugin: PluginFile | None = None
    """Scorers that join every stack, and aggregations to choose from."""
    aggregation: str = AGGREGATION
    """``fedavg``, or one of the plugin's."""
    weights: Weighting = "uniform"
    """How much a platform's update counts in a round."""
    cold_start: tuple[str, ...] = ()
    """Platforms to report in their beginnings too, with few training users."""
    diversity: float = 0.0
    """Strength with which what the gate serves is re-ranked, 0 (not) to 1."""

    def __post_init__(self) -> None:
        _check_known("methods", self.methods, in_runs())
        _check_distinct("platform", tuple(spec.name for spec in self.platforms))
        _check_known("report", self.report, self.names)
        _check_known("source", self.sources, self.names)
        _check_known("encoder", (self.encoder,), tuple(PRESETS))
        _check_known("teacher", (self.teacher,), TEACHERS)
        aligned = [one.kind for one in parse_alignment(self.alignment) if one is not None]
        if "probe" in aligned and self.features.partition(":")[0] != "hashing":
            raise ConfigError(f"alignment {self.alignment} needs the features hashing; got {self.features!r}")
        own = () if self.plugin is None else self.plugin.aggregations
        _check_known("aggregation", (self.aggregation,), (AGGREGATION, *own))
        _check_known("weights", (self.weights,), get_args(Weighting))
        check_features(self.features)
        LocalSettings(adapters=self.adapters, updates=self.updates)
        TuningSettings(moments_weight=self.moments_weight)
        _check_known("cold-start", self.cold_start, tuple(n for n in self.reported if n not in self.sources))
        self._check_diversity()
        limits = {"rounds": 0, "seed": 0, "seeds": 1, "min_user_events": 1, "min_item_events": 1}
        for name, least in limits.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{_flag(name)} must be {least} or more; got {getattr(self, name)}")

    def _check_diversity(self) -> None:
        if not 0 <= self.diversity <= 1:
            raise ConfigError(f"diversity must be from 0 to 1; got {self.diversity:g}")
        served = LOCAL in self.methods and any(method in competing() for method in self.methods)
        if self.diversity > 0 and not served:
            wanted = ", ".join(method for method in in_runs() if method in competing())
            raise ConfigError(
                f"diversity re-ranks what the gate serves, so methods must hold local and one of {wanted}"
            )

    def require_source(self) -> None:
        """Raise ConfigError where a method starts from the source's encoder and no source is named."""
        needing = [method for method in self.methods if method in starting_from_source()]
        if needing and not self.sources:
            raise ConfigError(f"source must name a platform, since {needing[0]} starts from its encoder; got none")

    @property
    def synthetic(self) -> bool:
        """True where the platforms are the embedded world."""
        return not self.platforms

    @property
    def names(self) -> tuple[str, ...]:
        """All platforms, in the order given."""
        given = tuple(spec.name for spec in self.platforms)
        return given or tuple(plan.name for plan in PLANS)

    @property
    def reported(self) -> tuple[str, ...]:
        """The platforms to report, in the order of ``names``."""
        return tuple(name for name in self.names if not self.report or name in self.report)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, from which ``from_dict`` makes the same config."""
        return {
            "source": list(self.sources),
            "platform": [str(spec) for spec in self.platforms],
            "methods": list(self.methods),
            "report": list(self.report),
            "rounds": self.rounds,
            "seed": self.seed,
            "seeds": self.seeds,
            "min_user_events": self.min_user_events,
            "min_item_events": self.min_item_events,
            "features": self.features,
            "encoder": self.encoder,
            "adapters": self.adapters,
            "updates": self.updates,
            "teacher": self.teacher,
            "alignment": self.alignment,
            "moments_weight": self.moments_weight,
            "clicks": "on" if self.clicks else "off",
            "plugin": None if self.plugin is None else self.plugin.to_json(),
            "aggregation": self.aggregation,
            "weights": self.weights,
            "cold_start": list(self.cold_start),
            "diversity": self.diversity,
        }

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> "RunConfig":
        """A config from options named as the flags ('-' or '_'); None and missing ones take their defaults.

        Raises ConfigError for an unknown name or a value of the wrong form.
        """
        given = {name.replace("-", "_"): value for name, value in options.items() if value is not None}
        unknown = [name for name in given if name not in _READERS]
        if unknown:
            allowed = ", ".join(_flag(name) for name in _READERS)
            raise ConfigError(f"unknown option {_flag(unknown[0])!r}; options are {allowed}")
        fields = {_READERS[name][0]: _READERS[name][1](_flag(name), value) for name, value in given.items()}
        if not fields.get("platforms"):
            fields = {"sources": (SOURCE,), "rounds": EMBEDDED_ROUNDS, "encoder": EMBEDDED_ENCODER} | fields
        if fields.get("plugin") is not None and "aggregation" not in fields:
            fields["aggregation"] = _aggregation_of(fields["plugin"])
        return cls(**fields)


def read_config_file(path: Path) -> dict[str, Any]:
    """The options in a TOML file, unchecked; raises ConfigError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is not TOML: {error}") from None


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _check_known(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    _check_distinct(name, values)
    unknown = [value for value in values if value not in known]
    if unknown:
        raise ConfigError(f"{name} must be of {', '.join(known)}; got {unknown[0]!r}")


def _check_distinct(name: str, values: tuple[str, ...]) -> None:
    twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise ConfigError(f"{name} {twice[0]!r} is given twice")


def _read_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text; got {value!r}")
    return value


def _read_whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"{name} must be a whole number; got {value!r}")
    return value


def _read_switch(name: str, value: object) -> bool:
    if value not in ("on", "off"):
        raise ConfigError(f"{name} must be on or off; got {value!r}")
    return value == "on"


def _read_number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ConfigError(f"{name} must be a number; got {value!r}")
    return float(value)


def _read_names(name: str, value: object) -> tuple[str, ...]:
    """A list of names, or one text with commas between them."""
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise ConfigError(f"{name} must be names with commas between them, or a list of names; got {value!r}")
    return tuple(each.strip() for each in values if each.strip())


def _read_platforms(name: str, value: object) -> tuple[PlatformSpec, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ConfigError(f"{name} must be a list of NAME=DIR[,option=value...]; got {value!r}")
    return tuple(parse_platform_spec(_read_text(name, each)) for each in values)


def _read_methods(name: str, value: object) -> tuple[str, ...]:
    """Names in the order of reports; ``all`` means all."""
    names = _read_names(name, value)
    known = in_runs()
    if names in ((), ("all",)):
        return known
    return tuple(method for method in known if names.count(method) == 1) if set(names) <= set(known) else names


def _read_report(name: str, value: object) -> tuple[str, ...]:
    names = _read_names(name, value)
    return () if names == ("all",) else names


def _read_plugin(name: str, value: object) -> PluginFile:
    """A file, or what a config that was written says of it."""
    given = value if isinstance(value, Mapping) else {"file": value}
    plugin = PluginFile.read(_read_text(name, given.get("file")))
    if given.get("sha256", plugin.sha256) != plugin.sha256:
        raise ConfigError(f"plugin {plugin.file} is another file than the one that was named by its sha256")
    return plugin


def _aggregation_of(plugin: PluginFile) -> str:
    """The one that a plugin has is meant; of several one must be named."""
    if len(plugin.aggregations) > 1:
        known = ", ".join((AGGREGATION, *plugin.aggregations))
        raise ConfigError(f"aggregation must be named where a plugin has several: {known}; got none")
    return plugin.aggregations[0] if plugin.aggregations else AGGREGATION


_READERS: dict[str, tuple[str, Callable[[str, object], Any]]] = {
    "source": ("sources", _read_names),
    "platform": ("platforms", _read_platforms),
    "methods": ("methods", _read_methods),
    "report": ("report", _read_report),
    "rounds": ("rounds", _read_whole),
    "seed": ("seed", _read_whole),
    "seeds": ("seeds", _read_whole),
    "min_user_events": ("min_user_events", _read_whole),
    "min_item_events": ("min_item_events", _read_whole),
    "features": ("features", _read_text),
    "encoder": ("encoder", _read_text),
    "adapters": ("adapters", _read_text),
    "updates": ("updates", _read_text),
    "teacher": ("teacher", _read_text),
    "alignment": ("alignment", _read_text),
    "moments_weight": ("moments_weight", _read_number),
    "clicks": ("clicks", _read_switch),
    "plugin": ("plugin", _read_plugin),
    "aggregation": ("aggregation", _read_text),
    "weights": ("weights", _read_text),
    "cold_start": ("cold_start", _read_names),
    "diversity": ("diversity", _read_number),
}
"""Option: (field of RunConfig, how its value is read)."""
