"""``graft-device status`` and ``audit``: how a device stands, what it holds, what left it."""

from datetime import UTC, datetime

from client.device.cli.arguments import DeviceFolder
from client.device.home import DeviceHome
from shared.system.answer import AsJson, tell


def status(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """Say which pack the device has, whose, what it knows of its user, and how it stands in rounds."""
    from client.device import inventory
    from client.joined.home import JoinedHome

    standing = inventory.status(folder)
    packed_at = datetime.fromtimestamp(standing["made"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"pack: version {standing['version']} of {packed_at}, {standing['items']:,} items, {standing['bytes']:,} bytes",
        f"signed by: {standing['platform_key']}",
        f"encoder: {standing['encoder'] or 'none'}",
        f"history: {standing['events']:,} events, {standing['other_feedback']:,} other reports",
        f"head: {'learnt here' if standing['head'] else 'none yet'}",
    ]
    joined = JoinedHome.of(DeviceHome.existing(folder))
    if joined.settings.is_file():
        from client.joined.rounds_told import rounds, rounds_lines

        standing["rounds"] = rounds(joined)
        lines += rounds_lines(standing["rounds"])
    tell(standing, "\n".join(lines), as_json=as_json)


def audit(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """List what the device holds, sealed and plain, and all that left it."""
    from client.device import inventory
    from client.joined.home import JoinedHome
    from client.joined.rounds_told import left

    joined = JoinedHome.of(DeviceHome.existing(folder))
    holdings = {**inventory.audit(folder), "answers": left(joined)}
    lines = inventory.audit_lines(holdings)
    if holdings["answers"]:
        lines = [
            *(line for line in lines if line != inventory.NOTHING),
            *(f"left: {each}" for each in holdings["answers"]),
        ]
    tell(holdings, "\n".join(lines), as_json=as_json)
