"""Where encoders are trained and score: on the CPU, or on a GPU that torch sees by CUDA.

Every random number is drawn on the CPU, so that both see the same draws; every file holds numbers of the CPU.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from shared.errors import ConfigError
from shared.system.options import Checked, option

Device = Literal["cpu", "cuda"]
CPU: Device = "cpu"
CUDA: Device = "cuda"
AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class ComputeDevice(Checked):
    """Of everything that trains an encoder, or scores by one."""

    device: str = option(
        AUTO,
        choices=(AUTO, *get_args(Device)),
        help="Where encoders are trained and score, and sentences are read: cpu, cuda, or auto: cuda where there is "
        "one, else cpu.",
        see="device.md",
    )


def used_device(choice: str) -> Device:
    """The device that a choice comes to on this machine.

    Args:
        choice: as of ``ComputeDevice``.

    Returns:
        What torch calls it.

    Raises:
        ConfigError: if ``cuda`` is asked for where torch sees none.
    """
    if choice == CPU:
        return CPU
    import torch  # seconds, for which no command that only reads its options shall wait

    if torch.cuda.is_available():
        return CUDA
    if choice == CUDA:
        raise ConfigError(f"device cuda needs a GPU that torch {torch.__version__} can use; it sees none here")
    return CPU
