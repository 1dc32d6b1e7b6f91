"""``graft-device status`` and ``audit``: how a device stands, what it holds, what left it."""

from datetime import UTC, datetime

from client.device_cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def status(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """Say which pack the device has, whose, and what it knows of its user."""
    from client.device import inventory

    found = inventory.status(folder)
    made = datetime.fromtimestamp(found["made"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"pack: version {found['version']} of {made}, {found['items']:,} items, {found['bytes']:,} bytes",
        f"signed by: {found['platform_key']}",
        f"encoder: {found['encoder'] or 'none'}",
        f"history: {found['events']:,} events, {found['other_feedback']:,} other reports",
        f"head: {'learnt here' if found['head'] else 'none yet'}",
    ]
    tell(found, "\n".join(lines), as_json=as_json)


def audit(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """List what the device holds, sealed and plain, and all that left it."""
    from client.device import inventory

    found = inventory.audit(folder)
    tell(found, "\n".join(inventory.audit_lines(found)), as_json=as_json)
