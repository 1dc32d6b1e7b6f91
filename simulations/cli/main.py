"""The command ``graft-sim``: its commands put together."""

import sys

from shared.errors import GraftError, InputError
from shared.system.program import add_commands, program
from simulations.cli.benchmark import benchmark
from simulations.cli.compare import compare
from simulations.cli.devices import devices
from simulations.cli.export import export
from simulations.cli.plan import plan
from simulations.cli.report import report
from simulations.cli.run import run
from simulations.cli.world import world
from simulations.run.termination import RunStopped

app = program("graft-sim", "Run whole federations on one machine and report what transfer was worth.")
add_commands(
    app,
    [
        ("run", run),
        ("devices", devices),
        ("report", report),
        ("compare", compare),
        ("export", export),
        ("benchmark", benchmark),
        ("plan", plan),
        ("world", world),
    ],
)

_INPUT, _FAILED, _INTERRUPTED = 2, 1, 130
"""Exit codes; the last is that of a program ended by Ctrl-C."""


def main() -> None:
    """The command; bad input is one sentence and exit code 2."""
    try:
        app()
    except RunStopped as stopped:
        sys.exit(_say(str(stopped), stopped.code))
    except KeyboardInterrupt:
        sys.exit(_say("stopped", _INTERRUPTED))
    except InputError as error:
        sys.exit(_say(f"graft-sim: {error}", _INPUT))
    except GraftError as error:
        sys.exit(_say(f"graft-sim: {error}", _FAILED))


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code
