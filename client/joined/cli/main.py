"""The command ``graft-device``: its commands put together."""

from collections.abc import Callable

from client.device.cli.init import init
from client.device.cli.learn import learn
from client.device.cli.recommend import recommend
from client.device.cli.record import record
from client.device.cli.update import update
from client.joined.cli.delete_all import delete_all
from client.joined.cli.join import join
from client.joined.cli.start import start, stop
from client.joined.cli.status import audit, status
from shared.system.command_options import run_command
from shared.system.program import add_commands, program

app = program(
    "graft-device",
    "One user's side of Graft: a platform's signed catalogue pack, lists made on the device, and what the user did, "
    "sealed in the device's folder. Nothing of it is sent but, where the device joins, its part of sums over many.",
)
add_commands(
    app,
    [
        ("init", init),
        ("record", record),
        ("recommend", recommend),
        ("learn", learn),
        ("update", update),
        ("join", join),
        ("start", start),
        ("stop", stop),
        ("status", status),
        ("audit", audit),
        ("delete-all", delete_all),
    ],
)


def run(command: Callable[[], None]) -> None:
    """Run a command; an error raised on purpose ends as one sentence on stderr and exit code 2."""
    run_command("graft-device", command)


def main() -> None:
    """The entry point."""
    run(app)


if __name__ == "__main__":
    main()
