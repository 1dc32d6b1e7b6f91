"""What a Flower bundle of this project holds: production modules and nothing else."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from shared.federation.config import RoundsConfig

ROOT = Path(__file__).parents[2]
PRODUCTION = ("server", "client", "shared")


@pytest.fixture(scope="module")
def bundled(tmp_path_factory) -> set[str]:
    """The names of the files in the bundle, made from a copy of the whole source tree."""
    folder = tmp_path_factory.mktemp("bundle") / "graft"
    folder.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in (*PRODUCTION, "simulations", "tests"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "secrets.json").write_text("{}")
    environment = {**os.environ, "FLWR_HOME": str(folder.parent / "home"), "FLWR_TELEMETRY_ENABLED": "0"}
    flwr = Path(sys.executable).parent / "flwr"
    command = [str(flwr), "build"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
    (bundle,) = folder.glob("*.fab")
    with zipfile.ZipFile(bundle) as archive:
        return set(archive.namelist())


def test_holds_every_production_module_and_nothing_else(bundled) -> None:
    modules = {str(path.relative_to(ROOT)) for package in PRODUCTION for path in (ROOT / package).rglob("*.py")}
    assert {"server/app.py", "client/app.py", "shared/federation/wire.py"} <= modules
    assert bundled == {*modules, "pyproject.toml", ".info/CONTENT"}


def test_lists_the_run_config_that_the_code_reads() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["flwr"]["app"]["config"]
    files = {"encoder": "", "out": "", "task-key": "", "ledgers": "", "resume": False, "classes": "", "roster": ""}
    files["summed"] = ""
    assert listed == {**files, **RoundsConfig().to_run_config()}
