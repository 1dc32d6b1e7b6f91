"""The stack: calibration, weights and the choice among candidates."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import torch

from client.data.held_out import Stage
from client.data.platform import examples
from client.ensemble import fitting
from client.ensemble.calibration import Calibration, fit_mixture, spread_scale, target_probabilities
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.fitting import fit_stacks, rank_all
from client.ensemble.stack import StackExamples, cross_entropy, fit_path, fit_weights
from client.scorers.scorer import Kind
from tests.unit.client.recommender.world import prepared, small_platform

L2_STRENGTHS = DEFAULT.candidates.l2_strengths


@pytest.mark.parametrize("kind", list(Kind))
def test_calibrated_probabilities_sum_to_one_over_the_candidates(kind: Kind) -> None:
    scores = torch.rand(3, 20, generator=torch.Generator().manual_seed(1))
    candidates = torch.ones(3, 20, dtype=torch.bool)
    candidates[:, :4] = False
    probabilities = target_probabilities(kind, scores, candidates, torch.tensor([5, 6, 7]), 1.0)
    calibration = fit_mixture(kind, probabilities, 1.0)
    log_ratios = calibration.log_ratio(scores, candidates)
    total = (log_ratios.exp() / 16 * candidates).sum(1)
    assert torch.allclose(total, torch.ones(3), atol=1e-4)
    assert (log_ratios[:, :4] == 0).all()


def test_gives_a_column_without_information_no_log_ratio() -> None:
    scores = torch.zeros(2, 10)
    candidates = torch.ones(2, 10, dtype=torch.bool)
    calibration = Calibration(kind=Kind.COUNT, mixture=(0.0, 0.0, 0.0, 1.0))
    assert torch.allclose(calibration.log_ratio(scores, candidates), torch.zeros(2, 10), atol=1e-6)


def test_scales_scores_to_the_spread_of_a_cosine() -> None:
    scores = torch.tensor([[-3.0, 3.0, -3.0, 3.0]])
    assert spread_scale(scores, torch.ones(1, 4, dtype=torch.bool)) == pytest.approx(0.1 / 3.0)


def test_reads_back_the_calibration_it_wrote() -> None:
    calibration = Calibration(kind=Kind.COUNT, mixture=(0.1, 0.2, 0.3, 0.4), scale=2.0)
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_refuses_a_calibration_with_a_negative_weight() -> None:
    with pytest.raises(ValueError, match="none negative"):
        Calibration.from_json({"kind": "count", "mixture": [-0.1, 0.5, 0.3, 0.3], "scale": 1.0})


def test_weights_the_column_that_tells_the_target_and_not_the_one_that_is_noise() -> None:
    generator = torch.Generator().manual_seed(3)
    log_ratios = torch.randn(200, 11, 2, generator=generator)
    log_ratios[:, 0, 0] += 1.5
    found = fit_weights(
        StackExamples(log_ratios=log_ratios.transpose(1, 2), log_weights=torch.zeros(200, 11)), np.zeros(2), 0.001
    )
    assert found[0] > 0.5
    assert abs(found[1]) < 0.3


def noise_examples() -> StackExamples:
    log_ratios = torch.randn(50, 11, 3, generator=torch.Generator().manual_seed(4))
    return StackExamples(log_ratios=log_ratios.transpose(1, 2), log_weights=torch.zeros(50, 11))


def test_stays_at_the_anchor_where_the_l2_strength_is_large() -> None:
    start = np.array([0.15, 0.15, 0.0])
    assert np.allclose(fit_weights(noise_examples(), start, 1e6), start, atol=1e-3)


def test_a_path_gives_each_l2_strength_what_it_would_get_alone_and_never_moves_another_column() -> None:
    seen, start = noise_examples(), np.array([0.15, 0.15, 0.0])
    path = fit_path(seen, [start] * len(L2_STRENGTHS), np.array([True, True, False]), L2_STRENGTHS)
    narrow = StackExamples(log_ratios=seen.log_ratios[:, :2], log_weights=seen.log_weights)
    alone = [fit_weights(narrow, start[:2], l2_strength) for l2_strength in L2_STRENGTHS]
    assert np.allclose([weights[:2] for weights in path], alone, atol=1e-3)
    assert all(weights[2] == 0.0 for weights in path)


def test_serves_what_was_best_on_validation_and_ranks_far_above_chance() -> None:
    platform = small_platform()
    stacks = fit_stacks(prepared(platform), {}, {"stack": [[]]}, seed=0)
    means = stacks.validation.mean(1)
    chosen = next(i for i, one in enumerate(stacks.candidates) if one is stacks.chosen["stack"])
    assert means[chosen] == means.max()
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    ranking = rank_all(stacks.ensemble, stacks.chosen["stack"].weights[None], held_out)[0]
    assert ranking.ndcg.mean() > 0.8


def test_counts_a_selection_user_as_known_and_as_unknown_in_the_proportion_of_both(monkeypatch) -> None:
    platform = small_platform()
    third = dataclasses.replace(
        platform, training_users=np.arange(0, 120, 3), calibration_users=np.arange(0, 120, 15), name="third"
    )
    asked: list[np.ndarray] = []

    def first_where_all_are_known(ensemble, weights, held_out):
        asked.append(held_out.users)
        everybody = len(held_out) == len(third.selection_users)
        return np.full((len(weights), len(held_out)), 1.0 if everybody else 3.0)

    monkeypatch.setattr(fitting, "ranks_of_all", first_where_all_are_known)
    stacks = fit_stacks(prepared(third), {}, {"stack": [[]]}, seed=0)
    assert np.allclose(stacks.validation, 1 / 3 * 1.0 + 2 / 3 * 0.5)
    assert np.array_equal(np.sort(np.concatenate(asked[1:])), third.selection_users)


def known_or_new(monkeypatch: pytest.MonkeyPatch, twice_up_to: int) -> npt.NDArray[np.float64]:
    """NDCG@10 of 120 users, a third of them training ones, where whoever is known to the statistics has rank 1."""
    platform = small_platform()
    third = dataclasses.replace(
        platform, training_users=np.arange(0, 120, 3), calibration_users=np.arange(0, 120, 15), name="third"
    )
    folds = []

    def rank_of(ensemble, weights, held_out):
        folds.append(ensemble.raw)
        return np.full((len(weights), len(held_out)), 1.0 if ensemble.raw is folds[0] else 3.0)

    monkeypatch.setattr(fitting, "ranks_of_all", rank_of)
    settings = dataclasses.replace(DEFAULT, candidates=dataclasses.replace(DEFAULT.candidates, twice_up_to=twice_up_to))
    stacks = fit_stacks(prepared(third), {}, {"stack": [[]]}, seed=0, settings=settings)
    return stacks.validation[0]


def test_where_many_choose_each_is_known_or_new(monkeypatch: pytest.MonkeyPatch) -> None:
    both, drawn = known_or_new(monkeypatch, 1_000), known_or_new(monkeypatch, 0)
    assert set(drawn.tolist()) == {0.5, 1.0}
    assert np.allclose(both, 1 / 3 + 2 / 3 * 0.5)
    assert drawn.mean() == pytest.approx(both.mean(), abs=0.12)


def test_candidates_that_lost_among_the_first_users_rank_no_others() -> None:
    few = dataclasses.replace(DEFAULT.candidates, first_users=30, behind=0.5)
    platform = prepared(small_platform())
    raced, all_ranked = (
        fit_stacks(platform, {}, {"stack": [[]]}, seed=0, settings=dataclasses.replace(DEFAULT, candidates=settings))
        for settings in (few, DEFAULT.candidates)
    )
    lost = np.isnan(raced.validation)
    assert 0 < lost.any(axis=1).sum() < len(raced.candidates)
    assert set(lost.sum(axis=1).tolist()) == {0, raced.validation.shape[1] - 30}
    options = [candidate.name for candidate in raced.options["stack"]]
    assert options == [name for name, row in raced.whole_list_by_name().items() if not np.isnan(row).any()]
    np.testing.assert_array_equal(raced.validation[~lost], all_ranked.validation[~lost])
    assert np.isfinite(list(raced.scorer_values().values())).all()
    assert raced.scorer_values().keys() == all_ranked.scorer_values().keys()


def test_cross_entropy_of_many_examples_has_the_derivatives_of_the_formula() -> None:
    generator = torch.Generator().manual_seed(5)
    log_ratios, log_weights = torch.randn(300, 3, 9, generator=generator), torch.rand(300, 9, generator=generator)
    weights = torch.tensor([0.3, -0.2, 0.7], dtype=torch.float64)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        logits = torch.einsum("r,nrs->ns", weights, log_ratios.double()) + log_weights
        return (logits.logsumexp(1) - logits[:, 0]).mean()

    value, gradient, hessian = cross_entropy(StackExamples(log_ratios=log_ratios, log_weights=log_weights), weights)
    assert value == pytest.approx(float(loss(weights)), abs=1e-6)
    torch.testing.assert_close(gradient, torch.func.grad(loss)(weights), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(hessian, torch.func.hessian(loss)(weights), atol=1e-5, rtol=1e-4)


def test_leaves_out_what_the_platform_cannot_have_and_says_why() -> None:
    platform = small_platform(ordered=False)
    stacks = fit_stacks(prepared(platform), {}, {"stack": [[]]}, seed=0)
    assert "no order" in stacks.left_out["transition"]
    assert not any(name.startswith("transition") for name in stacks.ensemble.names)


def test_gives_the_same_weights_for_the_same_seed() -> None:
    platform = small_platform()
    first, second = (fit_stacks(prepared(platform), {}, {"stack": [[]]}, seed=0).weights_of("stack") for _ in range(2))
    assert first == second
