import dataclasses

import numpy as np
import pytest

from client.training.local_round import LocalRoundResult, run_local_round
from shared.encoder.changes import Adapter, AdapterSpec
from shared.encoder.encoder import Encoder
from shared.encoder.linear import LinearMap
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.federation.updates import AdapterForm, update_form
from tests.unit.client.training.world import SPEC, features, walks

SETTINGS = LocalSettings(tokens=64, head_epochs=2, encoder_epochs=2)
LOW_RANK = dataclasses.replace(SETTINGS, adapters="lora:2")


def received():
    W = np.eye(8, dtype=np.float32)
    return Encoder.initial(SPEC, 0).with_linear(LinearMap(W=W, mean_q=W[0].copy(), mean_y=W[1].copy()))


@dataclasses.dataclass(frozen=True, eq=False)
class Found(LocalRoundResult):
    """A local round, and the encoder that its update makes, or its adapter before it is brought to cells."""

    update: Encoder | Adapter
    left_out: np.ndarray | None


def local_round(settings=SETTINGS, head=None, seed=1, left_out=None, encoder=None):
    sent, form = encoder or received(), update_form(settings, 0)
    result = run_local_round(
        encoder=sent,
        head=head,
        features=features(),
        sequences=walks(),
        settings=settings,
        seed=seed,
        left_out=left_out,
    )
    if isinstance(form, AdapterForm):
        found = form.adapted(result.trained)
        return Found(**vars(result), update=found.adapter, left_out=found.left_out)
    found = form.encoded(result.trained)
    return Found(**vars(result), update=form.applied(sent, found.flat), left_out=found.left_out)


def test_is_a_pure_function_of_its_arguments():
    encoder = received()
    before = encoder.flat.copy()
    one, two = local_round(), local_round()
    assert np.array_equal(one.update.flat, two.update.flat)
    assert np.array_equal(one.head.v, two.head.v)
    assert np.array_equal(encoder.flat, before)
    assert not np.array_equal(one.update.flat, local_round(seed=2).update.flat)


def test_leaves_the_linear_part_as_it_came():
    size = 8 * 8 + 8 + 8
    assert np.array_equal(local_round().update.flat[:size], received().flat[:size])
    assert not np.array_equal(local_round().update.flat[size:], received().flat[size:])


def test_goes_on_from_the_head_it_is_given():
    first = local_round()
    kept = local_round(dataclasses.replace(SETTINGS, head_epochs=0), head=first.head)
    assert np.array_equal(kept.head.v, first.head.v)
    assert list(kept.losses) == ["encoder"]


def test_trains_the_head_on_the_encoder_it_received():
    head_only = local_round(dataclasses.replace(SETTINGS, encoder_epochs=0))
    assert np.array_equal(head_only.update.flat, received().flat)
    assert np.array_equal(head_only.head.v, local_round().head.v)


def test_bounds_the_update():
    limited = local_round(dataclasses.replace(SETTINGS, clip_norm=0.01))
    update = limited.update.flat - received().flat
    assert np.linalg.norm(update) == pytest.approx(0.01, rel=1e-3)
    free = local_round().update.flat - received().flat
    assert np.dot(update, free) == pytest.approx(np.linalg.norm(update) * np.linalg.norm(free), rel=1e-3)


def test_leaves_an_adapter_where_one_is_asked_for():
    adapter = local_round(LOW_RANK).update
    assert isinstance(adapter, Adapter)
    assert adapter.spec == AdapterSpec(encoder=SPEC, rank=2)
    assert adapter.flat.tobytes() == local_round(LOW_RANK).update.flat.tobytes()
    assert adapter.change().any()


def test_an_adapter_holds_the_most_of_what_training_changed():
    found, whole = local_round(LOW_RANK), local_round()
    assert found.losses == whole.losses
    change = whole.update.flat - received().flat
    np.testing.assert_allclose(found.update.change()[-len(found.left_out) :] + found.left_out, change[80:], atol=1e-5)
    assert 0 < np.linalg.norm(found.left_out) < np.linalg.norm(change)
    assert whole.left_out is None


def test_what_an_adapter_left_out_goes_into_the_next():
    waiting = local_round(LOW_RANK).left_out
    nothing_new = dataclasses.replace(LOW_RANK, head_epochs=0, encoder_epochs=0)
    found = local_round(nothing_new, left_out=waiting)
    np.testing.assert_allclose(found.update.change()[80:] + found.left_out, waiting, atol=1e-6)
    assert np.linalg.norm(found.left_out) < np.linalg.norm(waiting)
    assert not local_round(nothing_new).update.change().any()


def test_bounds_what_an_adapter_adds():
    limited = local_round(dataclasses.replace(LOW_RANK, clip_norm=0.01)).update.change()
    free = local_round(LOW_RANK).update.change()
    assert np.linalg.norm(limited) == pytest.approx(0.01, rel=1e-3)
    assert np.dot(limited, free) == pytest.approx(np.linalg.norm(limited) * np.linalg.norm(free), rel=1e-3)


def test_learns_with_an_adapter_too():
    longer = local_round(dataclasses.replace(LOW_RANK, encoder_epochs=6))
    assert longer.losses["encoder"] < local_round(LOW_RANK).losses["encoder"]


@pytest.mark.parametrize("settings", [SETTINGS, LOW_RANK])
def test_trains_every_member(settings):
    encoder = Encoder.initial(dataclasses.replace(SPEC, preset="wide"), 0)
    once = dataclasses.replace(settings, head_epochs=0, encoder_epochs=1)
    update = local_round(once, encoder=encoder).update
    trained = update.added_to(encoder) if isinstance(update, Adapter) else update
    changed = {name for name, array in trained.arrays().items() if not np.array_equal(array, encoder.arrays()[name])}
    for tower in ("item", "history"):
        first = {name for name in changed if name.startswith(f"sequence.{tower}.members.0.")}
        assert first
        assert {name.replace("members.0", "members.1") for name in first} <= changed


def test_learns():
    longer = local_round(dataclasses.replace(SETTINGS, head_epochs=6, encoder_epochs=6))
    assert longer.losses["encoder"] < longer.losses["head"] < local_round().losses["head"]


@pytest.mark.parametrize("wrong", [{"head_epochs": -1}, {"encoder_rate": 0.0}, {"clip_norm": -1.0}])
def test_refuses_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError):
        LocalSettings(**wrong)
