"""RecTools' SASRec in the training race, trained by RecTools' own data loader, module and Lightning trainer.

All positions of a history are trained at once; the width, heads and length of histories are the race's, the loss, the
learning rate, the dropout and the batch RecTools' own unless the settings say otherwise.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

from benchmarks.peers.course import Course, Entry, Stopwatch, known_alone, left_padded, over_catalogue
from client.data.sequences import Sequences

LENGTH = 50
SHAPE = {"n_blocks": 2, "n_heads": 2, "n_factors": 64, "session_max_len": LENGTH}


class Laps(Callback):
    """Stops the watch after each lap and asks for the NDCG@10 there."""

    def __init__(self, watch: Stopwatch, course: Course) -> None:
        self.watch, self.course = watch, course
        self.targets, self.steps = 0, 0

    def __deepcopy__(self, memo: dict[int, object]) -> "Laps":
        """RecTools copies the trainer before it fits; there is one watch."""
        return self

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """The first lap begins."""
        self.watch.go()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,  # noqa: ARG002
        batch: dict[str, torch.Tensor],
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Count the step; at the end of a lap, ask."""
        self.targets += int((batch["y"] != 0).sum())
        self.steps += 1
        if self.steps < self.watch.entry.steps(int(trainer.num_training_batches)):
            return
        self.watch.stop()
        trainer.should_stop = self.watch.lap(self.targets, lambda histories: score(pl_module, histories, self.course))
        pl_module.train()
        self.targets, self.steps = 0, 0
        self.watch.go()


@torch.no_grad()
def score(module: LightningModule, histories: Sequences, course: Course) -> torch.Tensor:
    """[B, n] as RecTools recommends: the last position's state of known items against the item embeddings."""
    module.eval()
    model, columns = module.torch_model, _columns(module.data_preparator.item_id_map, course.n_items)
    items = model.item_model.get_all_embeddings()
    batch = {"x": left_padded(known_alone(histories, columns > 0), LENGTH, columns)}
    states = model.similarity_module.session_tower_forward(model.encode_sessions(batch, items)[:, -1])
    return over_catalogue(states @ model.similarity_module.item_tower_forward(items).T, columns)


def _columns(id_map: Any, n_items: int) -> np.ndarray:
    """[n] RecTools' row of each item; 0, its padding, for one that it does not know."""
    known = id_map.get_external_sorted_by_internal()[1:].astype(np.int64)
    columns = np.zeros(n_items, np.int64)
    columns[known] = np.arange(1, len(known) + 1)
    return columns


def _dataset(course: Course) -> Dataset:
    users, items, positions = course.pairs()
    days = pd.to_datetime(positions, unit="D")
    return Dataset.construct(
        pd.DataFrame({Columns.User: users, Columns.Item: items, Columns.Weight: 1.0, Columns.Datetime: days})
    )


def train(course: Course, settings: dict[str, Any], callbacks: list[Callback], epochs: int = -1) -> SASRecModel:
    """The model after so many epochs, -1 for as many as the callbacks let it have."""
    model = SASRecModel(**settings, epochs=1)
    model._trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        callbacks=callbacks,
    )
    return model.fit(_dataset(course))


def main() -> None:
    """Train until the race is over."""
    entry = Entry.from_arguments()
    seed_everything(entry.seed)
    settings = {**SHAPE, **entry.settings}
    usual = SASRecModel(**settings)
    defaults = {key: getattr(usual, key) for key in ("loss", "n_negatives", "lr", "dropout_rate", "batch_size")}
    watch = Stopwatch(replace(entry, settings={**settings, **defaults}), ("rectools", "pytorch-lightning"))
    train(entry.course, settings, [Laps(watch, entry.course)])
    watch.finish()


if __name__ == "__main__":
    main()
