"""The lists of one device: the platform's stack over its own history, and what stands in for it where there is none.

R columns, n items, L items of a history, M items that are listed.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.device.decayed_sums import DecayedSums, bags, unit_lengths
from client.device.device_head import DeviceHead
from client.device.own_history import OwnHistory
from client.device.pack import CataloguePack
from client.device.packed_matrices import PackedMatrices
from client.ensemble.one_calibration import AlikeColumns

Float32 = NDArray[np.float32]
_AT_ONCE = 4
"""columns that are calibrated together: few enough for a core's own cache"""
_DAY = 86_400.0
_LONG_AGO = np.float32(2.0**-10)
"""What an event counts whose time is not known, among a user's own events on an item."""
COUNT = "count"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One item of a list."""

    item: int
    """row of the catalogue"""
    score: float
    columns: tuple[tuple[str, float], ...] = ()
    """columns and what each adds to the score, the largest first; where reasons were asked for"""


class DeviceLists:
    """Opened once, asked often; for one thread at a time."""

    def __init__(self, pack: CataloguePack, head: DeviceHead | None = None) -> None:
        """``head`` is the device's own; None: the encoder is used as it came."""
        self._pack, self._head = pack, head
        self._matrices = PackedMatrices(pack)
        self._whole = _Stack(pack.facts["columns"], pack.arrays["weights"], pack.facts["temperature"])
        self._cold = _Stack(pack.facts["cold"], pack.arrays["cold_weights"], pack.facts["temperature"])
        self._n_items = len(pack.arrays["item.users"])
        self._product_sums: DecayedSums | None = None
        self._gram_sums: DecayedSums | None = None
        self._of_means: dict[str, Float32] = {}
        self._tables: dict[str, Float32] = {}

    def best(self, history: OwnHistory, k: int, moment: float | None = None, *, reasons: bool = False) -> list[Listed]:
        """The best items, equal ones in the catalogue's order.

        Args:
            history: the device's own.
            k: most items.
            moment: seconds since 1970 as of which the gap since the last event is told; None for now.
            reasons: whether to say what each column adds.

        Returns:
            At most k items; none that the user has met, unless the platform's users meet items again, or has turned
            down.
        """
        stack = self._whole if len(history.items) else self._cold
        hidden = np.zeros(0, np.int64) if self._pack.facts["repeats"] else np.unique(history.items)
        said = stack.says(self._raw_columns(history, stack), hidden, self._n_items)
        weights = stack.weights[self._gap(history, moment) if len(stack.weights) > 1 else 0]
        scores = said.weighed(weights)
        places = _best_first(scores, self._allowed(history, hidden), k)
        parts = said.at(places) * weights[:, None] if reasons else np.zeros((0, len(places)), np.float32)
        return [
            Listed(item=int(item), score=float(scores[item]), columns=_largest(stack.names, parts[:, place]))
            for place, item in enumerate(places)
        ]

    def states(self, items: NDArray[np.int64]) -> Float32:
        """[L, d] what the encoder says after each of the latest items [L] of a history, oldest first."""
        part = self._pack.facts["head"]
        latest = items[-int(self._pack.facts["lengths"][part]) :]
        return self._pack.towers[part].at_each(self._table(part)[latest, :-1])

    @cached_property
    def head_items(self) -> tuple[Float32, Float32]:
        """[n, d] vectors and [n] biases of the items under the encoder that a head is for."""
        table = self._table(self._pack.facts["head"])
        return table[:, :-1], table[:, -1]

    def _gap(self, history: OwnHistory, moment: float | None) -> int:
        """Row of the weights: 0 where no event has a known time."""
        last = np.fmax.reduce(history.times, initial=-np.inf)
        if not np.isfinite(last):
            return 0
        since = max((time.time() if moment is None else moment) - last, 0.0)
        return 1 + int(np.searchsorted(self._pack.facts["edges"], since, side="left"))

    def _allowed(self, history: OwnHistory, hidden: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[n]; where nothing else is left, what was met may be listed again."""
        allowed = np.ones(self._n_items, bool)
        allowed[history.turned_down] = False
        fresh = allowed.copy()
        fresh[hidden] = False
        return fresh if fresh.any() else allowed

    def _raw_columns(self, history: OwnHistory, stack: "_Stack") -> "_Raw":
        raw = _Raw(stack.columns, self._n_items)
        raw.write("shared", lambda columns: self._pack.arrays["item.shared"].T[[int(each["row"]) for each in columns]])
        if not len(history.items):
            return raw
        rows, weights = bags(history.items, [float(each.get("decay", 1)) for each in stack.columns])
        weights_of = {each["name"]: bag for each, bag in zip(stack.columns, weights, strict=True)}

        def weights_in(columns: Sequence[Mapping[str, Any]]) -> Float32:
            return np.array([weights_of[each["name"]] for each in columns], np.float32)

        raw.write(
            "walk", lambda columns: self._matrices.walked(weights_in(columns), rows, columns[0]["matrix"]), "matrix"
        )
        raw.write(
            "walk-on",
            lambda columns: self._matrices.walked_on(
                weights_in(columns), rows, (columns[0]["first"], columns[0]["then"]), int(columns[0]["most"])
            ),
            "first",
        )
        raw.write("grams", lambda columns: self._grams(columns, history.items))
        raw.write("product", lambda columns: self._products(columns, history.items))
        raw.write("sequence", lambda columns: np.stack([self._sequence(each["part"], history) for each in columns]))
        raw.write("repeat", lambda columns: self._repeats([float(each["half_life"]) for each in columns], history))
        return raw

    def _grams(self, columns: Sequence[Mapping[str, Any]], items: NDArray[np.int64]) -> Float32:
        """[C, n] cosines to the history's grams."""
        decays = [float(column["decay"]) for column in columns]
        if self._gram_sums is None:
            weighed = lambda rows, weights, _kinds: self._matrices.gram_sums(rows, weights)  # noqa: E731
            self._gram_sums = DecayedSums(decays, [0] * len(decays), weighed, self._n_items)
        sums = self._gram_sums.of(items)
        return sums / unit_lengths(sums, items, decays)

    def _products(self, columns: Sequence[Mapping[str, Any]], items: NDArray[np.int64]) -> Float32:
        """[C, n] cosines to the history's mean vector, or what a linear map makes of them."""
        decays, maps = [float(column["decay"]) for column in columns], [str(column["map"]) for column in columns]
        if self._product_sums is None:
            kinds = list(dict.fromkeys(maps))
            self._product_sums = DecayedSums(
                decays, [kinds.index(name) for name in maps], partial(self._products_of, kinds), self._n_items
            )
        rows, weights = bags(items, decays)
        lengths = np.linalg.norm(weights @ self._matrices.vectors(rows), axis=1, keepdims=True)
        scores = self._product_sums.of(items) / np.where(lengths > 0, lengths, np.float32(np.inf))
        for column, name in enumerate(maps):
            if name:
                scores[column] -= self._of_mean(name)
        return np.asarray(scores, np.float32)

    def _products_of(
        self, maps: Sequence[str], items: NDArray[np.int64], weights: Float32, kinds: Sequence[int]
    ) -> Float32:
        """[Q, n] products of weighed vectors, each under its map, with those of all items, in one pass over these."""
        queries = weights @ self._matrices.vectors(items)
        for row, kind in enumerate(kinds):
            if maps[kind]:
                queries[row] = queries[row] @ self._pack.arrays[f"map.{maps[kind]}.weights"]
        return self._matrices.products(queries)

    def _of_mean(self, name: str) -> Float32:
        """[n] what a linear map takes off, whatever the history."""
        if name not in self._of_means:
            mapped = self._pack.arrays[f"map.{name}.mean"] @ self._pack.arrays[f"map.{name}.weights"]
            self._of_means[name] = self._matrices.products(mapped[None])[0]
        return self._of_means[name]

    def _sequence(self, part: str, history: OwnHistory) -> Float32:
        """[n]."""
        table = self._table(part)
        latest = history.items[-int(self._pack.facts["lengths"][part]) :]
        state = self._pack.towers[part].of(table[latest, :-1])
        if self._head is None or part != self._pack.facts["head"]:
            return np.asarray(table[:, :-1] @ state + table[:, -1], np.float32)
        moved = self._head.moved(state[None, None])[0, 0] * self._head.scale[0]
        own_bias = table[:, -1] + self._head.bias[0] * self._pack.prior
        return np.asarray(table[:, :-1] @ moved + own_bias, np.float32)

    def _repeats(self, half_lives: Sequence[float], history: OwnHistory) -> Float32:
        """[C, n] the user's own events on each item, which fade by the days before their last one."""
        days = (np.fmax.reduce(history.times, initial=-np.inf) - history.times) / _DAY
        fading = [np.where(np.isnan(days), _LONG_AGO, np.exp2(-days / half_life)) for half_life in half_lives]
        return np.array([np.bincount(history.items, each, minlength=self._n_items) for each in fading], np.float32)

    def _table(self, part: str) -> Float32:
        """[n, d + 1] vectors and biases of a sequence part."""
        if part not in self._tables:
            self._tables[part] = self._pack.arrays[f"item.table.{part}"].astype(np.float32)
        return self._tables[part]


class _Raw:
    """Raw scores [R, n] of a stack's columns."""

    def __init__(self, columns: Sequence[Mapping[str, Any]], n_items: int) -> None:
        self._columns = columns
        self.scores = np.zeros((len(columns), n_items), np.float32)

    def write(self, form: str, work: Any, alike: str = "form") -> None:
        """Write the columns of a form, those that are alike in one thing at once.

        Args:
            form: of the columns.
            work: gives [C, n] for C of them.
            alike: the key of a column under which they are alike.
        """
        of_form = [row for row, column in enumerate(self._columns) if column["form"] == form]
        for thing in dict.fromkeys(self._columns[row][alike] for row in of_form):
            rows = [row for row in of_form if self._columns[row][alike] == thing]
            self.scores[rows] = work([self._columns[row] for row in rows])


class _Stack:
    """Columns with their calibrations and weights."""

    def __init__(self, columns: Sequence[Mapping[str, Any]], weights: NDArray[np.floating], temperature: float) -> None:
        """``columns`` as the pack has them, ``weights`` [G, R]; those of one kind stand side by side."""
        self.columns = columns
        self.names = [str(column["name"]) for column in columns]
        self.weights = np.asarray(weights, np.float32)
        self._parts = [
            (
                rows,
                few,
                AlikeColumns(*_fitted(columns[rows]), None if columns[rows][0]["kind"] == COUNT else temperature),
            )
            for rows, few in _alike(columns)
        ]

    def says(self, raw: _Raw, hidden: NDArray[np.int64], n_items: int) -> "_Said":
        """The log-likelihood ratios of all columns; those that are 0 nearly everywhere at the few others alone."""
        said = _Said(raw.scores)
        visible = np.ones(n_items, bool)
        visible[hidden] = False
        for rows, few, alike in self._parts:
            scores = raw.scores[rows]
            if not few:
                alike.calibrate(scores, hidden.astype(np.int32))
                said.dense.append(rows)
                continue
            items = np.flatnonzero((scores > 0).any(0) & visible)
            values = scores[:, items]
            elsewhere = alike.calibrate_few(values, n_items - len(hidden))
            said.few.append((rows, items, values, elsewhere))
        return said


@dataclass(eq=False)
class _Said:
    """Log-likelihood ratios of R columns."""

    scores: Float32
    """[R, n], of the rows in ``dense``"""
    dense: list[slice] = field(default_factory=list)
    few: list[tuple[slice, NDArray[np.int64], Float32, Float32]] = field(default_factory=list)
    """rows, items [E] whose log-ratios [C, E] are given, and those of all others [C]"""

    def weighed(self, weights: Float32) -> Float32:
        """[n] the sum of the columns under weights [R]."""
        total = np.zeros(self.scores.shape[1], np.float32)
        for rows in self.dense:
            total += weights[rows] @ self.scores[rows]
        for rows, items, values, elsewhere in self.few:
            total += weights[rows] @ elsewhere
            total[items] += weights[rows] @ (values - elsewhere[:, None])
        return total

    def at(self, items: NDArray[np.int64]) -> Float32:
        """[R, M] the columns at some items [M]."""
        there = np.zeros((len(self.scores), len(items)), np.float32)
        for rows in self.dense:
            there[rows] = self.scores[rows][:, items]
        for rows, known, values, elsewhere in self.few:
            there[rows] = elsewhere[:, None]
            for place, item in enumerate(items):
                entry = np.searchsorted(known, item)
                if entry < len(known) and known[entry] == item:
                    there[rows, place] = values[:, entry]
        return there


_FEW = frozenset({"walk", "walk-on", "repeat"})
"""forms of columns that are 0 at most items, where they count"""


def _alike(columns: Sequence[Mapping[str, Any]]) -> Iterator[tuple[slice, bool]]:
    """Stretches of at most ``_AT_ONCE`` columns of one kind, and whether few of their numbers are not 0."""
    ways = [(column["kind"], column["kind"] == COUNT and column["form"] in _FEW) for column in columns]
    start = 0
    for row in range(1, len(ways) + 1):
        if row == len(ways) or ways[row] != ways[start] or row - start == _AT_ONCE:
            yield slice(start, row), ways[start][1]
            start = row


def _fitted(columns: Sequence[Mapping[str, Any]]) -> tuple[list[list[float]], list[float]]:
    return [column["mixture"] for column in columns], [float(column["scale"]) for column in columns]


def _best_first(scores: Float32, allowed: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    """[M] the allowed items of the largest scores, the best first; of equal ones the first in the catalogue."""
    items = np.flatnonzero(allowed)
    if len(items) > k:
        least = np.partition(scores[items], -k)[-k]
        items = items[scores[items] >= least]
    return items[np.lexsort((items, -scores[items]))][:k]


def _largest(names: Sequence[str], parts: Float32) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(zip(names, map(float, parts), strict=False), key=lambda part: -part[1]))
