"""The bundle of the installed release: the app folder that Flower packs and sends to every platform.

It is made from the installed packages, so neither the operator nor a platform needs a source tree.
"""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tomli_w

from shared.errors import ConfigError, os_error_as
from shared.federation.config import FlatConfig, RoundsConfig

NAME = "graft"
PACKAGES = ("server", "client", "shared")


def write_bundle(folder: Path) -> Path:
    """Make the app folder anew as ``folder/graft`` and return its path; raises ConfigError where it cannot be made."""
    app = folder / NAME
    with os_error_as(ConfigError, f"{app}: the bundle cannot be written"):
        shutil.rmtree(app, ignore_errors=True)
        app.mkdir(parents=True)
        for package in PACKAGES:
            _copy_modules(package, app / package)
        (app / "pyproject.toml").write_bytes(tomli_w.dumps(app_description()).encode("utf-8"))
    return app


def app_description() -> dict[str, Any]:
    """What Flower reads of an app: its name and version, its two components and the run config's defaults."""
    app = {
        "publisher": NAME,
        "fab-include": [f"{package}/**/*.py" for package in PACKAGES],
        "components": {"serverapp": "server.app:app", "clientapp": "client.app:app"},
        "config": static_run_config(),
    }
    return {"project": {"name": NAME, "version": version(NAME)}, "tool": {"flwr": {"app": app}}}


def static_run_config() -> FlatConfig:
    """The run config's keys with their defaults: Flower takes no other."""
    files: FlatConfig = {"encoder": "", "out": "", "task-key": "", "ledgers": "", "resume": False}
    return {**files, "classes": "", "roster": "", "summed": "", **RoundsConfig().to_run_config()}


def _copy_modules(package: str, target: Path) -> None:
    source = _installed(package)
    for path in sorted(source.rglob("*.py")):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _installed(package: str) -> Path:
    """Where a package's modules lie; it is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"expected the package {package} to be installed; found none")
    return Path(next(iter(spec.submodule_search_locations)))
