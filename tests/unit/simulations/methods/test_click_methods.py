"""Which columns each method's click heads see."""

import numpy as np
import torch

from client.clicks.click_inputs import CONTEXT, COUNTS, ClickInputs
from simulations.methods.click_methods import click_configs

AS_OF = ("clicked@1h", "clicked@6h", "shown@1h", "shown@6h", "rate@1h", "rate@6h", "shown-age", "shown-new")
NAMES = ("content-knn@1", "received:sequence", *COUNTS, *AS_OF, "vectors@mean")
INPUTS = ClickInputs(
    offsets=np.array([0, 1]),
    items=torch.zeros(1, dtype=torch.int64),
    labels=torch.zeros(1),
    names=NAMES,
    values=torch.zeros(1, len(NAMES)),
    encoders={},
)


def test_popularity_sees_one_count_alone_of_all_users_or_of_clicks_as_of_the_impression() -> None:
    configs = click_configs("popularity", INPUTS)
    assert [config.columns for config in configs] == [("met",), ("clicked@1h",), ("clicked@6h",)]
    assert {config.hidden for config in configs} == {0}


def test_local_sees_all_that_is_counted_as_of_the_impression_beside_its_scorers() -> None:
    (config,) = {config.columns for config in click_configs("local", INPUTS)}
    assert config == ("content-knn@1", *AS_OF, "vectors@mean", *CONTEXT)
