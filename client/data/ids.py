"""What an id is, wherever it comes from: a whole number or a text.

1. A word for a missing value is no id.
2. A whole float is the whole number, as a number and as a text (``1.0``). Where an id of the same kind has a fraction,
   texts stay as they are: ``1.0`` beside ``1.1`` is a version.
3. Ids that are numbers in one table and texts in another are texts in both.
4. Where tables are imported, from files or from frames, blanks around an id are no part of it; a note counts them.
5. Everything else is part of an id: leading zeros, blanks within, the case of letters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import polars as pl

from client.data.missing import present

ITEM_IDS = {"items": ("item_id",), "events": ("item_id",), "impressions": ("history", "candidates")}
USER_IDS = {"events": ("user_id",), "impressions": ("user_id",)}
"""Which columns of which table hold ids of one kind."""
_WHOLE = r"^(0|-?[1-9]\d*)$"
_WHOLE_FLOAT = r"^(-?\d+)\.0+$"
_FRACTION = r"^-?\d+\.\d*[1-9]\d*$"
EXACT: dict[pl.DataType, int] = {pl.Float32(): 2**24, pl.Float64(): 2**53}
"""Below it a float tells whole numbers apart."""


def read_ids(column: pl.Series) -> pl.Series | None:
    """Int64 or String, or lists of either, null where an id is missing; None for a column that holds something else.

    Raises polars' error for a number that does not fit into 64 bits.
    """
    kind = _inner(column)
    if kind.is_integer() or (kind == pl.Null and kind is not column.dtype):  # nothing but empty lists
        return _each(column, _as_number)
    if kind in EXACT or kind.is_decimal():
        return _whole(column)
    return _each(column, _as_text) if kind in (pl.String, pl.Categorical, pl.Enum) else None


def is_exact(column: pl.Series) -> pl.Series:
    """[rows] whether a number is whole and its type tells it from the next one; null where there is none."""
    numbers = column.cast(pl.Float64).fill_nan(None)
    return (numbers == numbers.floor()) & (numbers.abs() < EXACT.get(column.dtype, 2**63))


def _as_number(ids: pl.Expr) -> pl.Expr:
    return ids.cast(pl.Int64)


def _as_text(ids: pl.Expr) -> pl.Expr:
    return present(ids.cast(pl.String))


def _whole(column: pl.Series) -> pl.Series | None:
    """Whole numbers; None where one is not exact."""
    fits = is_exact(_flat(column)).all()
    return _each(column, lambda values: values.cast(pl.Int64, strict=False)) if fits else None


def in_one_form(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables (``items``, ``events``, ``impressions``, those there are), ids of a kind all Int64 or all String."""
    changed = dict(tables)
    for kind in (ITEM_IDS, USER_IDS):
        places = [(table, name) for table, names in kind.items() if table in tables for name in names]
        columns = same_form([tables[table][name] for table, name in places])
        for (table, _), column in zip(places, columns, strict=True):
            changed[table] = changed[table].with_columns(column)
    return changed


def same_form(columns: list[pl.Series]) -> list[pl.Series]:
    """Columns of ids of one kind, or of lists of them, all Int64 or all String."""
    texts = [column for column in columns if _inner(column) == pl.String]
    if not texts:
        return columns
    held = pl.concat([_flat(column) for column in texts])
    if held.str.contains(_WHOLE_FLOAT).any() and not held.str.contains(_FRACTION).any():
        columns = [_each(column, _without_point) for column in columns]
    return [_each(column, lambda values: values.cast(pl.String)) for column in columns]


def as_ids_of(kind: pl.DataType, texts: pl.Series) -> pl.Series:
    """Texts as ids of a column: in a column of numbers ``7.0`` is 7, and ``07`` is no number.

    Args:
        kind: type of the column's ids, Int64 or String.
        texts: ids as texts.

    Returns:
        ids of this type, null where a text is no id of it.
    """
    cleaned = _each(texts, present)
    if kind != pl.Int64:
        return cleaned
    written = _each(cleaned, _without_point)
    number = written.cast(pl.Int64, strict=False)
    valid = pl.when(pl.col("number").cast(pl.String) == pl.col("written")).then("number")
    return pl.DataFrame({"number": number, "written": written}).select(valid).to_series().rename(texts.name)


def are_whole_numbers(ids: Sequence[str]) -> bool:
    """Whether each id is a whole number as it is written: without leading zeros, a plus or blanks."""
    return bool(pl.Series(ids, dtype=pl.String).str.contains(_WHOLE).all())


def whole_number(text: str) -> str:
    """``7.0`` as ``7``, anything else as it is."""
    return re.sub(_WHOLE_FLOAT, r"\1", text)


def without_blanks(ids: pl.Series) -> tuple[pl.Series, int]:
    """Ids, or lists of them, without the blanks around them, and how many had some."""
    if _inner(ids) != pl.String:
        return ids, 0
    stripped = _each(ids, lambda values: values.str.strip_chars())
    return stripped, int((_flat(stripped) != _flat(ids)).sum())


def id_text(value: Any) -> str | None:
    """An id that a caller hands over, a text or a whole number, as a text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    if isinstance(value, Integral):
        return str(int(value))
    number = float(value)
    return str(int(number)) if number.is_integer() else None


def _without_point(ids: pl.Expr) -> pl.Expr:
    return ids.cast(pl.String).str.replace(_WHOLE_FLOAT, "$1")


def _inner(column: pl.Series) -> pl.DataType:
    kind = column.dtype
    return kind.inner if isinstance(kind, pl.List) else kind  # type: ignore[return-value]


def _flat(column: pl.Series) -> pl.Series:
    return (column.explode() if isinstance(column.dtype, pl.List) else column).rename("id")


def _each(column: pl.Series, change: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """The column after a change of every id."""
    if isinstance(column.dtype, pl.List):
        return column.list.eval(change(pl.element()))
    return column.to_frame().select(change(pl.col(column.name))).to_series()


_EXAMPLES = 3
_LONGEST = 40
"""Characters of an example."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Meeting:
    """How many of the items that are named in events stand in the table of items too."""

    named: pl.Series
    """the distinct ids in events"""
    unknown: pl.Series
    """those that are not in the table of items"""
    items: pl.Series

    @classmethod
    def of(cls, named: pl.Series, items: pl.Series) -> "Meeting":
        """How two columns of ids meet; nulls do not count.

        Args:
            named: ids of items in events.
            items: ids in the table of items.

        Returns:
            distinct ids in events, those of them that no item has, and the items' ids.
        """
        distinct = named.drop_nulls().unique(maintain_order=True)
        unknown = distinct.filter(~distinct.is_in(items.drop_nulls().implode()))
        return cls(named=distinct, unknown=unknown, items=items.drop_nulls())

    @property
    def fails(self) -> bool:
        """Whether under half are there: then the two tables write their ids in two ways."""
        return 2 * len(self.unknown) > len(self.named)

    def __str__(self) -> str:
        """In words, with a few ids of both sides."""
        known = len(self.named) - len(self.unknown)
        return (
            f"{known:,} of the {len(self.named):,} item ids in the events stand in the table of items; "
            f"the events name {_examples(self.unknown)}, the items are {_examples(self.items)}"
        )


def _examples(ids: pl.Series) -> str:
    shown = [repr(value if isinstance(value, int) else value[:_LONGEST]) for value in ids.head(_EXAMPLES).to_list()]
    return ", ".join([*shown, *(["..."] if len(ids) > _EXAMPLES else [])]) or "none"
