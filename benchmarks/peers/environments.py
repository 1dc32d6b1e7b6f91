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
    alone: tuple[str, ...] = ()
    """installed last, without what they ask for"""
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
    "torch": Environment(name="torch", requirements=(TORCH, "numpy>=2,<3"), packages=("torch",)),
    "flower": Environment(
        name="flower",
        requirements=(TORCH, "flwr[simulation]==1.42.0", "ray==2.55.1"),
        packages=("flwr", "ray"),
        variables={
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
    ),
    "pfl": Environment(name="pfl", requirements=(TORCH, "pfl[pytorch]==0.6.0"), packages=("pfl",)),
    "appfl": Environment(
        name="appfl",
        requirements=(TORCH, "appfl==1.12.0"),
        packages=("appfl",),
        # it imports torchvision for measures of images; newer ones do not load beside a torch without CUDA
        alone=("torchvision==0.15.2",),
        variables={"WANDB_MODE": "disabled"},
    ),
}


def python_of(environment: Environment, folder: Path) -> Path:
    """The interpreter of the environment in ``folder``, made there unless it is whole and as asked for.

    Raises:
        subprocess.CalledProcessError: where pip cannot make it.
    """
    home = folder / environment.name
    python, stamp = home / "bin" / "python", home / "requirements.txt"
    requirements = "\n".join((*environment.requirements, *environment.alone)) + "\n"
    if not stamp.is_file() or stamp.read_text() != requirements:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "-q"]
        subprocess.run([*install, *environment.requirements], check=True)
        if environment.alone:
            subprocess.run([*install, "--no-deps", *environment.alone], check=True)
        stamp.write_text(requirements)
    return python.absolute()


def variables_of(environment: Environment | None, threads: int) -> dict[str, str]:
    """What is set while something runs in an environment.

    Args:
        environment: None: the one that this process runs in.
        threads: that each process may compute with.

    Returns:
        All environment variables, by name.
    """
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {**os.environ, **(environment.variables if environment else {}), **counts, "PYTHONPATH": str(ROOT)}


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
    command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]
    variables = variables_of(environment, threads)
    return subprocess.run(command, stdout=out, stderr=errors, cwd=scratch, env=variables, check=False).returncode
