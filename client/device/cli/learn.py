"""``graft-device learn``: the device's head learns from its own history."""

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def learn(folder: DeviceFolder, as_json: AsJson = False) -> None:
    """Let the device's head learn from its history: a vector for the user, which never leaves."""
    from client.device.opened_device import open_device

    learnt = open_device(folder).learn()
    nothing = "nothing was learnt: the pack has no encoder, or the history has too few events"
    tell({"folder": str(folder), "learnt": learnt}, f"{folder}: {'a head' if learnt else nothing}", as_json=as_json)
