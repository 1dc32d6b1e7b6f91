"""The tree holds what people wrote and few figures: no document of a run, and at most 12 MB without history."""

import json
import subprocess
from pathlib import Path

import pytest

from simulations.results.result_document import PER_USER_FILE, RESULT_FILE

ROOT = Path(__file__).parents[2]
MOST_BYTES = 12_000_000
MOST_BYTES_OF_FIGURES = 1_000_000
FIGURES = ROOT / "docs" / "results" / "transfer.parquet"

under_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone: nothing says what is committed")


def committed() -> list[Path]:
    """Every file that is under version control, or that the next commit would put there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in (ROOT / name for name in listed.split("\0") if name) if path.is_file()]


def documents_of_runs(files: list[Path]) -> list[Path]:
    """Those that a run wrote: by their name, or a JSON object with a result's keys."""
    named = [path for path in files if path.name in (RESULT_FILE, PER_USER_FILE)]
    return named + [path for path in files if path not in named and path.suffix == ".json" and _is_result(path)]


def total_bytes(files: list[Path]) -> int:
    """Of all files together."""
    return sum(path.stat().st_size for path in files)


@under_git
def test_no_document_of_a_run_is_committed() -> None:
    files = committed()
    assert Path(__file__) in files
    assert documents_of_runs(files) == [], "keep cells in a folder of their own: see docs/results/transfer.md"


@under_git
def test_the_tree_is_small() -> None:
    assert total_bytes(committed()) <= MOST_BYTES
    assert FIGURES.stat().st_size < MOST_BYTES_OF_FIGURES


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (RESULT_FILE, "{}"),
        (PER_USER_FILE, ""),
        ("games.json", json.dumps({"format": 1, "platforms": {}, "versions": {}})),
    ],
)
def test_finds_a_document_of_a_run(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    (tmp_path / "alerts.json").write_text("[1]")
    assert documents_of_runs([tmp_path / "alerts.json", tmp_path / name]) == [tmp_path / name]


def test_counts_bytes(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * MOST_BYTES)
    (tmp_path / "one more").write_bytes(b"x")
    assert total_bytes([tmp_path / "large", tmp_path / "one more"]) > MOST_BYTES


def _is_result(path: Path) -> bool:
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    return isinstance(document, dict) and {"format", "platforms", "versions"} <= document.keys()
