"""The options of a run are checked where they enter."""

from pathlib import Path

import pytest

from client.transfer.table import in_runs
from shared.errors import ConfigError
from simulations.config.run_config import EMBEDDED_ROUNDS, RunConfig, read_config_file


def test_is_the_embedded_world_without_options() -> None:
    config = RunConfig.from_dict({})
    assert config.synthetic
    assert (config.sources, config.rounds, config.methods) == (("news",), EMBEDDED_ROUNDS, in_runs())
    assert config.reported == ("news", "shop", "second-shop", "films", "newcomer")


def test_reads_back_what_it_writes() -> None:
    config = RunConfig.from_dict(
        {
            "source": "shop",
            "platform": ["shop=a,users=0-80", "branch=a,users=80-100,fraction=0.2"],
            "methods": "local,feature",
            "report": ["branch"],
            "rounds": 3,
            "seeds": 2,
            "min-user-events": 5,
            "adapters": "lora:8",
            "teacher": "stack",
            "alignment": "coral:0.5",
            "cold-start": "branch",
            "diversity": 0.25,
        }
    )
    assert config.reported == ("branch",)
    assert RunConfig.from_dict(config.to_dict()) == config


def test_puts_methods_in_the_order_of_reports() -> None:
    assert RunConfig.from_dict({"methods": "feature, local"}).methods == ("local", "feature")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"colour": "red"}, "unknown option 'colour'; options are source, platform"),
        ({"methods": "local,modle"}, "methods must be of popularity, .*; got 'modle'"),
        ({"methods": 3}, "methods must be names with commas between them, or a list of names; got 3"),
        ({"source": "nobody"}, "source must be of news, .*; got 'nobody'"),
        ({"report": "nobody"}, "report must be of news, .*; got 'nobody'"),
        ({"platform": ["shop=a", "shop=b"], "source": "shop"}, "platform 'shop' is given twice"),
        ({"platform": ["shop"]}, "a platform must be NAME=DIR"),
        ({"rounds": -1}, "rounds must be 0 or more; got -1"),
        ({"seeds": 0}, "seeds must be 1 or more; got 0"),
        ({"seed": True}, "seed must be a whole number; got True"),
        ({"min_user_events": "5"}, "min-user-events must be a whole number; got '5'"),
        (
            {"features": "bert"},
            "features must be hashing\\[:DIM\\], .* or sentence-transformers:MODEL; got 'bert'",
        ),
        ({"encoder": "huge"}, "encoder must be of tiny, nano, small, wide; got 'huge'"),
        ({"cold_start": "news"}, "cold-start must be of shop, second-shop, films, newcomer; got 'news'"),
        ({"cold_start": "films", "report": "shop"}, "cold-start must be of shop; got 'films'"),
        ({"diversity": 1.5}, "diversity must be from 0 to 1; got 1.5"),
        ({"diversity": "much"}, "diversity must be a number; got 'much'"),
        ({"diversity": 0.3, "methods": "local,pooled"}, "methods must hold local and one of feature, model"),
        ({"updates": "bytes"}, "updates must be one of whole, steps; got 'bytes'"),
        ({"adapters": "lora:x"}, "adapters must be none or lora:RANK with a RANK from 1 to 999; got 'lora:x'"),
        ({"teacher": "nobody"}, "teacher must be of encoder, stack; got 'nobody'"),
        ({"alignment": "probe"}, "alignment must be off, probe:WEIGHT, coral:WEIGHT or gate, .*; got 'probe'"),
        ({"alignment": "gate", "features": "precomputed"}, "alignment gate needs the features hashing"),
    ],
)
def test_says_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RunConfig.from_dict(options)


def test_says_that_a_file_is_missing_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config_file(tmp_path / "run.toml")
    (tmp_path / "run.toml").write_text("rounds = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_config_file(tmp_path / "run.toml")
