"""The linear part as a cross moment, which may leave a platform under noise, and the map that a receiver makes of it.

Let q be a history vector and y the next item's, both of length 1. S and m are covariance and mean of a catalogue's item
vectors: public, since no user and no event has a part in them. A platform releases N, the sum over its users of
Σ R (q − m) (R (y − m))ᵀ with R = (S + .1 s̄ I)^-¼ and s̄ the mean eigenvalue of S. Each user's sum is brought to length 1
first, so that nobody moves N by more than 1; N is made symmetric and bears noise (docs/decisions/0038). The encoder
carries B = R⁻¹ N R⁻¹ of length 1. Who receives it solves a map with the covariance of the catalogue that it is for.

D feature dim, T = D (D + 1) / 2.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.encoder.linear import LinearMap, Moments, scaled_to
from shared.errors import InputError

Float64 = NDArray[np.float64]
POWER, FLOOR = -0.25, 0.1
"""of the public whitening: its power, and what is added to S as a share of its mean eigenvalue"""
RIDGE = 0.03
"""share of the mean eigenvalue that is added to the receiver's own covariance"""
BANDS = 20
_TINY = 1e-12


def triangle_size(dim: int) -> int:
    """T, how many numbers a symmetric matrix [D, D] has."""
    return dim * (dim + 1) // 2


def side_of(size: int) -> int:
    """D, of which ``triangle_size`` makes this number, or the next smaller one."""
    return (math.isqrt(8 * size + 1) - 1) // 2


@dataclass(frozen=True, eq=False, kw_only=True)
class CatalogueMoments:
    """Mean and covariance of a catalogue's item vectors."""

    mean: NDArray[np.float32]
    """[D]"""
    triangle: NDArray[np.float32]
    """[T] upper triangle of the covariance"""

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "CatalogueMoments":
        """Of item vectors [n, D]."""
        mean, covariance = _moments(features)
        return cls(mean=mean.astype(np.float32), triangle=covariance[np.triu_indices(len(mean))].astype(np.float32))

    @classmethod
    def none(cls, dim: int) -> "CatalogueMoments":
        """Moments where no catalogue is known: whitening changes nothing.

        Args:
            dim: D.

        Returns:
            Mean 0 and, as covariance, the identity.
        """
        triangle = np.zeros(triangle_size(dim), np.float32)
        triangle[np.cumsum(np.r_[0, np.arange(dim, 1, -1)])] = 1
        return cls(mean=np.zeros(dim, np.float32), triangle=triangle)

    @property
    def dim(self) -> int:
        """D."""
        return len(self.mean)

    def to_flat(self) -> NDArray[np.float32]:
        """[D + T] mean, then triangle."""
        return np.concatenate([self.mean, self.triangle])

    @cached_property
    def digest(self) -> str:
        """Hex digest of both."""
        return hashlib.sha256(self.to_flat().astype("<f4").tobytes()).hexdigest()

    @cached_property
    def axes(self) -> tuple[Float64, Float64]:
        """Eigenvalues [D] of the covariance, largest first, none below 0, and eigenvectors [D, D] as columns."""
        square = np.zeros((self.dim, self.dim))
        square[np.triu_indices(self.dim)] = self.triangle
        values, vectors = np.linalg.eigh(square, UPLO="U")
        return np.maximum(values[::-1], 0.0), vectors[:, ::-1]

    @cached_property
    def whitening(self) -> Float64:
        """[D, D] R, under which cross moments are released."""
        return self._power(POWER)

    @cached_property
    def colouring(self) -> Float64:
        """[D, D] the inverse of R."""
        return self._power(-POWER)

    def _power(self, power: float) -> Float64:
        values, vectors = self.axes
        raised = (values + FLOOR * max(float(values.mean()), _TINY)) ** power
        return np.asarray((vectors * raised) @ vectors.T, np.float64)


def _moments(features: NDArray[np.float32]) -> tuple[Float64, Float64]:
    rows = features.astype(np.float64)
    mean = rows.mean(0)
    return mean, rows.T @ rows / len(rows) - np.outer(mean, mean)


def to_vector(square: Float64) -> Float64:
    """[T] of the symmetric part of a matrix [D, D], as long as it: what lies off the diagonal counts √2 times."""
    symmetric = (square + square.T) / 2
    scaled = np.sqrt(2.0) * symmetric
    np.fill_diagonal(scaled, np.diag(symmetric))
    return np.asarray(scaled[np.triu_indices(len(square))], np.float64)


