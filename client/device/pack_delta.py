"""What leads from one catalogue pack to a later one: rows that changed, and where the others stood before.

A device that applies it holds the later pack byte for byte, under the platform's own signature of that pack.

n items of the later pack, G grams, c rows that changed.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.device.pack import Arrays, CataloguePack, content_of, read_content
from client.device.ragged_rows import RaggedRows, in_bits
from client.device.signed_file import PACK, SignedFile, require_signed
from shared.errors import PackRefused

FORMAT = "graft-pack-delta/1"
_CHANGED, _WHOLE = "changed.", "whole."
_GRAMS, _GRAM_KEYS = "grams", "gram_keys"
_SIGNATURE = "signature"


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Where rows of the later pack stood in the earlier one."""

    items: NDArray[np.int64]
    """[n] -1 for a new one"""
    grams: NDArray[np.int64]
    """[G] -1 for a new one"""
    items_now: NDArray[np.int64]
    """[m] where the earlier pack's items stand now; -1 for one that is gone"""

    def of(self, name: str) -> NDArray[np.int64]:
        """Those of the arrays under a name."""
        return self.grams if name == _GRAMS else self.items


def delta_content(earlier: CataloguePack, later: CataloguePack) -> bytes:
    """What leads from one pack to the other.

    Args:
        earlier: the pack that devices have.
        later: of the same platform.

    Returns:
        The array file of a delta, to be signed.
    """
    rows = _rows_between(earlier, later.item_ids, later.arrays[_GRAM_KEYS])
    arrays = {
        "stood": _short(rows.items, len(earlier.item_ids)),
        "grams_stood": _short(rows.grams, len(earlier.arrays[_GRAM_KEYS])),
    }
    same = [name for name, array in later.arrays.items() if _is_kept(name, earlier.arrays.get(name), array)]
    for name, array in later.arrays.items():
        if (group := _ragged(name)) is not None:
            if name.endswith(".offsets"):
                arrays |= _ragged_change(group, earlier, later, rows)
        elif name.startswith("item.") and _alike(earlier.arrays.get(name), array):
            changed = _unlike_rows(_moved(earlier.arrays[name], name, rows), array)
            arrays |= {f"{_CHANGED}{name}.at": changed.astype(np.uint32), f"{_CHANGED}{name}": array[changed]}
        elif name not in same:
            arrays[f"{_WHOLE}{name}"] = array
    arrays[_SIGNATURE] = np.frombuffer(later.signature, np.uint8)
    facts = {"format": FORMAT, "from": earlier.version, "base": earlier.signature.hex(), "facts": dict(later.facts)}
    return content_of(arrays, {**facts, "kept": same})


def applied(base: CataloguePack, delta: SignedFile, where: str) -> bytes:
    """The later pack's file.

    Args:
        base: the pack that the device has.
        delta: whose signature holds, by the platform's key.
        where: what errors call it.

    Returns:
        All bytes of the file, whose signature holds, too.

    Raises:
        PackRefused: if the delta leads on from another pack, or not to what the platform signed.
    """
    arrays, facts = read_content(delta.content, where)
    if facts.get("format") != FORMAT:
        raise PackRefused(f"{where}: expected a delta of the format {FORMAT}; found {facts.get('format')!r}")
    if facts["base"] != base.signature.hex():
        expected = f"expected a delta that leads on from version {base.version}, which this device has"
        raise PackRefused(f"{where}: {expected}; found one from version {facts['from']}")
    later = {**_later_arrays(base, arrays), **{name: base.arrays[name] for name in facts["kept"]}}
    content = content_of(later, facts["facts"])
    head = PACK + delta.key + arrays[_SIGNATURE].tobytes()
    require_signed(head, hashlib.sha256(content).digest(), f"{where}, applied", delta.key)
    return head + content


def _later_arrays(base: CataloguePack, changes: Arrays) -> dict[str, NDArray[Any]]:
    count = len(base.arrays["item.users"])
    stood = _long(changes["stood"], count)
    grams = _long(changes["grams_stood"], len(base.arrays[_GRAM_KEYS]))
    rows = Rows(items=stood, grams=grams, items_now=_inverse(stood, count))
    later = {name.removeprefix(_WHOLE): array for name, array in changes.items() if name.startswith(_WHOLE)}
    for name in [name for name in changes if name.startswith(_CHANGED) and name.endswith(".at")]:
        known, at = name.removeprefix(_CHANGED).removesuffix(".at"), changes[name].astype(np.int64)
        if known.startswith("item."):
            array = _moved(base.arrays[known], known, rows)
            array[at] = changes[_CHANGED + known]
            later[known] = array
        else:
            others = {key: part for key, part in changes.items() if key != name}
            ragged = _moved_ragged(base, known, rows).replaced(at, RaggedRows.under(_CHANGED + known, others))
            later |= ragged.named(known)
    return later


