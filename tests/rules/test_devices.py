"""Whoever trains an encoder, or prepares a platform to be worked on, says on which device."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOLD = {
    "encoder_scorers",
    "open_platform",
    "prepare_platform",
    "pretrain",
    "pretrain_folder",
    "run_local_round",
    "train_local_id",
    "train_sequence",
    "tune_local_id",
}
"""Functions that take ``device``, and would compute on the CPU where nobody says it."""
OTHERS = {"client/app.py"}
"""Where one of these names is another function's: ``open_platform`` opens a workspace, by what its node config says."""


def untold(root: Path) -> list[str]:
    """Calls without a device in product code, as ``file:line``."""
    found = []
    for package in ("client", "simulations"):
        for path in sorted((root / package).rglob("*.py")):
            place = path.relative_to(root).as_posix()
            calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
            found += [f"{place}:{call.lineno}" for call in calls if _is_untold(call) and place not in OTHERS]
    return found


def _is_untold(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return name in TOLD and "device" not in {keyword.arg for keyword in call.keywords}


def test_every_training_is_told_its_device() -> None:
    assert untold(ROOT) == []


@pytest.mark.parametrize(
    ("line", "found"), [("log = train_sequence(model)", 1), ("log = train_sequence(m, device=d)", 0)]
)
def test_finds_a_training_that_is_told_none(tmp_path: Path, line: str, found: int) -> None:
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "another.py").write_text(f"{line}\n")
    assert len(untold(tmp_path)) == found
