"""How a command ends: bad input is one sentence on stderr and exit code 2, never a traceback."""

import sys
from collections.abc import Callable

import typer

from shared.errors import GraftError

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
