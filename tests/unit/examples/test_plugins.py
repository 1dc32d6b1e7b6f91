"""The examples of plugins do what they say."""

from pathlib import Path

import numpy as np
import pytest

from client.data.sequences import Sequences
from client.features.prepared_platform import nearest
from client.scorers.scorer import FitData, HistoryBatch
from server.aggregation.server_optimiser import Update
from shared.federation.config import RoundsConfig
from simulations.plugins.plugin import Plugin, PluginFile

EXAMPLES = Path(__file__).parents[3] / "examples" / "plugins"


def example(name: str) -> Plugin:
    return PluginFile.read(str(EXAMPLES / name)).load()


def test_rp3beta_walks_from_item_to_user_to_item() -> None:
    features = np.eye(3, dtype=np.float32)
    met = Sequences(offsets=np.array([0, 2, 4]), items=np.array([0, 1, 1, 2], np.int32))
    data = FitData(sequences=met, features=features, neighbours=nearest(features), ordered=True)
    build, _rule = example("rp3beta.py").scorers["rp3beta"]
    histories = Sequences(offsets=np.array([0, 1, 3]), items=np.array([0, 0, 1], np.int32))
    scores = build(data).score(HistoryBatch(histories, 3))[0].numpy()
    # from 0 surely to the first user, from there to 0 or 1; item 1 has two users, so its share is divided by 2^.4
    from_0, from_1 = np.array([0, 0.5 / 2**0.4, 0]), np.array([0.25, 0, 0.25])
    np.testing.assert_allclose(scores, [from_0, 0.6 * from_0 + from_1], rtol=1e-6)


@pytest.mark.parametrize(("outlier", "mean"), [(1000.0, 3.0), (-1000.0, 2.0)])
def test_trimmed_mean_leaves_out_the_lowest_and_the_highest_fifth(outlier: float, mean: float) -> None:
    aggregation = example("trimmed_mean.py").aggregations["trimmed-mean"](RoundsConfig())
    values = (1.0, 2.0, 3.0, 4.0, outlier)
    updates = [Update(name=str(value), difference=np.array([value]), weight=1.0) for value in values]
    assert aggregation.step(np.array([10.0], np.float32), updates, round_number=1).tolist() == [10 + mean]
