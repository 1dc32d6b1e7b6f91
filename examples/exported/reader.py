"""Lists from an exported bundle: numpy and onnxruntime alone.

    python reader.py BUNDLE ITEM ITEM ...        # the items that somebody met, oldest first

C columns that are counted here, n items, L events, M distinct items, E entries of a matrix, G grams.
"""

import hashlib
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime

_DTYPES = {"I8": "i1", "U8": "u1", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8", "U64": "<u8", "F32": "<f4"}
_LONG_AGO = np.float32(2.0**-10)  # what an event counts whose time is not known
_ROWS = 256  # of a matrix at once
_COMMON = 8  # a gram that more than one in so many items have is multiplied densely


class Bundle:
    """Opened once, asked often."""

    def __init__(self, folder, digest=None):
        """Raise ValueError where a file is not the one that was exported.

        ``digest`` is the manifest's SHA-256, as the export printed it; None takes any manifest.
        """
        self.facts = checked_manifest(Path(folder), digest)
        parts = {}
        for key, array in read_arrays(Path(folder, "tables.safetensors")).items():
            parts.setdefault(key.rpartition(".")[0], {})[key.rpartition(".")[2]] = array
        self._cold, ids = parts.pop("")["cold"], parts.pop("ids")
        content, ends = ids["bytes"].tobytes(), ids["offsets"].tolist()
        self.item_ids = [content[start:end].decode() for start, end in pairwise(ends)]
        self._n, self._row_of = len(self.item_ids), {item: row for row, item in enumerate(self.item_ids)}
        self._tables = {name: Table(arrays) for name, arrays in parts.items()}
        if "grams" in self._tables:
            self._by_gram = self._tables["grams"].turned()
            self._common = np.flatnonzero(self._by_gram.counts > self._n // _COMMON)
            self._of_common = self._by_gram.walked(self._common, np.eye(len(self._common)), self._n)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")  # they take several times as long
        self._session = onnxruntime.InferenceSession(Path(folder, "scores.onnx"), options)

    def recommend(self, history, k=10, times=None, moment=None):
        """At most k ids of items with their scores, the best first.

        ``history`` [L] ids of the items that somebody met, oldest first, ``times`` [L] when, in seconds since 1970, NaN
        or None where nobody knows; ``moment`` as of which the list is made, None for now. Raises ValueError where the
        catalogue lacks an item, or times are not as many.
        """
        rows = np.array([self._row_of.get(item, -1) for item in history], np.int64)
        if (rows < 0).any():
            raise ValueError(f"{(rows < 0).sum()} of the {len(rows)} items of the history are not in the catalogue")
        times = np.full(len(rows), np.nan) if times is None else np.asarray(times, np.float64)
        if len(times) != len(rows):
            raise ValueError(f"expected a time for each of the {len(rows)} items of the history; found {len(times)}")
        scores = self.scores(rows, times, time.time() if moment is None else moment) if len(rows) else self._cold
        allowed = np.ones(self._n, bool)
        if not self.facts["repeats"]:
            allowed[rows] = False
        items = np.flatnonzero(allowed) if allowed.any() else np.arange(self._n)
        if len(items) > k:
            items = items[scores[items] >= np.partition(scores[items], -k)[-k]]
        return [
            (self.item_ids[item], float(scores[item])) for item in items[np.argsort(-scores[items], kind="stable")]
        ][:k]

    def scores(self, rows, times, moment):
        """[n] of a history of rows [L], at least 1; what stands at the history's own items says nothing."""
        rows, times = rows[-self.facts["longest"] :], times[-self.facts["longest"] :]
        counted, ways = {}, {"walk": (self._walk, "matrix"), "walk-on": (self._walk_on, "first")}
        ways |= {"grams": (self._grams, "form"), "repeat": (self._repeat, "form")}
        for form, (work, same) in ways.items():
            columns = [column for column in self.facts["columns"] if column["form"] == form]
            for alike in {column[same] for column in columns}:
                group = [column for column in columns if column[same] == alike]
                counted |= zip((column["name"] for column in group), work(group, rows, times), strict=True)
        told = [counted[column["name"]] for column in self.facts["columns"] if column["name"] in counted]
        counts = np.array(told, np.float32).reshape(-1, self._n)
        feed = {"items": rows, "gap": self._gap(times, moment), "counted": counts}
        return self._session.run(["scores"], feed)[0]

    def _gap(self, times, moment):
        """[1] row of the weights: 0 where no event has a known time, or weights are the same for all gaps."""
        last = np.fmax.reduce(times, initial=-np.inf)
        known = np.isfinite(last) and self.facts["edges"]
        return np.array([1 + np.searchsorted(self.facts["edges"], max(moment - last, 0.0)) if known else 0], np.int64)

    def _walk(self, columns, rows, _times):
        return self._tables[columns[0]["matrix"]].walked(*bags(rows, columns), self._n)

    def _walk_on(self, columns, rows, _times):
        first, then, most = (columns[0][key] for key in ("first", "then", "most"))
        reached = self._tables[first].walked(*bags(rows, columns), self._n)
        for row in reached if most else ():  # the second step goes on from the largest alone
            places = np.flatnonzero(row)
            row[places[np.argsort(row[places])[:-most]]] = 0
        places = np.flatnonzero(reached.any(0))
        return self._tables[then].walked(places, reached[:, places], self._n)

    def _grams(self, columns, rows, _times):
        """Cosines to the decayed sum of the history's grams."""
        sums = self._tables["grams"].walked(*bags(rows, columns), len(self._by_gram.counts))
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-30))
        by_common = sums[:, self._common] @ self._of_common
        sums[:, self._common] = 0
        rare = np.flatnonzero(sums.any(0))
        return by_common + self._by_gram.walked(rare, sums[:, rare], self._n)

    def _repeat(self, columns, rows, times):
        days = (np.fmax.reduce(times, initial=-np.inf) - times) / 86_400.0
        for column in columns:
            fading = np.where(np.isnan(days), _LONG_AGO, np.exp2(-days / column["half_life"]))
            yield np.bincount(rows, fading, self._n)


