"""The command ``graft-server``: its commands put together."""

import os
from collections.abc import Callable

import typer

from server.cli.backup import backup, restore
from server.cli.cancel import cancel
from server.cli.certificate import renew
from server.cli.dashboard import dashboard
from server.cli.encoder import export
from server.cli.init import init
from server.cli.platforms import enroll, platforms, revoke
from server.cli.run import run as run_rounds
from server.cli.start import start, stop
from server.cli.status import status
from shared.system.command_options import OptionsCommand, run_command

PRIVATE = 0o077
"""the umask under which all is written: nothing is readable for other users of the machine"""

app = typer.Typer(
    name="graft-server",
    help="The coordinator: it admits platforms, runs rounds and holds the encoder; never a platform's data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
certificates = typer.Typer(help="The server's TLS certificate.", no_args_is_help=True)
encoders = typer.Typer(help="The encoder that the platforms improve.", no_args_is_help=True)
certificates.command()(renew)
encoders.command()(export)
app.add_typer(certificates, name="certificate")
app.add_typer(encoders, name="encoder")
app.command("run", cls=OptionsCommand)(run_rounds)
for command in (init, enroll, revoke, platforms, start, stop, cancel, status, dashboard, backup, restore):
    app.command()(command)


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    os.umask(PRIVATE)
    run_command("graft-server", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
