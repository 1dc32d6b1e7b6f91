"""What a scheme for secure sums is to those who use it: terms, contributions, a result; its stages are its own.

A scheme in which each party sends one message and a committee of helpers opens the sum (OPA: Karthikeyan and
Polychroniadou 2024) fits behind the same two sides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.secure_sum.terms import SumTerms

Float64 = NDArray[np.float64]
Contribution = Callable[[SumTerms], Float64]
"""Gives a party's vector [P] for the terms of a sum; raises an error of ours where none is to leave."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SumResult:
    """What a coordinator learns."""

    terms: SumTerms
    cells: NDArray[np.int64]
    """[P] the sum in cells, with the noise that is in it"""
    values: Float64
    """[P] what the cells stand for"""
    survivors: tuple[str, ...]
    """parties whose vectors are in the sum"""
    noise_variance: float
    """variance of the noise in each number, in the unit of the values squared; at least what was asked for"""
    beside: tuple[str, ...]
    """parties that gave, or were dealt, a share that does not fit"""


class PartySide(Protocol):
    """One party."""

    def answer(self, message: bytes, contribution: Contribution) -> bytes:
        """The answer to a message of the coordinator.

        What ``to_bytes`` gives afterwards is to be on the disk before the answer leaves.

        Args:
            message: as it came.
            contribution: asked for the vector, where the message asks for one.

        Returns:
            The answer; the same bytes where the message comes again.

        Raises:
            WireError: if the bytes are no message.
            SumRefused: if this party does not take the step.
        """
        ...

    def to_bytes(self) -> bytes:
        """Its state, which holds secrets."""
        ...


class CoordinatorSide(Protocol):
    """The coordinator: first the set-up, then one sum after another."""

    def begin(self, terms: SumTerms) -> None:
        """Begin a sum, once nothing is outgoing; raises ConfigError for terms that cannot be."""
        ...

    def outgoing(self) -> Mapping[str, bytes]:
        """Messages for the parties that have not answered in this stage; none where set-up or sum is done."""
        ...

    def take(self, party: str, message: bytes) -> None:
        """Take a party's answer.

        Args:
            party: name of the one that sent it.
            message: as it came.

        Raises:
            WireError: if it is not what this stage asks of the party.
        """
        ...

    @property
    def missing(self) -> tuple[str, ...]:
        """Parties that have not answered in this stage."""
        ...

    def close(self) -> None:
        """End the stage with those who answered; raises SumFailed where they are too few."""
        ...

    @property
    def result(self) -> SumResult | None:
        """Of the sum that was done last."""
        ...

    def to_bytes(self) -> bytes:
        """Its state, which holds no party's secret that was not given for a sum to be opened."""
        ...
