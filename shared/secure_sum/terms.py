"""What a set-up and a sum are about: the coordinator proposes terms, each party checks them, all sign them."""

import math
from dataclasses import dataclass

from shared.errors import ConfigError
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.streams import KEY

MOST_SUMS = 64
MOST_LENGTH = 2**28
LEAST_EXPONENT, MOST_EXPONENT = -64, 64
MOST_CELLS = 2**46
MOST_SPREAD = 1e30


@dataclass(frozen=True, kw_only=True)
class SetupTerms:
    """Keys for several sums ahead; raises ConfigError where a value makes no sense."""

    sums: int
    """how many sums the keys last for"""
    noised: bool = False
    """whether seeds of noise are shared too, without which no sum of the set-up bears noise"""
    security: int = 60
    """sigma: 2^-sigma is the chance that a drawn graph fails to hide a party (shared/secure_sum/graph.py)"""
    correctness: int = 30
    """eta: 2^-eta is the chance that a drawn graph leaves a party with too few holders of its shares"""
    colluding: int = 10
    """percent of a roster that a drawn graph assumes to be the coordinator's"""
    dropping: int = 10
    """percent of a roster that a drawn graph assumes to drop out of a sum"""

    def __post_init__(self) -> None:
        bounds = {"sums": (1, MOST_SUMS), "security": (1, 128), "correctness": (1, 128)}
        bounds |= {"colluding": (1, 33), "dropping": (1, 33)}
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"terms of a set-up: expected {name} of {least} to {most}; got {value}")

    def write(self, writer: Writer) -> None:
        """All fields."""
        for value in (self.sums, self.noised, self.security, self.correctness, self.colluding, self.dropping):
            writer.number("B", value)

    @classmethod
    def read(cls, reader: Reader) -> "SetupTerms":
        """The inverse of ``write``; raises WireError."""
        sums, noised = reader.number("B"), bool(reader.number("B", most=1))
        security, correctness, colluding, dropping = (reader.number("B") for _ in range(4))
        try:
            return cls(
                sums=sums,
                noised=noised,
                security=security,
                correctness=correctness,
                colluding=colluding,
                dropping=dropping,
            )
        except ConfigError as error:
            raise reader.wrong("terms of a set-up within bounds", "others") from error


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Gaussian noise for a sum; raises ConfigError where a value makes no sense."""

    spread: float
    """its least standard deviation in the sum, in the unit of the values"""
    colluding: int = 0
    """parties whose noise the coordinator may know and take off: the others' alone has the spread"""

    def __post_init__(self) -> None:
        if not (1 / MOST_SPREAD <= self.spread <= MOST_SPREAD and 0 <= self.colluding < 2**16):
            expected = f"a spread of {1 / MOST_SPREAD:g} to {MOST_SPREAD:g} and colluding parties from 0 on"
            raise ConfigError(f"noise of a sum: expected {expected}; got {self.spread:g} and {self.colluding}")


@dataclass(frozen=True, kw_only=True)
class SumTerms:
    """One sum of vectors in fixed point; raises ConfigError where a value makes no sense."""

    length: int
    """P, numbers of a vector"""
    exponent: int
    """a cell is 2^exponent wide"""
    most: int
    """cells: the largest size of a party's number"""
    noise: Noise | None = None
    about: bytes = bytes(KEY)
    """digest of what the vectors are of: masks of parties that were told different ones do not cancel out"""

    def __post_init__(self) -> None:
        bounds = {"length": (1, MOST_LENGTH), "most": (1, MOST_CELLS)}
        bounds["exponent"] = (LEAST_EXPONENT, MOST_EXPONENT)
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"terms of a sum: expected {name} of {least} to {most}; got {value}")
        if len(self.about) != KEY:
            raise ConfigError(f"terms of a sum: expected about of {KEY} bytes; got {len(self.about)}")

    @property
    def bound(self) -> float:
        """The largest size of a party's number."""
        return math.ldexp(float(self.most), self.exponent)

    def write(self, writer: Writer) -> None:
        """All fields."""
        writer.number("I", self.length).number("h", self.exponent).number("Q", self.most)
        noise = self.noise
        writer.number("d", noise.spread if noise else 0.0).number("H", noise.colluding if noise else 0).raw(self.about)

    @classmethod
    def read(cls, reader: Reader) -> "SumTerms":
        """The inverse of ``write``; raises WireError."""
        length, exponent, most = reader.number("I"), reader.number("h", LEAST_EXPONENT), reader.number("Q")
        spread, colluding, about = reader.real(), reader.number("H"), reader.raw(KEY)
        try:
            noise = Noise(spread=spread, colluding=colluding) if spread or colluding else None
            return cls(length=length, exponent=exponent, most=most, noise=noise, about=about)
        except ConfigError as error:
            raise reader.wrong("terms of a sum within bounds", "others") from error
