"""``graft-device join``: let a device be enrolled by a coordinator."""

import os
from pathlib import Path
from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from client.joined.home import JoinedSettings
from shared.privacy.promise import LEAST_DEVICES
from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options

PRIVATE = 0o077
"""the umask under which a device's files are written"""


@with_options
def join(
    folder: DeviceFolder,
    ca: Annotated[Path, typer.Option("--ca", metavar="FILE", help="The coordinator's ca.crt.")],
    settings: JoinedSettings,
    least_devices: Annotated[
        int, typer.Option("--least-devices", min=2, help="Devices of a sum below which this one gives nothing.")
    ] = LEAST_DEVICES,
    as_json: AsJson = False,
) -> None:
    """Make what rounds need: a key pair, a policy and settings; print the line that enrols this device."""
    from client.agent.new_agent import enrolment_line
    from client.guard.device_policy import DevicePolicy
    from client.joined import joining

    os.umask(PRIVATE)
    home = joining.join(folder, settings, ca, DevicePolicy(least_parties=least_devices))
    enrolment = enrolment_line(home, settings)
    document = {"folder": str(folder), "public_key": str(home.public_key), "enrolment": enrolment}
    lines = (
        f"{folder}: the device {settings.name}; its private key stays here",
        f"what may leave stands in {home.policy}: its part of sums over {least_devices} devices or more",
        f"send {home.public_key} to the coordinator, who runs:\n  {enrolment}",
    )
    tell(document, "\n".join(lines), as_json=as_json)
