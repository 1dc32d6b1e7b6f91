"""The Pythons that the project takes are those on which one command runs the suite, each in its own environment."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make with nothing of a make that runs this suite."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON" and "MAKE" not in name}
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)


def test_the_suite_is_run_on_every_python_that_the_project_takes() -> None:
    listed = re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert listed is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    taken = SpecifierSet(project["requires-python"])
    assert listed[1].split() == [f"3.{minor}" for minor in range(100) if taken.contains(f"3.{minor}")]


def test_a_python_that_is_asked_for_has_an_environment_of_its_own() -> None:
    assert ".venv/bin/python -m pytest" in make("-n", "test").stdout
    assert f".venv-{HERE}/bin/python -m pytest" in make("-n", "test", f"PYTHON={sys.executable}").stdout


def test_names_a_python_that_does_not_run() -> None:
    done = make("-n", "test", "PYTHON=no-such-python")
    assert (done.returncode, "got no-such-python" in done.stderr) == (2, True)


def test_says_which_pythons_the_machine_lacks(tmp_path: Path) -> None:
    (tmp_path / "python0.9").symlink_to(sys.executable)
    path = f"PATH={tmp_path}:{os.environ['PATH']}"
    done = make("pythons", "PYTHONS=0.8 0.9", "MAKE=true", path)
    assert (done.returncode, done.stdout) == (0, "passed: 0.9; failed: none; not on this machine: 0.8\n")
    done = make("pythons", "PYTHONS=0.8 0.9", "MAKE=false", path)
    assert (done.returncode, done.stdout) == (2, "passed: none; failed: 0.9; not on this machine: 0.8\n")
    assert make("pythons", "PYTHONS=0.8", path).returncode == 2
