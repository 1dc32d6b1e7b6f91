"""When a device takes part in rounds: as its platform's app says that it is charged, idle and on a network for it.

The app writes the state into a file, or has a command print it: JSON with ``charging`` and ``idle`` (true or false),
``battery`` (share that is left, 0 to 1) and ``network`` (a word, as ``unmetered``). What cannot be read, or lacks what
is asked for, keeps the device out of rounds.
"""

import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.system.options import Checked, option

FILE, COMMAND = "file", "command"
_SECONDS = 10.0
"""for a command to print the state"""
_MOST_CHARACTERS = 4096


def _check_source(key: str, text: str) -> None:
    kind, colon, rest = text.partition(":")
    if text and (kind not in (FILE, COMMAND) or not colon or not rest.strip()):
        raise ConfigError(f"{key} must be file:PATH, command:WORDS or empty; got {text!r}")


@dataclass(frozen=True, kw_only=True)
class Conditions(Checked):
    """Of a device's user; raises ConfigError where a value makes no sense."""

    device_state: str = option(
        "",
        metavar="KIND:WHERE",
        check=_check_source,
        help="What says how the device is: file:PATH or command:WORDS, which gives JSON with charging, idle, battery "
        "and network. Empty: the device takes part whenever it runs, within its bytes.",
    )
    only_charging: bool = option(True, flag="", help="Whether it takes part only while it is charged.")
    only_idle: bool = option(True, flag="", help="Whether it takes part only while nobody uses it.")
    least_battery: float = option(0.5, least=0, most=1, flag="", help="Share of the battery below which it does not.")
    networks: tuple[str, ...] = option(
        ("unmetered",), flag="", help="Networks on which it does, as the state calls them; none: on all."
    )
    daily_bytes: int = option(
        50 * 2**20, least=0, flag="", help="Bytes of answers that may leave in a day (UTC); 0 sets no bound."
    )
    look_seconds: float = option(15.0, least=0.5, flag="", help="Between two looks at the state.")

    def obstacle(self, sent_today: int) -> str:
        """Why the device takes no part now, in words; empty where it does.

        Args:
            sent_today: bytes of answers that have left since midnight (UTC).
        """
        if self.daily_bytes and sent_today >= self.daily_bytes:
            return f"{sent_today:,} bytes have left today, of {self.daily_bytes:,} that may"
        if not self.device_state:
            return ""
        try:
            return self._unmet(_read_state(self.device_state))
        except (ConfigError, ValueError, OSError, subprocess.SubprocessError) as error:
            return f"its state cannot be read from {self.device_state}: {error}"

    def _unmet(self, state: Mapping[str, Any]) -> str:
        """The first condition that does not hold."""
        if self.only_charging and state.get("charging") is not True:
            return "it is not charged now"
        if self.only_idle and state.get("idle") is not True:
            return "it is in use"
        battery = state.get("battery")
        if self.least_battery and not (isinstance(battery, int | float) and battery >= self.least_battery):
            return f"less than {self.least_battery:.0%} of its battery is left, or nothing says how much"
        if self.networks and state.get("network") not in self.networks:
            return f"it is on no network of {', '.join(self.networks)}"
        return ""


def _read_state(source: str) -> Mapping[str, Any]:
    """Raises ConfigError, ValueError, OSError or SubprocessError where there is none."""
    kind, _, rest = source.partition(":")
    text = Path(rest).read_text("utf-8") if kind == FILE else _printed(rest)
    state = json.loads(text[:_MOST_CHARACTERS])
    if not isinstance(state, dict):
        raise ConfigError("expected a JSON object")
    return state


def _printed(words: str) -> str:
    done = subprocess.run(
        shlex.split(words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=True
    )
    return done.stdout
