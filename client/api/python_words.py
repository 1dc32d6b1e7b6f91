"""What Graft tells a Python program to say: parameters in the place of a command's flags."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import GraftError

_SWITCHES = r"--(force|resume|no-time|keep-unknown-items)\b"
_MAPPED = r"--map (?P<pairs>[\w.]+=[\w+]+(?:,[\w.]+=[\w+]+)*)"
_VALUED = r"--(?P<name>time-format|times|decimal) (?P<value>'[^']*'|\w+|,)"
_FLAG = r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)"


@contextmanager
def in_python_words() -> Iterator[None]:
    """Inside, an error of Graft says ``force=True`` where a command's would say ``--force``, and the like."""
    try:
        yield
    except GraftError as error:
        error.args = (python_words(str(error)), *error.args[1:])
        raise


def python_words(sentence: str) -> str:
    """The sentence with keyword arguments in the place of flags."""
    mapped = re.sub(_MAPPED, lambda flag: f"map={_pairs(flag['pairs'])!r}", sentence)
    valued = re.sub(_VALUED, lambda flag: f"{_name(flag['name'])}={flag['value'].strip(chr(39))!r}", mapped)
    switched = re.sub(_SWITCHES, lambda flag: f"{_name(flag[1])}=True", valued)
    return re.sub(_FLAG, lambda flag: _name(flag[1]), switched.replace("--items FILE", "items=FRAME"))


def _pairs(written: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in written.split(","))


def _name(flag: str) -> str:
    return flag.replace("-", "_")
