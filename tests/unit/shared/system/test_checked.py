"""Numbers in settings: what lies in the range passes, what does not is named."""

import math
from dataclasses import dataclass

import pytest

from shared.errors import ConfigError
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class Sizes(Checked):
    """A setting of one number and one of several."""

    decay: float = bounded(0.5, above=0, most=1)
    lags: tuple[int, ...] = bounded((1, 2), least=1)


@pytest.mark.parametrize("decay", [0.001, 1.0])
def test_takes_a_number_up_to_the_edge(decay: float) -> None:
    assert Sizes(decay=decay).decay == decay


@pytest.mark.parametrize("decay", [0.0, 1.1, math.nan, math.inf])
def test_names_the_field_its_range_and_what_it_got(decay: float) -> None:
    with pytest.raises(ConfigError, match=rf"Sizes.decay must be above 0 and at most 1; got {decay}"):
        Sizes(decay=decay)


@pytest.mark.parametrize(("lags", "words"), [((), "not be empty"), ((1, 0), "be 1 or more")])
def test_looks_at_every_number_of_several_and_wants_one(lags: tuple[int, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=f"Sizes.lags must {words}"):
        Sizes(lags=lags)
