"""Training a click head: it finds a planted signal, stops by validation, and is tempered to true probabilities."""

import numpy as np
import pytest
import torch

from client.clicks.click_head import ClickHeadConfig
from client.clicks.click_inputs import ClickInputs, EncoderStates
from client.clicks.click_metrics import calibration_error, log_loss, rank_clicks
from client.clicks.click_training import ClickTraining, fit_temperature, train_click_head
from shared.errors import ConfigError

IMPRESSIONS, SIZE, WIDTH = 600, 10, 4
TRAIN, VALIDATION, TEST = np.arange(400), np.arange(400, 500), np.arange(500, 600)


def inputs(*, signal: float) -> ClickInputs:
    """A click's logit is ``signal`` times a column and times <u, e>, less 2; another column is noise."""
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(IMPRESSIONS * SIZE, 2))
    histories, items = rng.normal(size=(IMPRESSIONS, WIDTH)), rng.normal(size=(40, WIDTH))
    shown = rng.integers(0, 40, IMPRESSIONS * SIZE)
    score = (np.repeat(histories, SIZE, axis=0) * items[shown]).sum(1)
    chance = 1 / (1 + np.exp(2 - signal * (columns[:, 0] + score)))
    return ClickInputs(
        offsets=np.arange(IMPRESSIONS + 1) * SIZE,
        items=torch.from_numpy(shown),
        labels=torch.from_numpy((rng.random(len(shown)) < chance).astype(np.float32)),
        names=("told", "noise"),
        values=torch.from_numpy(columns.astype(np.float32)),
        encoders={
            "own": EncoderStates(
                histories=torch.from_numpy(histories.astype(np.float32)),
                items=torch.from_numpy(items.astype(np.float32)),
            )
        },
    )


def auc_of(found: ClickInputs, config: ClickHeadConfig) -> float:
    trained = train_click_head(found, TRAIN, VALIDATION, config, ClickTraining(epochs=12), seed=0)
    logits = trained.head.logits(found, TEST)
    offsets = np.arange(len(TEST) + 1) * SIZE
    return float(rank_clicks(logits, found.clicked(TEST), offsets, TEST).auc.mean())


def test_finds_what_columns_and_products_tell() -> None:
    told = inputs(signal=1.0)
    with_products = auc_of(told, ClickHeadConfig(columns=("told", "noise"), encoders=("own",)))
    alone = auc_of(told, ClickHeadConfig(columns=("told", "noise")))
    assert with_products > alone + 0.05 > 0.6


def test_finds_nothing_in_noise() -> None:
    # 100 impressions of about one click among ten: the deviation of their mean AUC is about .3 / 10
    found = inputs(signal=0.0)
    assert auc_of(found, ClickHeadConfig(columns=("told", "noise"), encoders=("own",))) == pytest.approx(0.5, abs=0.1)


def test_keeps_the_epoch_with_the_lowest_validation_loss() -> None:
    found = inputs(signal=1.0)
    config = ClickHeadConfig(columns=("told",))
    trained = train_click_head(found, TRAIN, VALIDATION, config, ClickTraining(epochs=3), seed=0)
    logits, labels = trained.head.logits(found, VALIDATION), found.clicked(VALIDATION)
    assert log_loss(logits, labels) == min(trained.losses)
    assert trained.validation <= min(trained.losses)
    assert len(trained.losses) == 4


def test_repeats_itself_under_a_seed_and_not_under_another() -> None:
    found, config = inputs(signal=1.0), ClickHeadConfig(columns=("told",))
    first, again, other = (
        train_click_head(found, TRAIN, VALIDATION, config, ClickTraining(epochs=2), seed=seed) for seed in (1, 1, 2)
    )
    assert first.losses == again.losses != other.losses


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_recovers_the_temperature_that_logits_were_spread_by(true: float) -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=20_000) * 1.5
    labels = rng.random(len(logits)) < 1 / (1 + np.exp(-logits))
    found = fit_temperature(logits * true, labels)
    # 20,000 draws tell a slope of 1 to about 2 %
    assert found == pytest.approx(true, rel=0.06)
    before, after = (calibration_error(1 / (1 + np.exp(-logits * true / t)), labels) for t in (1.0, found))
    assert after <= max(before, 0.02)


@pytest.mark.parametrize("values", [{"epochs": 0}, {"rate": 0.0}, {"weight_decay": -1.0}])
def test_refuses_settings_that_make_no_sense(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ClickTraining(**values)  # type: ignore[arg-type]
