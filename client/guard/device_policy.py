"""What a device lets leave: one user stands behind its answers."""

from dataclasses import dataclass

from client.guard.site_policy import INTRODUCED, NewParties, SitePolicy, TaskKind
from shared.privacy.promise import LEAST_DEVICES, Privacy
from shared.system.options import option

MODES: tuple[Privacy, ...] = ("masked-private", "masked", "plain")


@dataclass(frozen=True, kw_only=True)
class DevicePolicy(SitePolicy):
    """A site policy of a single user: their change enters sums of many, or nothing leaves."""

    privacy: Privacy = option(
        "masked",
        choices=MODES,
        help="masked-private: what this device learns leaves in sums over many devices alone, under the noise of the "
        "promise; masked: in such sums, with noise or without; plain: as it is, to a process that holds the device.",
    )
    tasks: tuple[str, ...] = option((TaskKind.SUM.value,), help="The tasks that are worked on: sum.")
    minimum_users: int = option(1, least=1, flag="", help="Training users below which nothing about them is told.")
    least_parties: int = option(
        LEAST_DEVICES,
        least=2,
        help="Devices of a sum at the least; by so many differ sums without noise.",
    )
    parties: NewParties = option(
        INTRODUCED,
        choices=(INTRODUCED,),
        help="How this device comes to know the devices that it sums with. introduced: it takes those of each sum as "
        "the coordinator introduces them: nobody could accept thousands by name.",
        see="decisions/0074-devices-join.md",
    )
