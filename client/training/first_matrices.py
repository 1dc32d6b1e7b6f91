"""The first matrices of the item tower, which each device of a cohort changes, held by the items that change them.

A gradient step adds to such a matrix W a product of what came back to an item's outputs and the item's vector x, so
after some steps it is W + Σ c xᵀ over the items of these steps. What it makes of an item y is W y + Σ c (x · y): the
products x · y are the same for all devices where x and y are negatives, and few where one is of a device's history. So
no device needs a matrix of its own, which for D inputs has many more numbers than a step has items (the dual form of a
linear layer's gradient descent; Irie et al. 2022). A bias is the column of a further input that is 1 for each item.

K devices, T + 1 events, m negatives of a step, S steps, n items, D inputs, w outputs, o of them a matrix's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True, eq=False, kw_only=True)
class FirstMatrix:
    """One of them, with the bias that is added to its outputs."""

    name: str
    bias: str
    weight: torch.Tensor
    """[o, D]"""
    bias_values: torch.Tensor
    """[o]"""
    right: torch.Tensor | None
    """A [r, D] where B A is trained in place of all numbers"""


class FirstMatrices:
    """What all devices of a round have in common: what the encoder's matrices make of items, and how items are alike.

    Args:
        matrices: whose outputs stand side by side, in this order.
        vectors: [n, D] inputs of the catalogue.
        negatives: [S, m] rows of the catalogue.
    """

    def __init__(self, matrices: Sequence[FirstMatrix], vectors: torch.Tensor, negatives: torch.Tensor) -> None:
        self.negatives = negatives
        self.outputs = torch.cat(
            [torch.addmm(matrix.bias_values, vectors, matrix.weight.T) for matrix in matrices], dim=1
        )
        self.sides = [_Side(group, vectors, negatives) for group in _alike(matrices)]

    def begun(self, items: torch.Tensor) -> "ChangedMatrices":
        """No change yet, of devices with these events [K, T + 1]."""
        return ChangedMatrices(self, items)

    @cached_property
    def names(self) -> frozenset[str]:
        """Of all arrays that are held so."""
        return frozenset(name for side in self.sides for matrix in side.matrices for name in (matrix.name, matrix.bias))


class _Side:
    """Matrices that see the same of an item's vector x: all of it, or A x; with the input that is 1."""

    def __init__(self, matrices: Sequence[FirstMatrix], vectors: torch.Tensor, negatives: torch.Tensor) -> None:
        self.matrices = matrices
        (right,) = {id(matrix.right): matrix.right for matrix in matrices}.values()
        seen = vectors if right is None else vectors @ right.T
        self.seen = torch.cat([seen, torch.ones_like(seen[:, :1])], 1)
        self.drawn = self.seen[negatives.flatten()]
        self.among_drawn = self.drawn @ self.drawn.T
        self.longest = torch.linalg.matrix_norm(self.drawn, 2)
        self.widths = [len(matrix.weight) for matrix in matrices]


