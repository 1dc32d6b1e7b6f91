"""The linear part: a matrix between history vectors and next items, solved exactly from moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InputError

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Sums over n pairs of a history vector q and the next item's vector y, both [D] of length 1.

    They add up: the moments of several platforms are the sum of theirs, and a platform that leaves is
    subtracted. They are data about users and leave a platform only in a moments round.
    """

    A: Float64
    """[D, D] sum of q qᵀ"""
    B: Float64
    """[D, D] sum of q yᵀ"""
    C: Float64
    """[D, D] sum of y yᵀ"""
    sum_q: Float64
    """[D]"""
    sum_y: Float64
    """[D]"""
    n: float
    """number of pairs; a float because sums may be weighted, masked or noised"""

    @classmethod
    def zero(cls, dim: int) -> "Moments":
        """The moments of no pair."""
        square, vector = np.zeros((dim, dim)), np.zeros(dim)
        return cls(A=square, B=square.copy(), C=square.copy(), sum_q=vector, sum_y=vector.copy(), n=0.0)

    @property
    def dim(self) -> int:
        """D."""
        return len(self.sum_q)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            A=self.A + other.A,
            B=self.B + other.B,
            C=self.C + other.C,
            sum_q=self.sum_q + other.sum_q,
            sum_y=self.sum_y + other.sum_y,
            n=self.n + other.n,
        )

    def __sub__(self, other: "Moments") -> "Moments":
        return self + other.scaled(-1.0)

    def scaled(self, weight: float) -> "Moments":
        """Every sum times ``weight``: as if each pair counted that often."""
        return Moments(
            A=weight * self.A,
            B=weight * self.B,
            C=weight * self.C,
            sum_q=weight * self.sum_q,
            sum_y=weight * self.sum_y,
            n=weight * self.n,
        )

    @staticmethod
    def flat_size(dim: int) -> int:
        """Length of the flat form: two triangles, one square, two vectors, n."""
        return dim * (dim + 1) + dim * dim + 2 * dim + 1

    def to_flat(self) -> Float64:
        """[flat_size(D)]: upper triangle of A, B, upper triangle of C, sum_q, sum_y, n."""
        upper = np.triu_indices(self.dim)
        squares = [self.A[upper], self.B.reshape(-1), self.C[upper]]
        return np.concatenate([*squares, self.sum_q, self.sum_y, np.array([self.n])], dtype=np.float64)

    @classmethod
    def from_flat(cls, flat: NDArray[Any], dim: int) -> "Moments":
        """The inverse of ``to_flat``.

        Args:
            flat: float64 [flat_size(D)], in the order of ``to_flat``.
            dim: D.

        Returns:
            The moments, as copies.

        Raises:
            ValueError: if ``flat`` has another length or dtype.
        """
        if flat.shape != (cls.flat_size(dim),) or flat.dtype != np.float64:
            expected = f"float64 [{cls.flat_size(dim)}]"
            raise ValueError(f"flat moments must be {expected}; got {flat.dtype} {list(flat.shape)}")
        triangle = dim * (dim + 1) // 2
        a, b, c, sum_q, sum_y, n = np.split(flat, np.cumsum([triangle, dim * dim, triangle, dim, dim]))
        return cls(
            A=_symmetric(a, dim),
            B=b.reshape(dim, dim).copy(),
            C=_symmetric(c, dim),
            sum_q=sum_q.copy(),
            sum_y=sum_y.copy(),
            n=float(n[0]),
        )


