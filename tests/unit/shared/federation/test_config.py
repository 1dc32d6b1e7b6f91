"""The run config: checks itself, and comes back from Flower's flat form as it was."""

from dataclasses import replace

import pytest

from shared.errors import ConfigError
from shared.federation.config import USUAL_CLIP_NORM, LocalSettings, RoundsConfig, adapter_rank


def test_comes_back_from_the_flat_form_as_it_was() -> None:
    config = RoundsConfig(seed=3, aggregation="fedadam", moments=False, local=LocalSettings(proximal=0.5, tokens=7))
    assert RoundsConfig.from_run_config(config.to_run_config()) == config


def test_takes_a_whole_number_for_a_real_one() -> None:
    assert RoundsConfig.from_run_config({**RoundsConfig().to_run_config(), "ridge": 1}).ridge == 1.0


@pytest.mark.parametrize(
    ("old", "new"), [("server-rate", "server-learning-rate"), ("final-rate", "learning-rate-decay")]
)
def test_takes_a_former_key(old: str, new: str) -> None:
    flat = RoundsConfig(server_learning_rate=0.5, learning_rate_decay=0.25).to_run_config()
    former = {old if key == new else key: value for key, value in flat.items()}
    assert former.keys() != flat.keys()
    assert RoundsConfig.from_run_config(former).to_run_config() == flat


def test_takes_former_names_of_choices() -> None:
    former = {"updates": "steps", "downlink": "steps", "weighting": "helpfulness"}
    config = RoundsConfig.from_run_config({**RoundsConfig().to_run_config(), **former})
    assert (config.local.updates, config.downlink, config.weighting) == ("int8-delta", "int8-delta", "similarity")
    assert LocalSettings.from_flat({**LocalSettings().to_flat(), "updates": "steps"}) == config.local


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rounds", -1),
        ("aggregation", "fedprox"),
        ("ridge", -0.1),
        ("moments", 1),
        ("learning-rate-decay", 0.0),
        ("local-dropout", 1.0),
        ("adapters", "lora"),
        ("updates", "bytes"),
        ("unknown", 1),
    ],
)
def test_refuses(key: str, value: float | str) -> None:
    with pytest.raises(ConfigError, match=key.removeprefix("local-")):
        RoundsConfig.from_run_config({**RoundsConfig().to_run_config(), key: value})


def test_refuses_int8_deltas_beside_an_adapter() -> None:
    with pytest.raises(ConfigError, match="updates must be whole where adapters are lora:RANK; got 'int8-delta'"):
        LocalSettings(adapters="lora:8", updates="int8-delta")


def test_lowers_the_platforms_rates_from_the_first_round_to_the_last() -> None:
    config = RoundsConfig(
        rounds=3, learning_rate_decay=0.5, local=LocalSettings(head_rate=0.4, encoder_rate=0.04, tokens=9)
    )
    rates = [(local.head_rate, local.encoder_rate) for local in map(config.local_in, (1, 2, 3))]
    assert [rate for pair in rates for rate in pair] == pytest.approx([0.4, 0.04, 0.3, 0.03, 0.2, 0.02])
    assert config.local_in(2).tokens == 9


def test_a_single_round_has_the_whole_rates() -> None:
    config = RoundsConfig(rounds=1)
    assert config.local_in(1) == config.local


def test_refuses_a_missing_key() -> None:
    flat = RoundsConfig().to_run_config()
    del flat["rounds"]
    with pytest.raises(ConfigError, match="rounds"):
        RoundsConfig.from_run_config(flat)


def test_reads_the_rank_of_adapters() -> None:
    assert [adapter_rank(text) for text in ("none", "lora:1", "lora:16")] == [0, 1, 16]
    assert LocalSettings(adapters="lora:8").rank == 8


@pytest.mark.parametrize(
    "text", ["", "lora", "lora:", "lora:0", "lora:-1", "lora:8.0", "lora:٣", "lora:1000", "dora:8"]
)
def test_says_what_adapters_may_be(text: str) -> None:
    with pytest.raises(
        ConfigError, match=f"adapters must be none, lora:RANK or shared:RANK with a RANK from 1 to 999; got '{text}'"
    ):
        adapter_rank(text)


MASKED = {"robust": "none", "min_platforms": 3}
MASKED_LOCAL = LocalSettings(clip_norm=16.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weighting": "similarity"}, "weighting must be uniform or sqrt-users: similarity looks at single"),
        ({"robust": "agreement"}, "robust must be none where groups-of is 0, .* got 'agreement'"),
        ({"evaluate_every": 2}, "evaluate-every must be 0 or 1, since each sum judges .* got 2"),
        ({"min_platforms": 2}, "min-platforms must be at least 3; got 2"),
        ({"local": replace(MASKED_LOCAL, adapters="lora:4")}, "adapters must be none.*got 'lora:4'"),
        ({"local": replace(MASKED_LOCAL, updates="int8-delta")}, "updates must be whole"),
    ],
)
def test_refuses_in_a_masked_run_what_needs_more_than_a_sum(changes, words) -> None:
    usual = {**MASKED, "local": MASKED_LOCAL, "privacy": "masked"}
    assert RoundsConfig(**usual).is_masked
    with pytest.raises(ConfigError, match=f"where privacy is masked, {words}"):
        RoundsConfig(**{**usual, **changes})
    assert not RoundsConfig(**{**usual, **changes, "privacy": "plain"}).is_masked


def test_groups_of_a_masked_run_are_of_three_or_more() -> None:
    usual = {"min_platforms": 3, "privacy": "masked"}
    assert RoundsConfig(**usual, groups_of=3).robust == "agreement"
    with pytest.raises(ConfigError, match="groups-of must be 0, or at least 3; got 2"):
        RoundsConfig(**usual, groups_of=2)


def test_a_masked_run_cuts_updates_to_the_usual_length_where_it_names_none() -> None:
    usual = RoundsConfig(**MASKED, privacy="masked")
    assert usual.local_in(1).clip_norm == USUAL_CLIP_NORM
    assert replace(usual, local=MASKED_LOCAL).local_in(1).clip_norm == MASKED_LOCAL.clip_norm
    assert replace(usual, privacy="plain").local_in(1).clip_norm == 0


@pytest.mark.parametrize("privacy", ["masked", "masked-private"])
def test_a_masked_run_without_more_words_is_told_all_that_it_lacks_at_once(privacy) -> None:
    with pytest.raises(ConfigError) as refused:
        RoundsConfig(privacy=privacy)
    assert "--set robust=none" in str(refused.value)
    assert "--set min-platforms=3" in str(refused.value)
    assert "colluding" not in str(refused.value)
    RoundsConfig(privacy=privacy, robust="none", min_platforms=3)
