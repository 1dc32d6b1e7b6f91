"""The command ``graft-server``: its commands put together."""

import os
from collections.abc import Callable

from server.cli.backup import backup, restore
from server.cli.cancel import cancel
from server.cli.certificate import renew
from server.cli.dashboard import dashboard
from server.cli.encoder import export
from server.cli.folder_command import FolderCommand
from server.cli.init import init
from server.cli.platforms import enroll, platforms, revoke
from server.cli.release import prune, publish, roll_back
from server.cli.release_keys import refresh, root, rotate
from server.cli.release_shown import list_releases, show, verify
from server.cli.run import run as run_rounds
from server.cli.start import start, stop
from server.cli.status import status
from shared.system.command_options import run_command
from shared.system.program import add_commands, add_group, program

PRIVATE = 0o077
"""the umask under which all is written: nothing is readable for other users of the machine"""

app = program(
    "graft-server", "The coordinator: it admits platforms, runs rounds and holds the encoder; never a platform's data."
)
add_commands(
    app,
    [
        ("init", init),
        ("start", start),
        ("stop", stop),
        ("status", status),
        ("dashboard", dashboard),
        ("enroll", enroll),
        ("revoke", revoke),
        ("platforms", platforms),
        ("run", run_rounds),
        ("cancel", cancel),
        ("backup", backup),
        ("restore", restore),
    ],
    FolderCommand,
)
add_group(app, "certificate", "The server's TLS certificate.", [("renew", renew)], FolderCommand)
add_group(app, "encoder", "The encoder that the platforms improve.", [("export", export)], FolderCommand)
add_group(
    app,
    "release",
    "Signed encoders that platforms may install: graft-server release publish makes the first.",
    [
        ("publish", publish),
        ("list", list_releases),
        ("show", show),
        ("verify", verify),
        ("roll-back", roll_back),
        ("prune", prune),
        ("rotate", rotate),
        ("refresh", refresh),
        ("root", root),
    ],
    FolderCommand,
)


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    os.umask(PRIVATE)
    run_command("graft-server", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