def _symmetric(triangle: Float64, dim: int) -> Float64:
    square = np.zeros((dim, dim))
    square[np.triu_indices(dim)] = triangle
    return square + np.triu(square, 1).T


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearMap:
    """The linear part: score(q, i) = (q − mean_q) · W · (x_i − mean_y). All float32."""

    W: NDArray[np.float32]
    """[D, D]"""
    mean_q: NDArray[np.float32]
    """[D]"""
    mean_y: NDArray[np.float32]
    """[D]"""

    @classmethod
    def zero(cls, dim: int) -> "LinearMap":
        """The map of an encoder whose moments round is still to come: every score is 0."""
        vector = np.zeros(dim, np.float32)
        return cls(W=np.zeros((dim, dim), np.float32), mean_q=vector, mean_y=vector.copy())

    def scores(self, queries: NDArray[np.float32], items: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores of items for histories.

        Args:
            queries: history vectors [B, D].
            items: item vectors [n, D].

        Returns:
            [B, n] float32.
        """
        mapped = self.mapped(queries)
        scores = mapped @ items.T
        scores -= (mapped @ self.mean_y)[:, None]
        return np.asarray(scores, np.float32)

    def mapped(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """[B, D] whose products with items are the scores of history vectors [B, D], but for a constant of each."""
        return np.asarray((queries - self.mean_q) @ self.W, np.float32)


RIDGE_PAIRS, LEAST_RIDGE, MOST_RIDGE = 10_000, 0.05, 1.0


def usual_ridge(pairs: float) -> float:
    """10,000 / pairs, within .05 and 1: the fewer pairs, the less their directions are believed (decisions/0009)."""
    return float(np.clip(RIDGE_PAIRS / pairs, LEAST_RIDGE, MOST_RIDGE))


def solve(moments: Moments, ridge: float = 0.0) -> LinearMap:
    """W = (A + λI)⁻¹ B (C + λI)⁻¹ on centred second moments, λ = ridge × the matrix's mean eigenvalue.

    The form of regularised canonical correlation analysis (Hardoon et al. 2004).

    Args:
        moments: of one pair at least.
        ridge: share of each matrix's mean eigenvalue that is added to its diagonal; 0 stands for ``usual_ridge``.

    Returns:
        The map; its means are those of the moments.

    Raises:
        InputError: if the moments are of no pair or not of any data (not finite, not positive definite).
    """
    centred = _Centred.of(moments)
    return centred.map(np.zeros_like(centred.cross), ridge or usual_ridge(moments.n))


def solve_all(moments: Mapping[str, Moments], *, ridge: float, weights: Mapping[str, float] | None = None) -> LinearMap:
    """The linear part of these platforms' summed moments, in the order of names.

    Args:
        moments: by platform's name.
        ridge: as ``solve`` takes it; 0 stands for ``usual_ridge``.
        weights: how often each platform's moments count, by name; None: each counts once.

    Returns:
        The map of the sum.

    Raises:
        InputError: if there are no moments, or none that can be solved.
    """
    if not moments:
        raise InputError("expected moments of at least one platform; got none")
    counted = [moments[name] if weights is None else moments[name].scaled(weights[name]) for name in sorted(moments)]
    return solve(sum(counted, Moments.zero(counted[0].dim)), ridge)


def joined(received: LinearMap, own_moments: Moments, weight: float) -> LinearMap:
    """A received map moved by own moments.

    W = W₀ + (A + λI)⁻¹ (B − A W₀ C) (C + λI)⁻¹ on own centred second moments, λ = 10,000 / (weight × pairs) × the
    matrix's mean eigenvalue: the own map in directions of which own pairs tell much, the received W₀ where they tell
    little. A map does not say how many pairs stand behind it, so it counts as 10,000.

    Args:
        received: W₀; its means are not used.
        own_moments: of the platform's own pairs, one at least.
        weight: how often each own pair counts, above 0.

    Returns:
        The map; its means are the platform's own.

    Raises:
        InputError: as ``solve``.
    """
    return _Centred.of(own_moments).map(received.W.astype(np.float64), RIDGE_PAIRS / (weight * own_moments.n))


def scaled_to(linear: LinearMap, own_moments: Moments) -> LinearMap:
    """A map whose scale says nothing, times the number with which it explains own moments best.

    c = tr(Wᵀ B) / tr(Wᵀ A W C) on own centred second moments: the least squares of B against A c W C, weighed by them;
    never less than 0.

    Args:
        linear: W and its means.
        own_moments: of the platform's own pairs, one at least.

    Returns:
        The map c W, with the means of ``linear``.

    Raises:
        InputError: if the moments are of no pair or not finite.
    """
    centred, weight = _Centred.of(own_moments), linear.W.astype(np.float64)
    explained = float(np.sum(weight * (centred.cov_q @ weight @ centred.cov_y)))
    scale = max(float(np.sum(weight * centred.cross)), 0.0) / explained if explained > 0 else 0.0
    return LinearMap(W=(scale * weight).astype(np.float32), mean_q=linear.mean_q, mean_y=linear.mean_y)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Centred:
    """Means [D] and centred second moments [D, D] of pairs."""

    mean_q: Float64
    mean_y: Float64
    cov_q: Float64
    cov_y: Float64
    cross: Float64

    @classmethod
    def of(cls, moments: Moments) -> "_Centred":
        """Raises InputError where the moments are of no pair, or not finite."""
        if not moments.n >= 1 or not np.isfinite(moments.to_flat()).all():
            raise InputError(f"moments must be finite and of at least one pair; got n = {moments.n:g}")
        mean_q, mean_y = moments.sum_q / moments.n, moments.sum_y / moments.n
        return cls(
            mean_q=mean_q,
            mean_y=mean_y,
            cov_q=moments.A / moments.n - np.outer(mean_q, mean_q),
            cov_y=moments.C / moments.n - np.outer(mean_y, mean_y),
            cross=moments.B / moments.n - np.outer(mean_q, mean_y),
        )

    def map(self, start: Float64, ridge: float) -> LinearMap:
        """The map ``start`` + (cov_q + λI)⁻¹ (cross − cov_q start cov_y) (cov_y + λI)⁻¹."""
        missing = self.cross - self.cov_q @ start @ self.cov_y if start.any() else self.cross
        left = _ridge_solve(self.cov_q, missing, ridge)
        weight = start + _ridge_solve(self.cov_y, left.T, ridge).T
        return LinearMap(
            W=np.ascontiguousarray(weight, np.float32),
            mean_q=self.mean_q.astype(np.float32),
            mean_y=self.mean_y.astype(np.float32),
        )


def _ridge_solve(square: Float64, right: Float64, ridge: float) -> Float64:
    """(square + λI)⁻¹ right, with a floor so that moments of one single pair can be solved too."""
    from scipy.linalg import cho_factor, cho_solve  # which a device has no need of

    dim = len(square)
    strength = ridge * max(float(np.trace(square)) / dim, 1e-12)
    try:
        factor = cho_factor(square + strength * np.eye(dim))
    except np.linalg.LinAlgError as error:
        raise InputError("moments must be sums over real pairs; these are not positive definite") from error
    solution: Float64 = cho_solve(factor, right)
    return solution
