"""The environments in which the peers of the training race run, each with the versions that it works with."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

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
        requirements=(TORCH, "recbole==1.2.1", "setuptools<81", "numpy<2", "scipy<1.13", "pandas<2.3"),
        packages=("recbole",),
        variables={"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
    ),
    "rectools": Environment(
        name="rectools",
        requirements=(TORCH, "rectools[torch]==0.19.0"),
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
    wanted = "\n".join(environment.requirements) + "\n"
    if not stamp.is_file() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *environment.requirements], check=True)
        stamp.write_text(wanted)
    return python.absolute()
