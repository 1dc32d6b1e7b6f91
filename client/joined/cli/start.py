"""``graft-device start`` and ``stop``: take part in rounds while the conditions hold, and end that."""

import os
import sys
from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from client.joined.cli.join import PRIVATE
from shared.system.answer import AsJson, tell
from shared.system.log_format import HELP, TEXT, checked_format
from shared.system.progress import shown, working

LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=HELP)]


def start(
    folder: DeviceFolder,
    background: Annotated[bool, typer.Option("--background", help="Return once the device runs.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Take part in rounds while the device is charged, idle and on an allowed network; else rest.

    What works on a task is started for it and ends with it.
    """
    from client.joined.home import JoinedHome
    from client.joined.keeping import supervision
    from client.joined.preparing import prepare

    os.umask(PRIVATE)
    form, home = checked_format(log_format), JoinedHome.joined(folder)
    supervisor = supervision(home)
    supervisor.require_none()
    if background:
        words = ("-m", "client.joined.cli.main", "start", str(home.device.folder), "--log-format", form)
        with shown("start"), working("until the device runs"):
            process = supervisor.start(words, bool)
        typer.echo(f"the device runs as process {process}")
        return
    with shown("start"), working("looking at policy, keys, vault and pack"):
        news = prepare(home)
    if news:
        typer.echo(news)
    sys.stdout.flush()
    keeping = ("-P", "-m", "client.joined.keeping", str(home.device.folder), form)
    os.execv(sys.executable, [sys.executable, *keeping])  # noqa: S606 (what was loaded to prepare is left behind)


def stop(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """Take part in no round from now on."""
    from client.joined.home import JoinedHome
    from client.joined.keeping import supervision

    done = supervision(JoinedHome.joined(folder)).stop()
    tell({"folder": str(folder), "done": done}, done, as_json=as_json)