def _ragged_change(group: str, earlier: CataloguePack, later: CataloguePack, rows: Rows) -> dict[str, NDArray[Any]]:
    now = later.rows(group)
    known = RaggedRows.under(group, earlier.arrays) if f"{group}.offsets" in earlier.arrays else None
    if known is None or {key: part.dtype for key, part in known.parts.items()} != {
        key: part.dtype for key, part in now.parts.items()
    }:
        return {f"{_WHOLE}{name}": array for name, array in now.named(group).items()}
    changed = _moved_ragged(earlier, group, rows).unlike(now)
    return {f"{_CHANGED}{group}.at": changed.astype(np.uint32), **now.taken(changed).named(_CHANGED + group)}


def _rows_between(earlier: CataloguePack, item_ids: list[str], gram_keys: NDArray[Any]) -> Rows:
    items = np.array([earlier.row_of_item.get(item, -1) for item in item_ids], np.int64)
    known = earlier.arrays[_GRAM_KEYS]
    places = np.minimum(np.searchsorted(known, gram_keys), max(len(known) - 1, 0))
    there = known[places] == gram_keys if len(known) else np.zeros(len(gram_keys), bool)
    return Rows(items=items, grams=np.where(there, places, -1), items_now=_inverse(items, len(earlier.item_ids)))


def _inverse(stood: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    now = np.full(count, -1)
    now[stood[stood >= 0]] = np.flatnonzero(stood >= 0)
    return now


def _moved(array: NDArray[Any], name: str, rows: Rows) -> NDArray[Any]:
    """[n, ...] the rows of the earlier pack where they stand now, 0 in those that are new."""
    moved: NDArray[Any] = np.zeros((len(rows.items), *array.shape[1:]), array.dtype)
    there = rows.items >= 0
    moved[there] = array[rows.items[there]]
    return _renamed(moved, rows) if name.endswith(".items") else moved


def _moved_ragged(pack: CataloguePack, group: str, rows: Rows) -> RaggedRows:
    moved = pack.rows(group).taken(rows.of(group))
    parts = {key: _renamed(part, rows) if key == "items" else part for key, part in moved.parts.items()}
    return RaggedRows(offsets=moved.offsets, parts=parts)


def _renamed(items: NDArray[Any], rows: Rows) -> NDArray[Any]:
    """Rows of items as they are numbered now; one that is gone has some number that a changed row replaces."""
    renamed: NDArray[Any] = rows.items_now[items].astype(items.dtype)
    return renamed


def _ragged(name: str) -> str | None:
    """The group of an array of ragged rows; None for another one."""
    group = name.rpartition(".")[0]
    return group if name.startswith("rows.") or group == _GRAMS else None


def _short(stood: NDArray[np.int64], before: int) -> NDArray[Any]:
    """Where rows stood; nothing at all where each of those before still stands where it stood, and none is new."""
    same = len(stood) == before and (stood == np.arange(before)).all()
    return np.zeros(0, np.int32) if same else stood.astype(np.int32)


def _long(short: NDArray[Any], before: int) -> NDArray[np.int64]:
    """The inverse of ``_short``."""
    return short.astype(np.int64) if len(short) else np.arange(before)


def _is_kept(name: str, before: NDArray[Any] | None, now: NDArray[Any]) -> bool:
    """Whether an array that is not of rows is the same in both packs."""
    if name.startswith("item.") or _ragged(name) is not None or before is None:
        return False
    same_form = (before.dtype, before.shape) == (now.dtype, now.shape)
    return same_form and bool((in_bits(before) == in_bits(now)).all())


def _alike(before: NDArray[Any] | None, now: NDArray[Any]) -> bool:
    return before is not None and (before.dtype, before.shape[1:]) == (now.dtype, now.shape[1:])


def _unlike_rows(before: NDArray[Any], now: NDArray[Any]) -> NDArray[np.int64]:
    unlike = in_bits(before) != in_bits(now)
    return np.flatnonzero(unlike.reshape(len(now), -1).any(1))
