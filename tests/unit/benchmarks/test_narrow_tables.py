import pytest

from benchmarks.narrow_tables import narrow_tables

HEADS = ("shop", "users", "a", "b", "c", "d", "e")
ROWS = [("north", 10, 1, 2, 3, 4, 5), ("south", 20, 6, 7, 8, 9, 0)]


def test_repeats_the_columns_that_name_a_row() -> None:
    first, second = narrow_tables(HEADS, ROWS, keys=1, cuts=(4,)).split("\n\n")
    assert first.splitlines()[0] == "| shop | users | a | b |"
    assert first.splitlines()[2:] == ["| north | 10 | 1 | 2 |", "| south | 20 | 6 | 7 |"]
    assert second.splitlines()[0] == "| shop | c | d | e |"
    assert second.splitlines()[2:] == ["| north | 3 | 4 | 5 |", "| south | 8 | 9 | 0 |"]


def test_refuses_a_table_that_is_too_wide() -> None:
    with pytest.raises(ValueError, match="at most 6 columns; got one of 7"):
        narrow_tables(HEADS, ROWS, keys=1, cuts=())
