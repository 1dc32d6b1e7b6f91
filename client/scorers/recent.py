"""What is met lately: popularity that fades, and whether it rises or falls.

n items, H half-lives, B histories.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.scorers.fading import HALF_LIVES, Fading, foretold, in_words, up_to
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind
from client.scorers.shared_scores import lookups_of_all
from shared.system.options import Checked, bounded

NAME = "recent"


@dataclass(frozen=True, kw_only=True)
class RecentSettings(Checked):
    """What may be chosen about it."""

    half_lives: tuple[float, ...] = bounded(HALF_LIVES, above=0)
    """seconds, rising: of these the one that foretells the log's own events best, and its neighbours"""
    events: int = bounded(500, least=1)
    """drawn from the later half of the log, by which half-lives are chosen"""
    uniform: float = bounded(0.1, above=0, below=1)
    """share of an even chance for all items, where half-lives are chosen"""
    shrink: float = bounded(5.0, above=0)
    """events of the long half-life's shares that a trend is held back by"""


DEFAULT = RecentSettings()


class Recent:
    """Counts as of the moment at three half-lives, and log ratios of shares.

    A trend is log((a + k q) / (Σa + k) / q), a being an item's count at one half-life, q its share at another two steps
    longer, mixed with a tenth of an even one, k the ``shrink``.
    """

    def __init__(self, data: FitData, settings: RecentSettings = DEFAULT) -> None:
        log, n_items = data.log, data.n_items
        past = log.to_train_on
        lives = log.once(NAME, lambda: best_half_lives(past, past, n_items, settings))
        self._fading = Fading(data, NAME, log, lives)
        self._shrink = settings.shrink
        count = len(self._fading.half_lives)
        self._shown = min(3, count)
        self._pairs = [(first, first + 2) for first in range(1, count - 2)]
        names = [in_words(half_life) for half_life in self._fading.half_lives]
        self.columns = (
            *(Column(name=f"recent@{name}", kind=Kind.COUNT) for name in names[: self._shown]),
            *(Column(name=f"trend@{names[a]}/{names[b]}", kind=Kind.SIMILARITY) for a, b in self._pairs),
        )

    def met(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """See ``CountsEvents``.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order.
        """
        self._fading.met(items, times)

    def carry_on(self, before: "Recent") -> None:
        """See ``CountsEvents``."""
        self._fading.carry_on(before._fading)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The columns [B, n]."""
        return self._fading.columns(batch, self._columns)

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return lookups_of_all(self, batch, hidden, lambda: self._fading.shared(self._columns))

    def _columns(self, counts: NDArray[np.float32]) -> list[torch.Tensor]:
        """From counts [H, B, n]."""
        trends = [self._trend(counts[short], counts[long]) for short, long in self._pairs]
        return [torch.from_numpy(column) for column in (*counts[: self._shown], *trends)]

    def _trend(self, short: NDArray[np.float32], long: NDArray[np.float32]) -> NDArray[np.float32]:
        """[B, n] each to [B, n]; 0 where nothing came before the moment."""
        k, even = np.float32(self._shrink), np.float32(0.1 / short.shape[1])
        share = long / np.maximum(long.sum(1, keepdims=True), np.float32(1e-9)) + even
        ratio = (short + k * share) / (short.sum(1, keepdims=True) + k) / share
        return np.asarray(np.log(ratio), np.float32)


def best_half_lives(
    counted: EventLog, events: EventLog, n_items: int, settings: RecentSettings = DEFAULT
) -> list[float]:
    """The half-life at which what is counted foretells events best, the one before, and up to three behind it.

    Args:
        counted: what counts.
        events: what is foretold.
        n_items: n.
        settings: the half-lives that are tried, and how many events they are tried on; half-lives longer than the span
            of ``counted`` are left out.

    Returns:
        Up to five half-lives in seconds, rising.
    """
    lives = up_to(settings.half_lives, counted.span)
    values = foretold(counted, events, lives, n_items, most=settings.events, uniform=settings.uniform)
    best = int(np.argmax(values))
    return lives[max(0, best - 1) : best + 4]
