"""A leave-one-out contribution is what a run without that platform shows."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.encoder.file import load_encoder
from simulations.config.run_config import RunConfig
from simulations.run.finished_task import KEPT_FOLDER
from simulations.run.run_command import execute
from simulations.run.whole_run import run as run_methods
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

PARTS = {"shop": "users=0-48", "branch": "users=70-100", "kiosk": "users=48-100"}
"""The shop and the kiosk have users enough to take part in the rounds."""


def run_of(folder: Path, out: Path, *names: str, **changes: Any) -> dict[str, Any]:
    options = {
        "source": "shop",
        "platform": [f"{name}={folder},{PARTS[name]}" for name in names],
        "report": "branch",
        "methods": "local,federated",
        "encoder": "tiny",
        "features": FEATURES,
        "rounds": 2,
    }
    config = RunConfig.from_dict(options | changes)
    return execute(config, out, runner=partial(run_methods), say=lambda _line: None, force=False)


def encoder(out: Path, name: str) -> NDArray[np.float32]:
    """The numbers of an encoder that a run keeps."""
    return load_encoder(out / "work" / KEPT_FOLDER / "seed-0" / "encoders" / f"{name}.safetensors")[0].flat


def test_agrees_with_a_run_without_the_platform(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path / "tiny")
    asked = run_of(folder, tmp_path / "asked", *PARTS, leave_one_out="on")
    without = run_of(folder, tmp_path / "without", "shop", "branch")
    of_all, of_others = (run["platforms"]["branch"]["methods"]["federated"]["ndcg@10"] for run in (asked, without))
    assert asked["contributions"]["kiosk"]["branch"]["mean"] == pytest.approx(100 * (of_all / of_others - 1))
    assert {name: list(row) for name, row in asked["contributions"].items()} == {name: ["branch"] for name in PARTS}
    assert without["contributions"] == {}
    of_all, left_out = (encoder(tmp_path / "asked", name) for name in ("federated", "federated-without-kiosk"))
    np.testing.assert_array_equal(left_out, encoder(tmp_path / "without", "federated"))
    assert not np.array_equal(left_out, of_all)
