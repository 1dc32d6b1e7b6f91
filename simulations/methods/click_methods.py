"""Click prediction on one platform under one seed: heads trained on impressions, then the test impressions, once."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from client.clicks.as_of_counts import counts_of_clicks
from client.clicks.click_head import ClickHeadConfig
from client.clicks.click_inputs import CONTEXT, COUNTS, POPULARITY, ClickInputs, click_inputs
from client.clicks.click_metrics import calibration_error, log_loss, rank_clicks
from client.clicks.click_training import ClickTraining, TrainedClickHead, train_click_head
from client.data.held_out import Stage
from client.data.impressions import Impressions
from client.data.platform import Platform
from client.ensemble.calibration import Calibration
from client.ensemble.fitting import FittedStacks
from client.fitting.platform_fit import PlatformFit
from client.scorers.table import scorer_table
from client.store.head_store import HeadStore
from client.transfer.table import METHODS, predicting_clicks
from simulations.platforms.open_impressions import OpenImpressions
from simulations.results.outcomes import ClickOutcome
from simulations.results.recorder import Recorder

SETTINGS = ClickTraining()


def run_clicks(
    recorder: Recorder,
    fit: PlatformFit,
    stacks: FittedStacks | None,
    opened: OpenImpressions,
    methods: Sequence[str],
    heads: HeadStore,
) -> None:
    """Train and test those of the methods that predict clicks.

    ``local`` and ``feature`` see through the scorers of ``stacks``.

    Args:
        recorder: gets each method's outcome.
        fit: of the platform; its trained parts give encoders.
        stacks: the fitted stacks; None: methods that need one are left out.
        opened: the platform's impressions.
        methods: names of the run's methods; those that predict no clicks are passed by.
        heads: where the trained heads are written.
    """
    platform, seed = fit.prepared.platform, fit.seed
    chosen_methods = [
        name for name in predicting_clicks() if name in methods and (stacks is not None or not METHODS[name].sets)
    ]
    encoders = {name: part.kept for name, part in fit.trained.items() if part.kept is not None}
    needed = {part for method in chosen_methods for parts in METHODS[method].sets for part in parts}
    calibrations: dict[str, Calibration] = {}
    if stacks is not None:
        calibrations = dict(zip(stacks.ensemble.names, stacks.ensemble.calibrations, strict=True))
    with recorder.step("clicks", platform=platform.name):
        inputs = click_inputs(
            platform,
            opened.impressions,
            opened.catalogue,
            {name: encoder for name, encoder in encoders.items() if name in needed},
            calibrations,
            seed=seed,
            scorers=scorer_table(fit.components.scorers),
            settings=fit.components.ensemble.cross_fit,
        )
        for method in chosen_methods:
            configs = click_configs(method, inputs)
            if configs:
                best = _best(inputs, opened.impressions, configs, seed)
                heads.write(f"click-{method}", best.head.to_stored())
                recorder.add_clicks(_outcome(platform, method, seed, inputs, opened.impressions, best))


def click_configs(method: str, inputs: ClickInputs) -> list[ClickHeadConfig]:
    """The heads among which validation impressions choose.

    A method without a stack sees one count alone: of all that was met before validation, or of clicks that fade, as of
    the impression. Any other sees the scorers of its stack and all that is counted as of the impression, with or
    without the products of their encoders (a single part's: they may be noise).

    Args:
        method: name of the method.
        inputs: what heads see of the platform's impressions.

    Returns:
        The heads' configs; none where the platform lacks what the method needs.
    """
    if not METHODS[method].sets:
        return [ClickHeadConfig(columns=(name,), hidden=0) for name in (POPULARITY, *counts_of_clicks(inputs.names))]
    computed = [name for name in inputs.names if ":" not in name and name not in COUNTS]
    configs = []
    for parts in METHODS[method].sets:
        if set(parts) <= set(inputs.encoders):
            columns = (*computed, *[name for name in inputs.names if name.partition(":")[0] in parts], *CONTEXT)
            products = ((), parts) if len(parts) == 1 else (parts,)
            configs += [ClickHeadConfig(columns=columns, encoders=encoders) for encoders in products]
    return configs


def _best(
    inputs: ClickInputs, impressions: Impressions, configs: Sequence[ClickHeadConfig], seed: int
) -> TrainedClickHead:
    """The head with the lowest cross-entropy on validation impressions."""
    training, validation = impressions.at(Stage.TRAIN), impressions.at(Stage.VALIDATION)
    trained_heads = [train_click_head(inputs, training, validation, config, SETTINGS, seed=seed) for config in configs]
    return min(trained_heads, key=lambda head: head.validation)


def _outcome(
    platform: Platform, method: str, seed: int, inputs: ClickInputs, impressions: Impressions, best: TrainedClickHead
) -> ClickOutcome:
    rows = impressions.at(Stage.TEST)
    part = impressions.only(rows)
    logits = best.head.logits(inputs, rows)
    scaled = logits / best.head.temperature
    return ClickOutcome(
        platform=platform.name,
        method=method,
        seed=seed,
        impressions={str(stage): len(impressions.at(stage)) for stage in Stage},
        items=len(impressions.shown.texts),
        click_rate=float(part.labels.mean()),
        ranking=rank_clicks(logits, part.labels, part.candidates.offsets, impressions.user_numbers[part.users]),
        log_loss=log_loss(scaled, part.labels),
        ece=calibration_error(expit(logits), part.labels),
        ece_scaled=calibration_error(expit(scaled), part.labels),
        temperature=best.head.temperature,
        tuned={
            "parts": _names({name.partition(":")[0] for name in best.head.config.columns if ":" in name}),
            "products": _names(set(best.head.config.encoders)),
            "only": best.head.config.columns[0] if len(best.head.config.columns) == 1 else None,
            "epoch": int(np.argmin(best.losses)),
            "validation": best.validation,
        },
    )


def _names(parts: set[str]) -> str:
    return "+".join(sorted(parts)) or "none"
