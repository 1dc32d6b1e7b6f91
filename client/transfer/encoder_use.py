"""What may be chosen about the use of a received encoder, in a simulation and where it is served."""

from dataclasses import dataclass
from typing import Literal, get_args

from shared.system.options import check, option

Teacher = Literal["encoder", "stack"]
PANEL = "How the received encoder may be used"


@dataclass(frozen=True, kw_only=True)
class EncoderUse:
    """Of the methods that train here, ``model`` and ``knowledge``."""

    teacher: Teacher = option(
        "encoder",
        choices=get_args(Teacher),
        panel=PANEL,
        help="Who teaches under knowledge: encoder (the tuned one) or stack.",
    )
    alignment: str = option(
        "off",
        panel=PANEL,
        help="While tuning: off, probe:WEIGHT, coral:WEIGHT or gate, all three compete.",
    )
    moments_weight: float = option(
        0.0,
        least=0,
        panel=PANEL,
        help="How often an own pair counts when model moves the encoder's linear part; 0: it stays.",
    )

    def __post_init__(self) -> None:
        check(self)