class Table:
    """A matrix by its rows, opened from whole precision or from eight bits a number (docs/export.md)."""

    def __init__(self, parts):
        self._dense, self._offsets = parts.get("dense"), parts.get("offsets", np.zeros(1)).astype(np.int64)
        self._items, self._values = parts.get("items"), parts.get("values")
        self.counts = np.diff(self._offsets)  # [m] entries of each row of one that is not dense
        if "gaps" in parts:
            ends = np.concatenate([np.zeros(1, np.uint32), np.cumsum(parts["gaps"], dtype=np.uint32)])
            self._items = (ends[1:] - np.repeat(ends[self._offsets[:-1]], self.counts)).view(np.int32)
        if "codes" in parts:
            self._values = of_squares(parts["codes"], np.repeat(parts["steps"], self.counts))
        elif "steps" in parts:
            self._dense = of_squares(self._dense, parts["steps"][:, None])

    def walked(self, rows, weights, width):
        """[C, width] sums of rows [M] under weights [C, M]; as many rows at once as stay near the processor."""
        if self._dense is not None:
            return weights @ self._dense[rows]
        sums = np.zeros((len(weights), width), np.float32)
        for start in range(0, len(rows), _ROWS):
            some_rows, counts = rows[start : start + _ROWS], self.counts[rows[start : start + _ROWS]]
            spans = [slice(*span) for span in zip(*self._offsets[[some_rows, some_rows + 1]].tolist(), strict=True)]
            columns = np.concatenate([self._items[span] for span in spans])
            values = np.concatenate([self._values[span] for span in spans])
            for place, row in enumerate(weights[:, start : start + _ROWS]):
                sums[place] += np.bincount(columns, np.repeat(row, counts) * values, width)
        return sums

    def turned(self):
        """The same by its columns."""
        owners, order = np.repeat(np.arange(len(self.counts)), self.counts), np.argsort(self._items, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(self._items))])
        return Table({"offsets": offsets, "items": owners[order], "values": self._values[order]})


def of_squares(codes, steps):
    """Values that are told as step · c · |c|."""
    numbers = codes.astype(np.float32)
    numbers *= np.abs(numbers) * steps
    return numbers


def bags(rows, columns):
    """[M] distinct items, and [C, M] decay^age, summed over an item's events; the last one has age 0."""
    items, places = np.unique(rows, return_inverse=True)
    ages, decays = np.arange(len(rows))[::-1], [np.float32(column.get("decay", 1)) for column in columns]
    return items, np.array([np.bincount(places, np.power(decay, ages), len(items)) for decay in decays], np.float32)


def checked_manifest(folder, digest):
    """The manifest of a bundle whose files are all as it says; raises ValueError."""
    content = (folder / "manifest.json").read_bytes()
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{folder}: expected the manifest {digest}; found another one")
    facts = json.loads(content)
    if (facts["format"], facts["kind"]) != ("graft-bundle/1", "onnx"):
        raise ValueError(f"{folder}: expected a bundle graft-bundle/1 of the kind onnx; found another one")
    for name, about in facts["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != about["sha256"]:
            raise ValueError(f"{folder / name}: expected the SHA-256 {about['sha256']}; found another one")
    return facts


def read_arrays(path):
    """Arrays by name of a safetensors file; they stay on the disk until they are touched."""
    content = np.memmap(path, np.uint8, "r")
    end = 8 + int.from_bytes(content[:8].tobytes(), "little")
    places = {name: about for name, about in json.loads(content[8:end].tobytes()).items() if name != "__metadata__"}
    spans = {name: slice(*(end + offset for offset in about["data_offsets"])) for name, about in places.items()}
    return {n: content[spans[n]].view(_DTYPES[about["dtype"]]).reshape(about["shape"]) for n, about in places.items()}


if __name__ == "__main__":
    for item, score in Bundle(sys.argv[1]).recommend(sys.argv[2:]):
        print(f"{score:8.3f}  {item}")
