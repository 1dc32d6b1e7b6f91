"""The calibrations of one history's columns, in numpy alone: as ``Calibration.log_ratio`` tells them one by one.

C columns of one kind, n items.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
_TINY = np.float32(1e-30)


class AlikeColumns:
    """Columns of one kind, calibrated together, in place.

    numpy's roots, exponentials and logarithms take half of torch's time for one history, a third where there are zeros.
    """

    def __init__(
        self, mixtures: Sequence[Sequence[float]], scales: Sequence[float], temperature: float | None = None
    ) -> None:
        """Hold what was fitted of C columns.

        Args:
            mixtures: [C, components], the uniform one last.
            scales: [C] what similarities are multiplied by first.
            temperature: the lowest of similarities; None where the columns are counts, whose lowest power is a half.
        """
        self._mixtures = np.array(mixtures, np.float32)
        self._scales = np.array(scales, np.float32)[:, None]
        self._temperature = temperature

    def calibrate(self, raw: Float32, hidden: NDArray[np.int32]) -> None:
        """Write log-likelihood ratios over raw scores.

        Args:
            raw: [C, n], finite or -inf; what stands at hidden items afterwards says nothing.
            hidden: items that are no candidates, each once.
        """
        self._first(raw, hidden)
        total = np.empty_like(raw)
        total[:] = self._mixtures[:, -1:]
        self._add_components(total, raw, raw.shape[1] - len(hidden))
        np.log(np.maximum(total, _TINY, out=total), out=raw)

    def calibrate_few(self, counts: Float32, candidates: int) -> Float32:
        """The same of counts that are 0 at all items but few.

        Args:
            counts: [C, E] raw counts at those of them that are candidates, written over with their log-ratios.
            candidates: items that may be recommended, those few among them.

        Returns:
            [C] the log-ratio at every other item.
        """
        np.sqrt(np.maximum(counts, 0, out=counts), out=counts)
        total = np.empty_like(counts)
        total[:] = self._mixtures[:, -1:]
        self._add_components(total, counts, candidates)
        np.log(np.maximum(total, _TINY, out=total), out=counts)
        return np.log(np.maximum(self._mixtures[:, -1], _TINY))

    def _add_components(self, total: Float32, values: Float32, candidates: int) -> None:
        """Add m π x / Σx for each component but the uniform one; each is the square of the one before."""
        share = np.empty_like(values)
        for component in range(self._mixtures.shape[1] - 1):
            if component:
                np.square(values, out=values)
            sums = np.maximum(values.sum(1, keepdims=True), _TINY)
            total += np.multiply(values, candidates * self._mixtures[:, component : component + 1] / sums, out=share)

    def _first(self, scores: Float32, hidden: NDArray[np.int32]) -> None:
        """[C, n] the first component's values, in place, 0 at hidden items."""
        if self._temperature is None:
            np.maximum(scores, 0, out=scores)
            scores[:, hidden] = 0
            np.sqrt(scores, out=scores)
            return
        scores *= self._scales
        scores[:, hidden] = -np.inf
        scores -= np.maximum(scores.max(1, keepdims=True), np.float32(-1e30))
        scores *= np.float32(self._temperature)
        np.exp(scores, out=scores)
