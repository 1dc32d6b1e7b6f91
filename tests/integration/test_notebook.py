"""The notebook of the first hour runs as it stands, and shows what it computed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_hour.ipynb"


def test_is_committed_with_its_figures_and_without_numbers_of_execution() -> None:
    notebook = nbformat.read(NOTEBOOK, 4)
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", ()) for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds
    assert all(cell.get("execution_count") is None for cell in notebook.cells)
    assert "/home/" not in NOTEBOOK.read_text("utf-8")
    assert "/tmp/" not in NOTEBOOK.read_text("utf-8")  # noqa: S108


@pytest.mark.slow
def test_runs_from_its_first_cell_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    served = [cell for cell in notebook.cells if "verdict.served" in cell.source]
    assert served[0].outputs[0].text.startswith(("local - ", "feature - "))
