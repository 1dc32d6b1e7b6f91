"""The run config: checks itself, and comes back from Flower's flat form as it was."""

import pytest

from shared.config import LocalSettings, RoundsConfig
from shared.errors import ConfigError


def test_comes_back_from_the_flat_form_as_it_was() -> None:
    config = RoundsConfig(seed=3, strategy="fedadam", moments=False, local=LocalSettings(proximal=0.5, tokens=7))
    assert RoundsConfig.from_run_config(config.to_run_config()) == config


def test_takes_a_whole_number_for_a_real_one() -> None:
    assert RoundsConfig.from_run_config({**RoundsConfig().to_run_config(), "ridge": 1}).ridge == 1.0


@pytest.mark.parametrize(
    ("key", "value"),
    [("rounds", -1), ("strategy", "fedprox"), ("ridge", 0.0), ("moments", 1), ("local-dropout", 1.0), ("unknown", 1)],
)
def test_refuses(key: str, value: float | str) -> None:
    with pytest.raises(ConfigError, match=key.removeprefix("local-")):
        RoundsConfig.from_run_config({**RoundsConfig().to_run_config(), key: value})


def test_refuses_a_missing_key() -> None:
    flat = RoundsConfig().to_run_config()
    del flat["rounds"]
    with pytest.raises(ConfigError, match="rounds"):
        RoundsConfig.from_run_config(flat)
