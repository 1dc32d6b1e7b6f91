"""The options of a simulated population of devices; docs/devices-simulation.md has the models and their sources."""

from dataclasses import dataclass

from shared.errors import ConfigError
from shared.system.options import Checked, option


@dataclass(frozen=True, kw_only=True)
class AvailabilityOptions(Checked):
    """When devices may take part: idle, charging and on a network that costs nothing."""

    availability: str = option(
        "daily",
        choices=("daily", "always"),
        help="When devices may take part: daily, mostly at night by their own clock; or always.",
    )
    available_share: float = option(
        0.25, above=0, most=1, help="Share of the devices that may take part, on average over a day."
    )
    swing: float = option(
        4.0, least=1, help="How many times as many devices may take part at the best hour as at the worst one."
    )
    peak_hour: float = option(
        3.0, least=0, below=24, help="The best hour, by a device's own clock: 3 is three in the morning."
    )
    time_zones: int = option(
        4, least=1, most=24, help="In how many time zones the devices are, in equal shares: 0, 1, ... hours behind UTC."
    )
    spell_hours: float = option(
        2.0, least=0.05, most=1000, help="Mean hours after which it is drawn anew whether a device may take part."
    )
    habit: float = option(
        0.5,
        least=0,
        most=1,
        help="How much devices differ: the share of these draws in which a device does as it always does; at 0 all "
        "devices are alike, at 1 each does the same every day.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_available > 1:
            raise ConfigError(
                f"available-share {self.available_share:g} with swing {self.swing:g} would have "
                f"{self.most_available:.3g} of the devices available at the best hour; expected at most 1"
            )

    @property
    def amplitude(self) -> float:
        """Of the curve's cosine, as a part of its mean: (s − 1) / (s + 1) has s times as many at the peak."""
        return (self.swing - 1) / (self.swing + 1)

    @property
    def most_available(self) -> float:
        """Share of the devices of one time zone that are available at its best hour."""
        return self.available_share * (1 + self.amplitude)


@dataclass(frozen=True, kw_only=True)
class SpeedOptions(Checked):
    """How fast devices compute, and how fast their networks are."""

    computing_spread: float = option(
        0.6,
        least=0,
        most=5,
        help="Standard deviation of the logarithm of computing speed: at .6 one device of a hundred is four times "
        "faster than the median, and one four times slower.",
    )
    download_mbit: float = option(20.0, above=0, help="Median download of a device, in Mbit/s.")
    upload_mbit: float = option(5.0, above=0, help="Median upload of a device, in Mbit/s.")
    network_spread: float = option(
        1.0,
        least=0,
        most=5,
        help="Standard deviation of the logarithm of a device's network speed, which its download and its upload "
        "have in common: at 1 one device of a hundred is ten times faster than the median.",
    )
    slow_share: float = option(
        0.0, least=0, most=1, help="Share of the devices that are slower than all this by a factor."
    )
    slow_factor: float = option(10.0, least=1, help="How many times slower those are, in computing and on networks.")


@dataclass(frozen=True, kw_only=True)
class LifetimeOptions(Checked):
    """From when to when devices exist."""

    joining: str = option(
        "start",
        choices=("start", "first-event", "drawn"),
        help="When devices join: all at the start, each at its first event, or at drawn times.",
    )
    joining_days: float = option(
        30.0, above=0, help="Days from the start within which devices join, where that is drawn: equally many each day."
    )
    staying_days: float = option(
        0.0, least=0, help="Mean days after which a device leaves for good, exponentially distributed; 0: none leaves."
    )


@dataclass(frozen=True, kw_only=True)
class PopulationConfig(LifetimeOptions, SpeedOptions, AvailabilityOptions):
    """How a population is drawn, or read; raises ConfigError where a value makes no sense."""

    breaks_per_minute: float = option(
        0.03, least=0, help="How often a device at work breaks off, as a rate per minute, beside the end of its spell."
    )
    trace: str = option(
        "",
        metavar="FILE",
        help="CSV or Parquet file that says when devices may take part, and how fast they are, in place of drawing it. "
        "Default: all is drawn.",
        see="devices-simulation.md#trace-files",
    )
