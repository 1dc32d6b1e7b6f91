"""A synthetic platform of any size: items of topics, popular by a power law, with texts of nine words.

What follows what has three sources, so that no scorer alone tells all: an item's successors, a user's topics, and what
is popular. Events are drawn for all users at once, a step of everybody's history at a time. U users, n items, E events.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

TOPIC_ITEMS = 200
"""items of a topic, on average"""
TOPIC_WORDS = 40
COMMON_WORDS = 2_000
SUCCESSORS = 5
LEAST_EVENTS = 5
MOST_EVENTS = 500
YEAR = 365 * 86_400
BEGIN = 1_735_689_600
"""of the year, seconds since 1970"""
FOLLOWS, OF_TOPIC = 0.35, 0.5
"""chances that an event is a successor of the last item, and that it is of one of the user's topics"""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a platform is."""

    users: int
    items: int
    events: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"users-{self.users}-items-{self.items}-events-{self.events}"


class _Choice:
    """Draws with given odds among the items of a stretch, many stretches at once; items stand topic by topic."""

    def __init__(self, odds: Floats, begins: Ints) -> None:
        """``odds`` [n] of the items, ``begins`` [K + 1] of the stretches."""
        self._sums = np.concatenate([[0.0], np.cumsum(odds)])
        self._begins = begins

    def draw(self, stretches: Ints, rng: np.random.Generator) -> Ints:
        """One item of each of the stretches [N]."""
        low, high = self._sums[self._begins[stretches]], self._sums[self._begins[stretches + 1]]
        drawn = np.searchsorted(self._sums, low + rng.random(len(stretches)) * (high - low), side="right") - 1
        return np.asarray(np.clip(drawn, self._begins[stretches], self._begins[stretches + 1] - 1))


def write_platform(folder: Path, size: Size, seed: int) -> None:
    """Write the platform folder.

    Args:
        folder: made; must not be there.
        size: of the platform; users meet some items twice, which counts once, so that its events are about as many.
        seed: of every draw.

    Raises:
        FileExistsError: where the folder is there.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    topics = max(10, size.items // TOPIC_ITEMS)
    topic = np.sort(_skewed(topics, size.items, rng))
    begins = np.searchsorted(topic, np.arange(topics + 1))
    odds: Floats = np.power(1.0 + rng.permutation(size.items), -0.9)
    pl.DataFrame({"item_id": np.arange(size.items), "text": _texts(topic, topics, rng)}).write_parquet(
        folder / "items.parquet"
    )
    users, items, times = _events(size, topic, begins, odds, rng)
    pl.DataFrame({"user_id": users, "item_id": items, "timestamp": times}).write_parquet(folder / "events.parquet")


def _skewed(count: int, size: int, rng: np.random.Generator) -> Ints:
    """[size] draws of 0 .. count - 1, where the first are a few times as likely as the last."""
    odds = (10.0 + np.arange(count)) ** -0.5
    return np.asarray(rng.choice(count, size, p=odds / odds.sum()))


def _texts(topic: Ints, topics: int, rng: np.random.Generator) -> list[str]:
    """[n] five words of the item's topic, one of its neighbour topic's, three that any item may have."""
    n = len(topic)
    of_topic = topic[:, None] * TOPIC_WORDS + _skewed(TOPIC_WORDS, 5 * n, rng).reshape(n, 5)
    near = ((topic + 1) % topics)[:, None] * TOPIC_WORDS + rng.integers(TOPIC_WORDS, size=(n, 1))
    common = topics * TOPIC_WORDS + _skewed(COMMON_WORDS, 3 * n, rng).reshape(n, 3)
    words = np.concatenate([of_topic, near, common], axis=1)
    return [" ".join(_word(word) for word in row) for row in words.tolist()]


def _word(number: int) -> str:
    """A word of three syllables, another one for each number below 343,000; neighbours are not alike."""
    syllables, number = [], number * 99_991 % 343_000
    for _ in range(3):
        number, rest = divmod(number, 70)
        syllables.append("bdfgklmnprstvz"[rest // 5] + "aeiou"[rest % 5])
    return "".join(syllables)


def _events(size: Size, topic: Ints, begins: Ints, odds: Floats, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """[E] users, items and seconds, user by user in the order of time."""
    lengths = _lengths(size, rng)
    within, among = _Choice(odds, begins), _Choice(odds, np.array([0, size.items]))
    successors = within.draw(np.repeat(topic, SUCCESSORS), rng).reshape(-1, SUCCESSORS)
    filled = np.flatnonzero(np.diff(begins))
    tastes = filled[_skewed(len(filled), 3 * size.users, rng)].reshape(-1, 3)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    items = np.empty(starts[-1], np.int64)
    last = among.draw(np.zeros(size.users, np.int64), rng)
    order = np.argsort(-lengths, kind="stable")
    counts = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
    for step, count in enumerate(counts):
        active = order[:count]
        kind = rng.random(count)
        taste = tastes[active, np.minimum(rng.geometric(0.6, count), 3) - 1]
        follows = successors[last[active], np.minimum(rng.geometric(0.45, count), SUCCESSORS) - 1]
        drawn = np.where(kind < FOLLOWS, follows, within.draw(taste, rng))
        popular = kind >= FOLLOWS + OF_TOPIC
        drawn[popular] = among.draw(np.zeros(int(popular.sum()), np.int64), rng)
        items[starts[active] + step] = drawn
        last[active] = drawn
    users = np.repeat(np.arange(size.users), lengths)
    times = BEGIN + rng.integers(YEAR, size=starts[-1])
    return users, items, times[np.lexsort((times, users))]


def _lengths(size: Size, rng: np.random.Generator) -> Ints:
    """[U] events of each user: many have few."""
    drawn = rng.lognormal(0.0, 0.9, size.users)
    lengths = LEAST_EVENTS + drawn / drawn.mean() * (size.events / size.users - LEAST_EVENTS)
    return np.asarray(np.minimum(np.rint(lengths), MOST_EVENTS), np.int64)
