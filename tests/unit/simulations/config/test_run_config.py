"""The options of a run are checked where they enter."""

import pytest

from client.transfer.table import in_runs
from shared.errors import ConfigError
from shared.federation.config import LocalSettings, RoundsConfig
from simulations.cli.run import asked_config
from simulations.config.run_config import EMBEDDED_ROUNDS, RunConfig

MASKED = {"privacy": "masked", "robust": "none", "min-platforms": 3}


def test_is_the_embedded_world_without_options() -> None:
    config = RunConfig.from_dict({})
    assert config.synthetic
    assert (config.sources, config.federation.rounds, config.methods) == (("news",), EMBEDDED_ROUNDS, in_runs())
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
        ({"colour": "red"}, "unknown option 'colour'; options are .*source, platform"),
        ({"methods": "local,modle"}, "methods must be of popularity, .*; got 'modle'"),
        ({"methods": "local,feature,feature"}, "methods 'feature' is given twice"),
        ({"methods": 3}, "methods must be names with commas between them, or a list of names; got 3"),
        ({"source": "nobody"}, "source must be of news, .*; got 'nobody'"),
        ({"report": "nobody"}, "report must be of news, .*; got 'nobody'"),
        ({"platform": ["shop=a", "shop=b"], "source": "shop"}, "platform 'shop' is given twice"),
        ({"platform": ["shop"]}, "a platform must be NAME=DIR"),
        ({"rounds": -1}, "rounds must be 0 or more; got -1"),
        ({"server_learning_rate": float("inf")}, "server-learning-rate must be a finite number; got inf"),
        ({"local-steps": 3, "local_steps": 4}, "option 'local-steps' is given twice"),
        ({"min-platforms": 6}, "min-platforms must be at most the number of platforms, 5; got 6"),
        (
            {"leave-one-out": "on", "methods": "local,feature"},
            "leave-one-out needs the method federated; methods are loc",
        ),
        ({"leave-one-out": "on", **MASKED}, "leave-one-out needs privacy plain, .*; got masked"),
        ({"leave-one-out": "on", "min-platforms": 5}, "leave-one-out needs 6 platforms, so that 5 are left; got 5"),
        ({"seeds": 0}, "seeds must be 1 or more; got 0"),
        ({"seed": 2**63}, "seed must be from 0 to 9223372036854775807; got 9223372036854775808"),
        ({"seed": 2**63 - 1, "seeds": 2}, "seed must leave room for 2 seeds below 2\\*\\*63; got 9223372036854775807"),
        ({"seed": True}, "seed must be a whole number; got True"),
        ({"min_user_events": "5"}, "min-user-events must be a whole number; got '5'"),
        (
            {"features": "bert"},
            "features must be hashing\\[:DIM\\], .* or sentence-transformers:MODEL; got 'bert'",
        ),
        ({"encoder": "huge"}, "encoder must be one of tiny, nano, small, wide; got 'huge'"),
        ({"cold_start": "news"}, "cold-start must be of shop, second-shop, films, newcomer; got 'news'"),
        ({"cold_start": "films", "report": "shop"}, "cold-start must be of shop; got 'films'"),
        ({"diversity": 1.5}, "diversity must be from 0 to 1; got 1.5"),
        ({"diversity": "much"}, "diversity must be a number; got 'much'"),
        ({"diversity": 0.3, "methods": "local,pooled"}, "methods must hold local and one of feature, model"),
        ({"updates": "bytes"}, "updates must be one of whole, int8-delta, int4-delta; got 'bytes'"),
        (
            {"adapters": "lora:x"},
            "adapters must be none, lora:RANK or shared:RANK with a RANK from 1 to 999; got 'lora:x'",
        ),
        ({"teacher": "nobody"}, "teacher must be one of encoder, stack; got 'nobody'"),
        ({"alignment": "probe"}, "alignment must be off, probe:WEIGHT, coral:WEIGHT or gate, .*; got 'probe'"),
        ({"alignment": "gate", "features": "precomputed"}, "alignment gate needs the features hashing"),
    ],
)
def test_says_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RunConfig.from_dict(options)