def to_square(vector: NDArray[np.floating], dim: int) -> Float64:
    """The inverse of ``to_vector``.

    Args:
        vector: [T], as long as the matrix: what lies off the diagonal counts √2 times.
        dim: D.

    Returns:
        The symmetric matrix [D, D].
    """
    square = np.zeros((dim, dim))
    square[np.triu_indices(dim)] = vector / np.sqrt(2.0)
    square += square.T
    np.fill_diagonal(square, np.diag(square) / np.sqrt(2.0))
    return square


def released_cross(noisy: Float64, sigma: float, public: CatalogueMoments) -> NDArray[np.float32]:
    """B of length 1, from a sum of cross moments under noise.

    Args:
        noisy: [T] the sum, as ``to_vector`` makes it, with noise in each number.
        sigma: spread of the noise, in the unit of ``noisy``; 0 for none.
        public: of the catalogue by which the sum was whitened.

    Returns:
        [T] B, as an encoder carries it.

    Raises:
        InputError: if nothing but noise is left.
    """
    coloured = public.colouring @ _shrunk(to_square(noisy, public.dim), sigma, public) @ public.colouring
    length = float(np.linalg.norm(coloured))
    if not length > 0:
        raise InputError("the cross moments are too few for this noise: nothing but noise is in them")
    return to_vector(coloured / length).astype(np.float32)


def _shrunk(square: Float64, sigma: float, public: CatalogueMoments) -> Float64:
    """A noised sum [D, D] with less of its noise: James and Stein's estimate (1961), block by block.

    The blocks are those of bands of the public covariance's axes, the diagonal apart. Off the diagonal the noise's
    spread is sigma / √2.
    """
    _, vectors = public.axes
    turned = vectors.T @ square @ vectors
    dim = len(turned)
    ends = np.unique(np.r_[0, np.round(np.geomspace(min(4, dim), dim, BANDS)).astype(int)])
    bands = [slice(start, end) for start, end in pairwise(ends)]
    diagonal, off = np.diag(turned).copy(), turned - np.diag(np.diag(turned))
    for rows in bands:
        diagonal[rows] *= _signal(diagonal[rows], sigma, diagonal[rows].size)
        for columns in bands:
            block = off[rows, columns]
            block *= _signal(block, sigma / np.sqrt(2.0), block.size - (len(block) if rows == columns else 0))
    return np.asarray(vectors @ (off + np.diag(diagonal)) @ vectors.T, np.float64)


def _signal(block: Float64, sigma: float, numbers: int) -> float:
    """The share of a block that is not noise, at least 0."""
    return max(0.0, 1 - sigma**2 * numbers / max(float((block**2).sum()), _TINY))


def map_on(cross: NDArray[np.float32], features: NDArray[np.float32], own_moments: Moments | None = None) -> LinearMap:
    """W = (A + λI)⁻¹ B (S + λI)⁻¹ for a catalogue with mean and covariance S, λ = .03 × the mean eigenvalue.

    Without ``own_moments`` A is S, histories are centred by the catalogue's mean, and the map's scale says nothing.
    With those of histories on the platform itself, A is the mean of S and of their covariance, brought to the same
    trace; histories are centred by their own mean, and the map has the scale that explains them best (``scaled_to``).

    Args:
        cross: [T] B, as an encoder carries it.
        features: item vectors [n, D] of the catalogue.
        own_moments: of histories on the platform itself; None, or of less than one pair: there are none.

    Returns:
        The map.
    """
    mean, covariance = _moments(features)
    trace = max(float(np.trace(covariance)), _TINY)
    if own_moments is None or own_moments.n < 1:
        return _map(_ridged(covariance), to_square(cross, len(mean)), _ridged(covariance), mean, mean)
    centre = own_moments.sum_q / own_moments.n
    of_histories = own_moments.A / own_moments.n - np.outer(centre, centre)
    mixed = (covariance + of_histories * (trace / max(float(np.trace(of_histories)), _TINY))) / 2
    linear = _map(_ridged(mixed), to_square(cross, len(mean)), _ridged(covariance), centre, mean)
    return scaled_to(linear, own_moments)


def _ridged(square: Float64) -> Float64:
    dim = len(square)
    return square + RIDGE * max(float(np.trace(square)) / dim, _TINY) * np.eye(dim)


def _map(left: Float64, cross: Float64, right: Float64, mean_q: Float64, mean_y: Float64) -> LinearMap:
    """left⁻¹ cross right⁻¹."""
    from scipy.linalg import cho_factor, cho_solve  # which a device has no need of

    half = cho_solve(cho_factor(left), cross)
    weight = cho_solve(cho_factor(right), half.T).T
    return LinearMap(
        W=np.ascontiguousarray(weight, np.float32), mean_q=mean_q.astype(np.float32), mean_y=mean_y.astype(np.float32)
    )