class ChangedMatrices:
    """What some devices have made of the matrices: c of each event [K, T + 1, w] and of each negative [S m, K, w]."""

    def __init__(self, matrices: FirstMatrices, items: torch.Tensor) -> None:
        self._matrices, self._drawn = matrices, matrices.negatives.shape[1]
        self._start = matrices.outputs[items]
        self._parts = [_ChangedSide(side, items) for side in matrices.sides]

    def outputs(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """What the devices' matrices make of their events and of the step's negatives.

        Args:
            step: its number, from 0; the changes are those of all steps before.

        Returns:
            [K, T + 1, w] and [m, K, w].
        """
        others = self._matrices.outputs[self._matrices.negatives[step]][:, None]
        if step == 0:
            return self._start, others.expand(-1, len(self._start), -1)
        first = step * self._drawn
        moved = [part.moved(first, slice(first, first + self._drawn)) for part in self._parts]
        own, drawn = (torch.cat(side, -1) for side in zip(*moved, strict=True))
        return self._start + own, others + drawn

    def take(self, step: int, rate: float, proximal: float, own: torch.Tensor, others: torch.Tensor) -> None:
        """Take a step of gradient descent.

        Args:
            step: its number.
            rate: of learning.
            proximal: strength of the term that draws it to the encoder.
            own: [K, T + 1, w] gradients of the outputs of events.
            others: [m, K, w] of those of negatives.
        """
        widths = [sum(part.side.widths) for part in self._parts]
        first = step * self._drawn
        for part, of_own, of_others in zip(
            self._parts, torch.split(own, widths, -1), torch.split(others, widths, -1), strict=True
        ):
            stepped(part.own, of_own, rate, proximal)
            if proximal:
                part.others[:first].mul_(1 - rate * proximal)
            torch.mul(of_others, -rate, out=part.others[first : first + self._drawn])

    def each(self) -> dict[str, torch.Tensor]:
        """By name what each device's array changed by, [K, ...]."""
        return {name: value for part in self._parts for name, value in part.of(part.each()).items()}

    def total(self, shares: torch.Tensor) -> dict[str, torch.Tensor]:
        """By name the sum over the devices, each by its share of [K]."""
        return {name: value for part in self._parts for name, value in part.of(part.total(shares)).items()}

    def squares(self) -> torch.Tensor:
        """[K] squared lengths of all these changes."""
        return torch.stack([part.squares() for part in self._parts]).sum(0)

    def squares_at_most(self) -> torch.Tensor:
        """[K] what ``squares`` does not exceed, in a fraction of its time."""
        return torch.stack([part.squares_at_most() for part in self._parts]).sum(0)


class _ChangedSide:
    def __init__(self, side: _Side, items: torch.Tensor) -> None:
        self.side = side
        self._seen = side.seen[items]
        self._among_own = self._seen @ self._seen.transpose(1, 2)
        self._between = self._seen @ side.drawn.T
        count, width = len(items), sum(side.widths)
        self.own = self._seen.new_zeros(*items.shape, width)
        self.others = self._seen.new_zeros(len(side.drawn), count, width)

    def moved(self, until: int, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """What the changes by events and by the negatives before ``until`` add to outputs.

        Args:
            until: row of the round's negatives, step after step.
            rows: of the negatives whose outputs are asked for.

        Returns:
            [K, T + 1, w] of events and [rows, K, w] of negatives.
        """
        before = self.others[:until]
        own = torch.bmm(self._among_own, self.own).baddbmm(self._between[:, :, :until], before.transpose(0, 1))
        others = torch.bmm(self._between[:, :, rows].transpose(1, 2), self.own).transpose(0, 1)
        return own, others + (self.side.among_drawn[rows, :until] @ before.flatten(1)).view_as(others)

    def each(self) -> torch.Tensor:
        """[K, w, inputs]."""
        count, width = self.others.shape[1:]
        of_others = self.others.permute(1, 2, 0).reshape(count * width, -1) @ self.side.drawn
        return torch.baddbmm(of_others.view(count, width, -1), self.own.transpose(1, 2), self._seen)

    def total(self, shares: torch.Tensor) -> torch.Tensor:
        """[w, inputs] of all devices together."""
        own = (self.own * shares[:, None, None]).flatten(0, 1)
        others = (self.others * shares[None, :, None]).sum(1)
        return own.T @ self._seen.flatten(0, 1) + others.T @ self.side.drawn

    def squares(self) -> torch.Tensor:
        """[K] tr(Cᵀ G C), with C what stands for all items and G their products."""
        own, others = self.moved(len(self.others), slice(None))
        return (self.own * own).sum((1, 2)) + (self.others * others).sum((0, 2))

    def squares_at_most(self) -> torch.Tensor:
        """[K] by the largest singular values of the items' vectors: |Xᵀ C| ≤ σ |C|."""
        own = self._among_own.abs().sum(2).amax(1).sqrt() * self.own.flatten(1).norm(dim=1)
        others = self.side.longest * torch.linalg.vector_norm(self.others, dim=(0, 2))
        total: torch.Tensor = (own + others).square()
        return total

    def of(self, changes: torch.Tensor) -> dict[str, torch.Tensor]:
        """By name, out of [..., w, inputs]: of each matrix its numbers, and the last input's as its bias."""
        named: dict[str, torch.Tensor] = {}
        for matrix, part in zip(self.side.matrices, torch.split(changes, self.side.widths, -2), strict=True):
            named |= {matrix.name: part[..., :-1], matrix.bias: part[..., -1]}
        return named


def stepped(change: torch.Tensor, gradient: torch.Tensor, rate: float, proximal: float) -> None:
    """Take a step of gradient descent, in place.

    Args:
        change: what an array changed by so far.
        gradient: of the same shape.
        rate: of learning.
        proximal: strength of the term that draws it to the encoder.
    """
    if proximal:
        change.mul_(1 - rate * proximal)
    change.sub_(gradient, alpha=rate)


def _alike(matrices: Sequence[FirstMatrix]) -> list[list[FirstMatrix]]:
    """Those that train all their numbers together; each other one alone."""
    whole = [matrix for matrix in matrices if matrix.right is None]
    return [group for group in (whole, *([matrix] for matrix in matrices if matrix.right is not None)) if group]
