"""A node config: read strictly, and opened once."""

import subprocess
import sys

import pytest

from client.guard.site_policy import SitePolicy
from client.rounds.workspace import NodeSettings, already_open, open_workspace
from shared.errors import ConfigError, DataError
from tests.federation_world import opened


def test_comes_back_from_the_node_config_as_it_was() -> None:
    settings = NodeSettings(platform="a=/data,fraction=0.5", heads="/heads", seed=3, features="precomputed")
    assert NodeSettings.from_node_config(settings.to_node_config()) == settings


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"platform": "a=/x"}, "lacks.*heads"),
        ({"platform": "a=/x", "heads": "/h", "head": "/h"}, "unknown keys.*head"),
        ({"platform": "a=/x", "heads": "/h", "seed": "3"}, "seed"),
        ({"platform": 3, "heads": "/h"}, "platform"),
    ],
)
def test_refuses(config, reason) -> None:
    with pytest.raises(ConfigError, match=reason):
        NodeSettings.from_node_config(config)


def test_opens_a_platform_that_was_prepared_already_whatever_its_data_are_called(tmp_path) -> None:
    settings = NodeSettings(platform=f"a={tmp_path}", heads=str(tmp_path))
    data = opened("a")
    assert already_open(data)(settings, SitePolicy(), None).platform is data.platform
    with pytest.raises(DataError):
        _ = open_workspace(settings).prepared


def test_an_app_reads_no_data_frames_and_no_tensors_until_a_task_needs_them() -> None:
    script = "import sys, client.app; print({'polars', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
