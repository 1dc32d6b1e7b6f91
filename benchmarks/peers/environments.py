"""The environments in which peers run, each with the versions that it works with, and how a driver runs in one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "peers"
"""where they are made"""
OURS = ("rich==14.*",)
"""what this repository needs in them beside numpy and torch"""
TORCH = "torch>=2.6,<2.14"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment of its own."""

    name: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    """whose versions say which environment it is"""
    variables: dict[str, str] = field(default_factory=dict)
    """what must be set while it runs"""


ENVIRONMENTS = {
    "recbole": Environment(
        name="recbole",
        # it asks setuptools for pkg_resources and numpy and pandas for names that newer ones do not have
        requirements=(TORCH, "recbole==1.2.1", "setuptools<81", "numpy<2", "scipy<1.13", "pandas<2.3", *OURS),
        packages=("recbole",),
        variables={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
    ),
    "lenskit": Environment(name="lenskit", requirements=(TORCH, "lenskit==2025.8.1", *OURS), packages=("lenskit",)),
    "rectools": Environment(
        name="rectools",
        requirements=(TORCH, "rectools[torch]==0.19.0", *OURS),
        packages=("rectools", "pytorch-lightning"),
    ),
}


def python_of(environment: Environment, folder: Path) -> Path:
    """The interpreter of the environment in ``folder``, made there unless it is whole and as asked for.

    Raises:
        subprocess.CalledProcessError: where pip cannot make it.
    """
    home = folder / environment.name
    python, stamp = home / "bin" / "python", home / "requirements.txt"
    requirements = "\n".join(environment.requirements) + "\n"
    if not stamp.is_file() or stamp.read_text() != requirements:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *environment.requirements], check=True)
        stamp.write_text(requirements)
    return python.absolute()


def drive(
    module: str,
    environment: Environment | None,
    arguments: Sequence[str],
    *,
    scratch: Path,
    threads: int,
    out: TextIO,
    errors: TextIO,
) -> int:
    """Run a module of ``benchmarks.peers`` to its end and return its exit code.

    Args:
        module: its name.
        environment: in which it runs; made first where it is not there. None: the one that this process runs in.
        arguments: of its command line.
        scratch: the folder that it runs in.
        threads: that it may compute with.
        out: its stdout.
        errors: its stderr.
    """
    python = python_of(environment, FOLDER) if environment else Path(sys.executable)
    scratch.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    variables = {**(environment.variables if environment else {}), **counts, "PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]
    return subprocess.run(
        command, stdout=out, stderr=errors, cwd=scratch, env={**os.environ, **variables}, check=False
    ).returncode
