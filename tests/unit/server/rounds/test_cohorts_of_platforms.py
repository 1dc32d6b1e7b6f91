"""Real platforms that are asked by cohorts, whose updates take few bits and are adapters that add up."""

from dataclasses import replace

import numpy as np
import pytest

from client.rounds.round_heads import LEFT_OUT, STAGED_HEAD
from client.store.head_store import HeadStore
from shared.federation.updates import round_seed, update_form
from tests.federation_world import QUICK, START, config, federate, opened

SHORT = replace(QUICK, head_epochs=0, steps=2, encoder_rate=0.01)
SHOPS = {f"shop{seed}": opened(f"shop{seed}", users=100, seed=seed) for seed in range(4)}
ALONE = {"moments": False, "evaluate_every": 0, "robust": "none", "cohort": 3, "over_sampling": 1.3}


def run(folder, updates="whole", adapters="none", **changes):
    local = replace(SHORT, updates=updates, adapters=adapters)
    return federate(folder, SHOPS, config(**{**ALONE, "rounds": 1, "local": local, **changes}))


def change(found) -> np.ndarray:
    return found.encoder.flat.astype(np.float64) - START.flat


@pytest.mark.parametrize("adapters", ["none", "shared:3"])
def test_fewer_bits_lead_to_about_the_same_encoder_in_fewer_bytes(tmp_path, adapters) -> None:
    found = {updates: run(tmp_path / updates, updates, adapters) for updates in ("whole", "int8-delta", "int4-delta")}
    whole = change(found["whole"])
    assert np.linalg.norm(whole) > 0.01
    off = {name: np.linalg.norm(change(each) - whole) / np.linalg.norm(whole) for name, each in found.items()}
    assert off["whole"] == 0 < off["int8-delta"] < 0.02 < off["int4-delta"] < 0.3
    sizes = [each.history[0]["bytes_up"] for each in found.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert all(each.history[0]["counts"] == {"asked": 4, "missing": 1, "reply": 3} for each in found.values())


def test_the_change_of_a_round_lies_in_the_right_factors_that_all_have_in_common(tmp_path) -> None:
    form = update_form(replace(SHORT, adapters="shared:2"), round_seed(0, 1))
    found = change(run(tmp_path, adapters="shared:2"))[START.spec.sequence_place].astype(np.float32)
    spec = form.spec(START.spec)
    factors = spec.right_factors(form.seed)
    assert spec.change(spec.nearest(found, factors), factors) == pytest.approx(found, abs=1e-5)


def test_what_rounding_takes_waits_on_the_platform(tmp_path) -> None:
    run(tmp_path, "int4-delta")
    staged = HeadStore(tmp_path / "heads" / "shop0").read(STAGED_HEAD)
    assert 0 < np.abs(staged.arrays[LEFT_OUT]).max() < 0.1


@pytest.mark.parametrize("updates", ["int8-delta", "int4-delta"])
def test_the_same_run_has_the_same_bytes_whatever_is_drawn(tmp_path, updates) -> None:
    found = [run(tmp_path / name, updates, rounds=2).encoder.flat.tobytes() for name in ("one", "two")]
    assert found[0] == found[1]
