"""The benchmark of bad platforms: each cell has its file, and the table says what a cell costs against the honest."""

from benchmarks.poisoning import DEFENDED, HONEST, HONEST_ROUNDS, UPDATE, Cell, cells, page


def test_every_cell_has_a_file_of_its_own() -> None:
    files = [cell.file for cell in cells(3)]
    assert len(files) == len(set(files)) == 3 * (6 + 10 * 4 + 4 + 4)


def found(cell: Cell) -> dict[str, float]:
    """Without the defence a bad platform takes a tenth, two a fifth; the defence takes a hundredth."""
    honest = cell.attack in (HONEST, HONEST_ROUNDS)
    lost = 0.0 if cell.side == DEFENDED or honest else 0.1 * cell.bad
    return {"ndcg": 0.05 * (1 - lost) * (0.99 if cell.side == DEFENDED else 1.0), "promoted": 0.02 * cell.bad}


def test_the_table_gives_changes_in_percent() -> None:
    text = page({cell: found(cell) for cell in cells(2)}, 2)
    flip = next(line for line in text.splitlines() if line.startswith("| flip |"))
    assert flip == "| flip | +0.0 (+0.0) | -9.1 (-9.1) | +0.0 (+0.0) | -19.2 (-19.2) |  |"
    assert "| linear | -1.0 (-1.0) | -1.0 (-1.0) | -1.0 (-1.0) |" in text
    assert f"| {UPDATE} | +0.0" in text
    assert "| backdoor text |" in text
    assert "| 4.0, 4.0 |" in text