def test_takes_every_value_that_a_deployed_run_takes() -> None:
    asked = RoundsConfig(
        robust="none",
        privacy="private",
        epsilon=4.0,
        delta=1e-7,
        rounds=3,
        moments=False,
        ridge=0.5,
        aggregation="fedadam",
        weighting="sqrt-users",
        server_learning_rate=0.01,
        server_momentum=0.5,
        min_platforms=2,
        least_parties=4,
        require_all=True,
        wait_seconds=5.0,
        deadline_seconds=6.0,
        stage_seconds=4.0,
        groups_of=4,
        colluding_platforms=2,
        evaluate_every=2,
        downlink="int8-delta",
        learning_rate_decay=0.5,
        local=LocalSettings(
            head_epochs=2,
            encoder_epochs=3,
            head_rate=0.1,
            encoder_rate=0.2,
            tokens=64,
            steps=5,
            negatives=7,
            proximal=0.2,
            clip_norm=1.0,
            dropout=0.2,
            id_dropout=0.3,
            updates="int8-delta",
        ),
    )
    usual = RoundsConfig().to_run_config()
    flat = asked.to_run_config()
    assert {key for key, value in flat.items() if value == usual[key]} == {
        "adapters",
        "buffer",
        "cohort",
        "cohort-noise",
        "most-stale",
        "over-sampling",
        "seed",
    }
    config = RunConfig.from_dict(flat)
    assert config.federation == asked
    assert RunConfig.from_dict(config.to_dict()) == config


def test_sends_down_as_little_as_comes_up_unless_something_else_is_asked() -> None:
    asked = [{}, {"adapters": "lora:8"}, {"updates": "int8-delta"}, {"updates": "int8-delta", "downlink": "whole"}]
    downlink = [RunConfig.from_dict(options).federation.downlink for options in asked]
    assert downlink == ["whole", "int8-delta", "int8-delta", "whole"]
    assert [one for one in asked if "downlink" in RunConfig.from_dict(one).to_dict()] == [asked[-1]]


def test_names_in_its_result_what_it_always_did_and_what_is_not_usual() -> None:
    written = RunConfig.from_dict({}).to_dict()
    assert sorted(written) == [
        *("adapters", "aggregation", "alignment", "clicks", "cold_start", "device", "diversity", "encoder"),
        *(
            "features",
            "methods",
            "min_item_events",
            "min_user_events",
            "moments_weight",
            "platform",
            "plugin",
            "privacy",
        ),
        *("protocol", "report", "rounds", "seed", "seeds", "source", "split", "teacher", "updates", "weighting"),
    ]
    assert RunConfig.from_dict({"local-tokens": 64}).to_dict() == {**written, "local_tokens": 64}
    assert RunConfig.from_dict({"leave-one-out": "on"}).to_dict() == {**written, "leave_one_out": "on"}


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("weights", "sqrt-users", "weighting"),
        ("strategy", "fedadam", "aggregation"),
        ("local-updates", "int8-delta", "updates"),
        ("local_adapters", "lora:8", "adapters"),
        ("downloads", "int8-delta", "downlink"),
        ("server-rate", 0.5, "server-learning-rate"),
        ("final_rate", 0.5, "learning-rate-decay"),
    ],
)
def test_takes_a_former_name_and_says_the_new_one(old: str, value: float | str, new: str) -> None:
    said: list[str] = []
    assert RunConfig.from_dict({old: value}, said.append) == RunConfig.from_dict({new: value})
    assert said == [f"{old.replace('_', '-')} is called {new} now"]


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("updates", "steps", "int8-delta"),
        ("downlink", "steps", "int8-delta"),
        ("weighting", "helpfulness", "similarity"),
    ],
)
def test_takes_a_former_name_of_a_choice_and_says_the_new_one(key: str, old: str, new: str) -> None:
    said: list[str] = []
    assert RunConfig.from_dict({key: old}, said.append) == RunConfig.from_dict({key: new})
    assert said == [f"{key} {old} is called {new} now"]


def test_lets_flags_win_over_a_file_and_what_is_set_over_both() -> None:
    file = {"rounds": 1, "seeds": 2, "local_steps": 3}
    config = asked_config(file, {"rounds": 4}, ["local-steps=5", "strategy=fedavgm"])
    assert (config.federation.rounds, config.seeds, config.federation.local.steps) == (4, 2, 5)
    assert config.aggregation == "fedavgm"
