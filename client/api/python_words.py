"""What an error tells a Python program to say: parameters in the place of a command's flags."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import GraftError

_SWITCHES = r"--(force|resume)\b"
_FLAG = r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)"


@contextmanager
def in_python_words() -> Iterator[None]:
    """Inside, an error of Graft says ``force=True`` where a command's would say ``--force``, and the like."""
    try:
        yield
    except GraftError as error:
        switched = re.sub(_SWITCHES, r"\1=True", str(error))
        error.args = (re.sub(_FLAG, lambda flag: flag[1].replace("-", "_"), switched), *error.args[1:])
        raise
