"""How many devices, events and items are drawn."""

from dataclasses import dataclass

from shared.system.options import Checked, option


@dataclass(frozen=True, kw_only=True)
class DrawnSize(Checked):
    """Of devices that nobody has."""

    devices: int = option(10_000, least=1, help="Devices, each with a few events of its own.")
    events: float = option(12.0, least=2, most=1000, help="Mean training events of a device.")
    items: int = option(5_000, least=2, help="Items of the catalogue.")
    dim: int = option(512, least=1, help="Length of an item's vector.")
