"""A run that was begun by a release with other names of options goes on."""

from pathlib import Path

import pytest

from shared.errors import ConfigError
from simulations.run.run_identity import require_same_run, write_identity

IDENTITY = {"format": 1, "versions": {}, "code": "c", "platforms": {}}


def test_goes_on_with_a_run_that_has_former_names(tmp_path: Path) -> None:
    write_identity(tmp_path, {**IDENTITY, "config": {"server_rate": 0.5, "strategy": "fedavgm"}})
    require_same_run(tmp_path, {**IDENTITY, "config": {"server_learning_rate": 0.5, "aggregation": "fedavgm"}})
    with pytest.raises(ConfigError, match=r"was begun with server_learning_rate 0.5, now it is 0.1"):
        require_same_run(tmp_path, {**IDENTITY, "config": {"server_learning_rate": 0.1, "aggregation": "fedavgm"}})
