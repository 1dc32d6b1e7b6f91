"""The click head: what it sees, what it gives before training, and that it outlives the process."""

from pathlib import Path

import numpy as np
import pytest
import torch

from client.clicks.click_head import ClickHead, ClickHeadConfig, assembled
from client.clicks.click_inputs import ClickInputs, EncoderStates
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import ConfigError, HeadStoreError

CONFIG = ClickHeadConfig(columns=("b",), encoders=("own",), hidden=3)


def inputs() -> ClickInputs:
    """Two impressions of two candidates and one of three, two columns, an encoder of width 2."""
    return ClickInputs(
        offsets=np.array([0, 2, 4, 7]),
        items=torch.tensor([0, 1, 1, 2, 0, 1, 2]),
        labels=torch.tensor([1.0, 0, 0, 1, 0, 0, 1]),
        names=("a", "b"),
        values=torch.stack([torch.zeros(7), torch.tensor([1.0, 3, 2, 2, 0, 3, 6])], dim=1),
        encoders={
            "own": EncoderStates(
                histories=torch.tensor([[1.0, 2], [3, 4], [5, 6]]), items=torch.tensor([[1.0, 0], [0, 1], [1, 1]])
            )
        },
    )


def head() -> ClickHead:
    return ClickHead.initial(CONFIG, inputs(), np.arange(3), torch.Generator().manual_seed(0))


def test_sees_columns_their_distance_from_the_impressions_mean_and_products() -> None:
    found = assembled(CONFIG, inputs(), np.array([2, 0]))
    # columns: b, b less its mean in the impression (3; then 2), u ∘ e
    assert found.tolist() == [[0, -3, 5, 0], [3, 0, 0, 6], [6, 3, 5, 6], [1, -1, 1, 0], [3, 1, 0, 2]]


def test_begins_at_the_click_rate() -> None:
    assert head().probabilities(inputs(), np.arange(3)) == pytest.approx(np.full(7, 3 / 7), abs=1e-6)


def test_divides_logits_by_the_temperature() -> None:
    cold = ClickHead(**{**vars(head()), "temperature": 0.5})
    logit = np.log(3 / 4)
    assert cold.probabilities(inputs(), np.arange(3)) == pytest.approx(
        np.full(7, 1 / (1 + np.exp(-2 * logit))), abs=1e-6
    )


def test_comes_back_from_the_store_as_it_was(tmp_path: Path) -> None:
    weights = [torch.full_like(value, 0.3) for value in head().parameters()]
    trained = head().with_parameters(weights)
    HeadStore(tmp_path).write("click-local", trained.to_stored())
    stored = HeadStore(tmp_path).read("click-local")
    assert stored is not None
    again = ClickHead.from_stored(stored)
    assert again.config == CONFIG
    assert (again.logits(inputs(), np.arange(3)) == trained.logits(inputs(), np.arange(3))).all()


@pytest.mark.parametrize("change", ["config", "direct", "shape", "temperature"])
def test_refuses_a_record_of_another_kind(change: str) -> None:
    stored = head().to_stored()
    arrays, facts = dict(stored.arrays), dict(stored.facts)
    broken = {
        "config": StoredRecord(arrays=arrays, facts={"temperature": 1.0}),
        "direct": StoredRecord(arrays={**arrays, "direct": arrays["direct"] * np.nan}, facts=facts),
        "shape": StoredRecord(arrays={**arrays, "leave": np.zeros(9)}, facts=facts),
        "temperature": StoredRecord(arrays=arrays, facts={**facts, "temperature": 0}),
    }
    with pytest.raises(HeadStoreError):
        ClickHead.from_stored(broken[change])


@pytest.mark.parametrize("values", [{"columns": ()}, {"columns": ("a",), "hidden": -1}])
def test_refuses_a_config_that_makes_no_sense(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ClickHeadConfig(**values)  # type: ignore[arg-type]
