"""``graft-device record``: what the user did with an item."""

from typing import Annotated

import typer

from client.data.feedback import FeedbackKind
from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def record(
    folder: DeviceFolder,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item's id.")],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When: seconds since 1970 or ISO 8601. Default: now.")
    ] = "",
    kind: Annotated[
        FeedbackKind,
        typer.Option("--kind", help="What they did; clicked, liked and purchased items are the history."),
    ] = FeedbackKind.CLICKED,
    as_json: AsJson = False,
) -> None:
    """Keep what the user did with an item, sealed; a disliked item is not recommended."""
    from client.device.opened_device import open_device
    from client.device.written_moment import seconds_of

    device = open_device(folder)
    device.record(item, seconds_of(at) if at else None, kind)
    events = len(device.events)
    tell({"folder": str(folder), "events": events}, f"{folder}: {events:,} events are kept", as_json=as_json)
