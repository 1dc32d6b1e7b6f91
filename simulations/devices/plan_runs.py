"""The small runs that a plan's costs are fitted on, and those that they are judged by."""

from dataclasses import replace

from shared.privacy.promise import Privacy
from simulations.config.device_run_config import USUAL, DeviceRunConfig
from simulations.config.drawn_size import DrawnSize
from simulations.config.plan_config import PlanConfig

WHOLE, SHARED = "none", "shared:4"


def _run(
    encoder: str,
    devices: int,
    cohort: int,
    rounds: int,
    *,
    events: float = 12.0,
    items: int = 2_000,
    dim: int = 512,
    steps: int = 5,
    negatives: int = 64,
    adapters: str = WHOLE,
    privacy: Privacy = "masked",
    moments: bool = True,
) -> PlanConfig:
    local = replace(USUAL.local, steps=steps, negatives=negatives, adapters=adapters)
    federation = replace(
        USUAL, rounds=rounds, cohort=cohort, local=local, privacy=privacy, moments=moments and privacy == "masked"
    )
    return PlanConfig(
        size=DrawnSize(devices=devices, events=events, items=items, dim=dim),
        run=DeviceRunConfig(preset=encoder, federation=federation),
    )


FITTED_ON = (
    _run("nano", 2_000, 200, 2),
    _run("nano", 2_000, 600, 1),
    _run("nano", 2_000, 64, 4),
    _run("nano", 2_000, 400, 2, events=5.0),
    _run("nano", 2_000, 150, 2, events=40.0),
    _run("nano", 2_000, 200, 2, steps=15),
    _run("nano", 2_000, 200, 2, negatives=256),
    _run("nano", 100_000, 200, 2),
    _run("nano", 2_000, 100, 3, items=20_000),
    _run("nano", 2_000, 600, 2, adapters=SHARED),
    _run("nano", 2_000, 150, 3, adapters=SHARED, steps=15),
    _run("nano", 2_000, 300, 2, dim=128, adapters=SHARED, events=40.0),
    _run("nano", 2_000, 3, 15),
    _run("nano", 2_000, 600, 2, dim=128),
    _run("nano", 20_000, 1_500, 1, adapters=SHARED),
    _run("nano", 20_000, 1_200, 1, events=8.0),
    _run("small", 2_000, 300, 1, adapters=SHARED),
    _run("tiny", 2_000, 600, 2),
    _run("small", 2_000, 60, 1),
    _run("small", 2_000, 30, 2, steps=2, events=25.0),
    _run("small", 2_000, 120, 1, adapters=SHARED),
    _run("nano", 2_000, 600, 2, moments=False),
    _run("nano", 20_000, 1_500, 1, adapters=SHARED, moments=False),
    _run("small", 2_000, 100, 1, moments=False),
    _run("nano", 2_000, 400, 2, privacy="plain"),
    _run("nano", 2_000, 600, 2, adapters=SHARED, privacy="plain"),
    _run("small", 2_000, 100, 1, privacy="plain"),
)
JUDGED_BY = (
    _run("nano", 20_000, 500, 3, events=9.0, items=5_000),
    _run("nano", 50_000, 800, 2, events=16.0, items=3_000, adapters=SHARED),
    _run("small", 5_000, 100, 1, events=18.0, items=4_000),
)
"""Larger ones that the fit has not seen."""
