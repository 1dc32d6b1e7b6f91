import numpy as np
import pytest
import torch

from client.training import losses
from client.training.losses import candidate_cross_entropy, members_cross_entropy


def inputs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(7, 4, generator=generator, requires_grad=True)
    candidates = torch.randn(9, 4, generator=generator, requires_grad=True)
    biases = torch.randn(9, generator=generator, requires_grad=True)
    return states, candidates, biases, torch.tensor([0, 3, 3, 8, 1, 2, 5])


def gradients(loss, tensors):
    return torch.autograd.grad(2 * loss, tensors)


def test_is_the_cross_entropy_with_its_gradients(monkeypatch):
    monkeypatch.setattr(losses, "ROWS_AT_ONCE", 3)
    states, candidates, biases, targets = inputs()
    expected = torch.nn.functional.cross_entropy(states @ candidates.T + biases, targets)
    found = candidate_cross_entropy(states, candidates, biases, targets)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    tensors = (states, candidates, biases)
    pairs = zip(gradients(found, tensors), gradients(expected, tensors), strict=True)
    assert all(torch.allclose(one, two, atol=1e-6) for one, two in pairs)


def test_corrects_every_candidate_but_a_positions_own_target(monkeypatch):
    monkeypatch.setattr(losses, "ROWS_AT_ONCE", 3)
    states, candidates, biases, targets = inputs()
    corrections = torch.linspace(-1, 1, 9)
    logits = states @ candidates.T + biases
    others = logits - corrections
    own = torch.nn.functional.one_hot(targets, 9).bool()
    expected = torch.nn.functional.cross_entropy(torch.where(own, logits, others), targets)
    found = candidate_cross_entropy(states, candidates, biases, targets, corrections)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    tensors = (states, candidates, biases)
    pairs = zip(gradients(found, tensors), gradients(expected, tensors), strict=True)
    assert all(torch.allclose(one, two, atol=1e-6) for one, two in pairs)


def test_lets_every_member_learn_as_if_it_were_alone():
    states, candidates, biases, targets = inputs()
    corrections = torch.linspace(-1, 1, 9)
    together = members_cross_entropy(states / 2, candidates, biases, targets, corrections, members=2)
    parts = [(states[:, :2], candidates[:, :2]), (states[:, 2:], candidates[:, 2:])]
    alone = [candidate_cross_entropy(*part, biases, targets, corrections) for part in parts]
    assert together.item() == pytest.approx((alone[0] + alone[1]).item() / 2, rel=1e-6)
    first, other = gradients(together, (states, candidates)), gradients(alone[0], (states, candidates))
    assert all(torch.allclose(2 * one[:, :2], two[:, :2], atol=1e-6) for one, two in zip(first, other, strict=True))


def test_estimates_the_full_softmax_from_a_corrected_sample():
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    states, table = torch.randn(1, 4, generator=generator), torch.randn(400, 4, generator=generator)
    states, target = 0.3 * states, torch.tensor([0])
    full = candidate_cross_entropy(states, table, torch.zeros(400), target).item()
    estimates = []
    for _ in range(300):
        rows, counts = np.unique(np.append(rng.integers(1, 400, 100), 0), return_counts=True)
        corrections = torch.from_numpy(np.log(100 / 399 / counts).astype(np.float32))
        loss = candidate_cross_entropy(states, table[rows], torch.zeros(len(rows)), target, corrections)
        estimates.append(loss.item())
    assert np.mean(estimates) == pytest.approx(full, abs=0.03)
