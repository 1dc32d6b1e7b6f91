import math

import numpy as np
import pytest
import torch

from benchmarks.devices.local_steps import candidate_logits, device_loss, flat_of, load_flat, module_of, train_on_device
from benchmarks.devices.peers import loop
from tests.unit.benchmarks.devices.world import small_course


def opened(course):
    module = module_of("tiny", course.features.shape[1], course.initial)
    return module, torch.from_numpy(course.features)


def trained_alone(course, device, negatives):
    """[P] what one device makes of the initial encoder."""
    module, features = opened(course)
    events = torch.from_numpy(course.events(device, module.length))
    train_on_device(module, features, events, torch.from_numpy(negatives), course.settings.learning_rate)
    return flat_of(module.state_dict().values())


def ran(course, folder, monkeypatch):
    """[P] what the sequential loop makes of it."""
    course.write(folder / "course")
    monkeypatch.setattr("sys.argv", ["loop", str(folder / "course"), str(folder), "--processes=1"])
    threads = torch.get_num_threads()
    loop.main()
    torch.set_num_threads(threads)
    return np.load(folder / "final.npy")


@torch.no_grad()
def test_scores_follow_the_formula():
    course = small_course()
    module, features = opened(course)
    events, negatives = torch.tensor([3, 9, 4]), torch.tensor([9, 20, 4, 7])
    vectors = module.item_norm(module.item(features))
    states = module.history(vectors[events[None, :2]])[0]
    logits = candidate_logits(module, features, events, negatives)
    assert torch.allclose(logits[0, 0], states[0] @ vectors[9], atol=1e-5)
    assert torch.allclose(logits[1, 0], states[1] @ vectors[4], atol=1e-5)
    assert torch.allclose(logits[1, 2], states[1] @ vectors[20] + math.log(39 / 4), atol=1e-5)
    assert logits[0, 1] == logits[1, 3] == -torch.inf  # a negative that is the next item
    assert torch.isfinite(logits[0, 3])
    shares = [-math.log(math.exp(row[0]) / sum(map(math.exp, row))) for row in logits.tolist()]
    assert device_loss(module, features, events, negatives).item() == pytest.approx(sum(shares) / 2, abs=1e-5)


def test_training_lowers_the_loss():
    course = small_course()
    module, features = opened(course)
    events, negatives = torch.from_numpy(course.events(0, 12)), torch.from_numpy(course.negatives[0])
    before = device_loss(module, features, events, negatives[0]).item()
    train_on_device(module, features, events, negatives, 0.01)
    assert device_loss(module, features, events, negatives[0]).item() < before - 0.1


def test_a_round_adds_the_mean_of_the_devices_changes_times_the_servers_rate(tmp_path, monkeypatch):
    course = small_course(rounds=1, cohort=3, server_learning_rate=2.0)
    alone = [trained_alone(course, device, course.negatives[0]) for device in course.cohorts[0]]
    expected = course.initial + 2 * np.mean([each - course.initial for each in alone], axis=0)
    assert np.allclose(ran(course, tmp_path, monkeypatch), expected, atol=1e-6)
    assert np.abs(expected - course.initial).max() > 0.01


def test_the_next_round_begins_where_the_last_one_ended(tmp_path, monkeypatch):
    course = small_course(rounds=2, cohort=1, server_learning_rate=1.0)
    module, features = opened(course)
    for cohort, negatives in zip(course.cohorts, course.negatives, strict=True):
        events = torch.from_numpy(course.events(cohort[0], module.length))
        train_on_device(module, features, events, torch.from_numpy(negatives), course.settings.learning_rate)
    assert np.allclose(ran(course, tmp_path, monkeypatch), flat_of(module.state_dict().values()), atol=1e-6)


def test_numbers_of_another_module_are_refused():
    course = small_course()
    module, _ = opened(course)
    with pytest.raises(ValueError, match="expected as many numbers as the module has"):
        load_flat(module, course.initial[:-1])
