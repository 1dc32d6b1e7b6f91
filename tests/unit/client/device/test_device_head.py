"""The head of a device: its formula, its gradient against torch's, and a cohort of heads."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from client.device.device_head import DeviceHead, HeadExamples, loss_and_gradient, trained

K, T, M, D, RANK = 3, 4, 6, 5, 2


def drawn_head(rng: np.random.Generator) -> DeviceHead:
    shapes = {"p": (K, D), "scale": (K,), "bias": (K,), "down": (K, RANK, D), "up": (K, D, RANK)}
    return DeviceHead(**{name: rng.normal(size=shape) for name, shape in shapes.items()})


def drawn_examples(rng: np.random.Generator) -> HeadExamples:
    offsets = rng.normal(size=(K, T, M))
    offsets[0, 1, 2] = -np.inf
    weights = np.ones((K, T))
    weights[1, 2:] = 0
    return HeadExamples(
        states=rng.normal(size=(K, T, D)),
        targets=rng.normal(size=(K, T, D)),
        target_priors=rng.normal(size=(K, T)),
        target_offsets=rng.normal(size=(K, T)),
        drawn=rng.normal(size=(K, M, D)),
        drawn_priors=rng.normal(size=(K, M)),
        drawn_offsets=offsets,
        weights=weights,
    )


def only(examples: HeadExamples, one: slice) -> HeadExamples:
    return HeadExamples(**{field.name: getattr(examples, field.name)[one] for field in fields(examples)})


def test_gradient_is_torchs():
    rng = np.random.default_rng(0)
    head, examples = drawn_head(rng), drawn_examples(rng)
    parts = {name: torch.tensor(array, requires_grad=True) for name, array in head.to_arrays().items()}
    there = {field.name: torch.tensor(getattr(examples, field.name)) for field in fields(examples)}
    states = there["states"]
    moved = states + parts["p"][:, None] + torch.einsum("ktr,kdr->ktd", states @ parts["down"].mT, parts["up"])
    vectors = torch.cat([there["targets"][:, :, None], there["drawn"][:, None].expand(-1, T, -1, -1)], 2)
    priors = torch.cat([there["target_priors"][..., None], there["drawn_priors"][:, None].expand(-1, T, -1)], 2)
    offsets = torch.cat([there["target_offsets"][..., None], there["drawn_offsets"]], 2)
    products = torch.einsum("ktd,ktsd->kts", moved, vectors)
    scores = parts["scale"][:, None, None] * products + parts["bias"][:, None, None] * priors + offsets
    losses = ((scores.logsumexp(2) - scores[..., 0]) * there["weights"]).sum(1) / there["weights"].sum(1)
    losses.sum().backward()
    found, gradient = loss_and_gradient(head, examples)
    np.testing.assert_allclose(found, losses.detach().numpy(), atol=1e-12)
    for name, array in gradient.to_arrays().items():
        np.testing.assert_allclose(array, parts[name].grad.numpy(), atol=1e-12, err_msg=name)


def test_a_cohort_learns_what_each_learns_alone():
    rng = np.random.default_rng(1)
    examples, start = drawn_examples(rng), DeviceHead.initial(D, RANK, K)
    together = trained(start, examples, steps=7, rate=0.1, shrink=0.05).to_arrays()
    for row in range(K):
        one = slice(row, row + 1)
        alone = trained(DeviceHead.initial(D, RANK), only(examples, one), steps=7, rate=0.1, shrink=0.05)
        for name, array in alone.to_arrays().items():
            np.testing.assert_allclose(together[name][one], array, atol=1e-6, err_msg=name)


def test_a_new_head_changes_nothing():
    states = np.random.default_rng(2).normal(size=(K, T, D)).astype(np.float32)
    head = DeviceHead.initial(D, RANK, K)
    np.testing.assert_array_equal(head.moved(states), states)
    assert (head.scale == 1).all()
    assert not head.bias.any()


@pytest.mark.parametrize("rank", [0, RANK])
def test_steps_lower_the_loss(rank):
    examples = drawn_examples(np.random.default_rng(3))
    start = DeviceHead.initial(D, rank, K)
    after = trained(start, examples, steps=20, rate=0.05)
    assert (loss_and_gradient(after, examples)[0] < loss_and_gradient(start, examples)[0]).all()


def test_padding_teaches_nothing():
    rng = np.random.default_rng(4)
    head, examples = drawn_head(rng), drawn_examples(rng)
    _, gradient = loss_and_gradient(head, examples)
    examples.targets[1, 2:] = rng.normal(size=(T - 2, D))
    examples.states[1, 2:] = 0
    _, again = loss_and_gradient(head, examples)
    for name, array in gradient.to_arrays().items():
        np.testing.assert_allclose(again.to_arrays()[name], array, atol=1e-12, err_msg=name)
