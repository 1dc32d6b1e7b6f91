"""The sizes in which the sequence part of the encoder exists."""

from dataclasses import dataclass, replace

from shared.system.options import check, option


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The architecture of the sequence part; everything else about training is a setting."""

    name: str
    width: int
    """d, the length of an item's and a history's vector inside the sequence part"""
    hidden: int
    """width of the item tower's hidden layer"""
    layers: int
    """transformer blocks"""
    heads: int
    """attention heads; divides ``width``"""
    length: int
    """L, how many of a history's last items are read"""
    members: int = 1
    """sequence parts of the same form side by side, each with its share of ``width``, ``hidden`` and ``heads``; a score
    is the mean of theirs"""

    @property
    def member(self) -> "Preset":
        """One of the members alone."""
        share = {name: getattr(self, name) // self.members for name in ("width", "hidden", "heads")}
        return replace(self, members=1, **share)


PRESETS = {
    "tiny": Preset(name="tiny", width=16, hidden=32, layers=1, heads=2, length=12),
    "nano": Preset(name="nano", width=32, hidden=64, layers=1, heads=2, length=30),
    "small": Preset(name="small", width=96, hidden=192, layers=2, heads=2, length=50),
    "wide": Preset(name="wide", width=192, hidden=1536, layers=2, heads=4, length=50, members=2),
}
"""``wide`` is for a source with many users of one domain: its item towers have room for single items (decisions/0016),
two of them err in other places (decisions/0021), and it trains four to six times as long as ``small``.

``nano`` is for a student on a device: at 512 inputs it has a sixth of the numbers of ``small`` (64,161 of 390,305),
and does an eighteenth of its work per item of a history. Its id rows, which are most of a head, are a third as long."""


@dataclass(frozen=True, kw_only=True)
class EncoderSize:
    """Of what is trained anew."""

    encoder: str = option("small", choices=tuple(PRESETS), help="Size of the encoder.")

    def __post_init__(self) -> None:
        check(self)
