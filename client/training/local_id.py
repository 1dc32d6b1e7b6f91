"""The baseline ``local-id``: a causal transformer over ids alone (SASRec; Kang and McAuley 2018)."""

from dataclasses import dataclass, replace

import numpy as np

from client.data.sequences import Sequences
from client.training.loop import TrainingLog, TrainingSettings, train_sequence
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.presets import Preset
from shared.seeding import seed_for
from shared.system.device import CPU, Device
from shared.system.options import Checked, bounded

LARGE = Preset(name="local-id", width=64, hidden=64, layers=2, heads=2, length=50)
SMALL = Preset(name="local-id-small", width=64, hidden=64, layers=1, heads=2, length=50)

LOCAL_ID_GRID = (
    TrainingSettings(epochs=12, head_rate=1e-2, encoder_rate=1e-3, dropout=0.3),
    TrainingSettings(epochs=20, head_rate=1e-2, encoder_rate=2e-3, dropout=0.5),
)
"""What is tried; the best on validation is kept."""


@dataclass(frozen=True, kw_only=True)
class LocalIdSettings(Checked):
    """How model and training follow from the size of a platform."""

    small_events: int = bounded(30_000, least=0)
    """training events below which one block is enough: on platforms of 22,000, 6,000, 4,000, 6,700 and 740 events
    NDCG@10 on validation was .076, .129, .122, .137, .065 with one block and .077, .124, .122, .137, .076 with two,
    which took 1.5 times as long"""
    steps: int = bounded(40, least=1)
    """most steps of an epoch"""
    least_tokens: int = bounded(128, least=1)
    """positions per step of the smallest platform"""


DEFAULT = LocalIdSettings()


def usual_settings(events: int, sizes: LocalIdSettings = DEFAULT) -> TrainingSettings:
    """The one of the grid that mostly wins at this size, for where both would cost more than they bring.

    Of seven platforms, the first won on the two of three with 44,000 events and more, the second on the four with fewer
    than 28,000, and the third lost .0007 of .076.

    Args:
        events: training events of the platform.
        sizes: below how many events a platform is small.

    Returns:
        The second of ``LOCAL_ID_GRID`` for a small platform, else the first.
    """
    return LOCAL_ID_GRID[1] if events < sizes.small_events else LOCAL_ID_GRID[0]


def train_local_id(
    sequences: Sequences,
    n_items: int,
    validation: ValidationSet | None,
    *,
    settings: TrainingSettings,
    seed: int,
    preset: Preset = LARGE,
    device: Device = CPU,
) -> tuple[SequenceModel, TrainingLog]:
    """Train on all next items of the sequences with early stopping.

    Args:
        sequences: training events, rows of the catalogue.
        n_items: n.
        validation: whose NDCG@10 decides which epoch is kept; None keeps the last one.
        settings: of the training.
        seed: of the model's draw and of the training.
        preset: size of the transformer.
        device: where it is trained; the model lies on the CPU.

    Returns:
        The model with its best epoch's weights, and what happened per epoch.

    Raises:
        ConfigError: if neither learning rate is above 0.
    """
    model = SequenceModel.ids_only(preset, n_items, seed_for(seed, "local-id"))
    rng = np.random.default_rng(seed_for(seed, "local-id", "training"))
    return model, train_sequence(model, sequences, settings, rng, validation, device=device)


def tune_local_id(
    sequences: Sequences,
    n_items: int,
    validation: ValidationSet | None,
    *,
    seed: int,
    grid: tuple[TrainingSettings, ...] = LOCAL_ID_GRID,
    preset: Preset | None = None,
    sizes: LocalIdSettings = DEFAULT,
    device: Device = CPU,
) -> tuple[SequenceModel, TrainingLog, TrainingSettings]:
    """The best of a written grid by NDCG@10 on the validation set.

    Args:
        sequences: training events, rows of the catalogue.
        n_items: n.
        validation: whose NDCG@10 chooses; None: the first of the grid is taken.
        seed: of the model's draw and of the training, the same for all of the grid.
        grid: the settings that are tried, before they are sized for the platform.
        preset: size of the transformer; None: it follows from the number of events.
        sizes: how model and training follow from the size of a platform.
        device: where all are trained; the model lies on the CPU.

    Returns:
        The model, what happened per epoch, and the settings as they stand in the grid.

    Raises:
        ConfigError: if neither learning rate of a setting is above 0.
    """
    events = len(sequences.items)
    preset = preset or (SMALL if events < sizes.small_events else LARGE)
    runs = []
    for settings in grid:
        sized = for_size(settings, events, sizes)
        model, log = train_local_id(
            sequences, n_items, validation, settings=sized, seed=seed, preset=preset, device=device
        )
        runs.append((model, log, settings))
    return max(runs, key=lambda run: max(run[1].validation, default=0.0))


def for_size(settings: TrainingSettings, events: int, sizes: LocalIdSettings = DEFAULT) -> TrainingSettings:
    """The settings with epochs of a few steps, whatever the platform's size.

    With the steps of a large platform a small one would spend its epochs warming up, and early stopping would end it
    there. A large one looks at its validation events within a pass, and gets at most half as many epochs again.

    Args:
        settings: as they are for a large platform.
        events: training events of the platform.
        sizes: steps of an epoch, and fewest positions of a step.

    Returns:
        The settings with other epochs, positions and steps, a warm-up within one epoch, and a patience of 5.
    """
    tokens = int(np.clip(events // sizes.steps, sizes.least_tokens, settings.tokens))
    epochs = round(settings.epochs * np.clip(events / tokens / sizes.steps, 1.0, 1.5))
    return replace(
        settings,
        epochs=epochs,
        tokens=tokens,
        steps=sizes.steps,
        warm_up=min(settings.warm_up, sizes.steps),
        patience=5,
    )
