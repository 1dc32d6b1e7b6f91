"""The contracts of import-linter hold, no siblings import each other in a circle, and each contract can be broken."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("server", "client", "shared", "simulations")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
PLANTED = {
    "simulations above server and client, which never meet, above shared": ("server/app.py", "import client.app"),
    "rooms of the client": ("client/data/platform.py", "import client.cli.main"),
    "rooms of the server": ("server/aggregation/weighting.py", "import server.rounds.loop"),
    "rooms of what both sides share": ("shared/errors.py", "import shared.federation.wire"),
    "rooms of the simulations": ("simulations/synthetic/world.py", "import simulations.run.whole_run"),
    "no circle between siblings in any package": ("client/scorers/scorer.py", "import client.scorers.table"),
    "a device lists without torch": ("client/device/pack.py", "import client.features.rows"),
    "what computes knows nothing of the engine": ("client/scorers/ease.py", "import flwr"),
}
"""Contract to a file and the line that breaks it."""


def circles(package: str) -> set[tuple[str, str]]:
    """Imports without which no two siblings of the package, at any depth, would import each other in a circle."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    inside = [package, *(one for one in graph.find_descendants(package) if graph.find_children(one))]
    return {broken for one in inside for broken in graph.nominate_cycle_breakers(one)}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_siblings_import_each_other_in_a_circle(package: str) -> None:
    assert circles(package) == set()


def test_every_contract_has_a_line_that_breaks_it() -> None:
    assert {contract["name"] for contract in CONTRACTS} == set(PLANTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, name: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = PLANTED[name]
    (tmp_path / file).write_text(f"{(tmp_path / file).read_text('utf-8')}\n{line}\n")
    assert f"{name} BROKEN" in linted(tmp_path)


@pytest.mark.slow
def test_a_new_folder_has_to_be_given_a_place(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / package / "attic").mkdir()
        (tmp_path / package / "attic" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    said = linted(tmp_path)
    for contract in CONTRACTS:
        assert (f"{contract['name']} BROKEN" in said) == contract.get("exhaustive", False)


def linted(folder: Path) -> str:
    """What lint-imports says of the packages in a folder."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120)
    return " ".join(done.stdout.split())
