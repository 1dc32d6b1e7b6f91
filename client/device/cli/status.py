"""``graft-device status`` and ``audit``: how a device stands, what it holds, what left it."""

from datetime import UTC, datetime

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def status(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """Say which pack the device has, whose, and what it knows of its user."""
    from client.device import inventory

    standing = inventory.status(folder)
    packed_at = datetime.fromtimestamp(standing["made"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"pack: version {standing['version']} of {packed_at}, {standing['items']:,} items, {standing['bytes']:,} bytes",
        f"signed by: {standing['platform_key']}",
        f"encoder: {standing['encoder'] or 'none'}",
        f"history: {standing['events']:,} events, {standing['other_feedback']:,} other reports",
        f"head: {'learnt here' if standing['head'] else 'none yet'}",
    ]
    tell(standing, "\n".join(lines), as_json=as_json)


def audit(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """List what the device holds, sealed and plain, and all that left it."""
    from client.device import inventory

    holdings = inventory.audit(folder)
    tell(holdings, "\n".join(inventory.audit_lines(holdings)), as_json=as_json)
