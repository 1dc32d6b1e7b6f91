"""Our sequence part in the training race: ids only, with the settings that a platform of this size trains it by."""

from dataclasses import asdict, dataclass, replace

import torch

from benchmarks.peers.course import Entry, Stopwatch
from client.data.sequences import Sequences
from client.training.batches import Windows
from client.training.local_id import LARGE, for_size, train_local_id, usual_settings
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import ValidationSet, item_table, score_histories


@dataclass(frozen=True, kw_only=True)
class EarlyStoppingWatch(ValidationSet):
    """Stands in for the loop's validation set: what the loop asks after each epoch, all competitors are asked."""

    watch: Stopwatch
    targets_per_epoch: float

    def ndcg(self, model: SequenceModel, cutoff: int = 10) -> float:  # noqa: ARG002
        """NDCG@10 by the race's evaluator, while the watch stands; 0 before the first epoch."""
        if not self.watch.begun:
            self.watch.go()
            return 0.0
        self.watch.stop()
        table = item_table(model)

        def score(histories: Sequences) -> torch.Tensor:
            return torch.from_numpy(score_histories(model, histories, table=table))

        self.watch.lap(self.targets_per_epoch, score)
        self.watch.go()
        return self.watch.scores[-1]


def main() -> None:
    """Train as ``local-id`` does; the loop stops by its own patience."""
    entry = Entry.from_arguments()
    course = entry.course
    events = len(course.sequences.items)
    settings = replace(for_size(usual_settings(events), events), **entry.settings)
    watch = Stopwatch(replace(entry, settings=asdict(settings)), ())
    windows = Windows.of(course.sequences, LARGE.length)
    share = min(1.0, settings.steps / windows.steps(settings.tokens)) if settings.steps else 1.0
    validation = EarlyStoppingWatch(
        histories=course.validation.histories,
        targets=torch.from_numpy(course.validation.targets.astype("int64")),
        hide_seen=True,
        watch=watch,
        targets_per_epoch=share * float(windows.lengths.sum()),
    )
    train_local_id(course.sequences, course.n_items, validation, settings=settings, seed=entry.seed, preset=LARGE)
    watch.finish()


if __name__ == "__main__":
    main()
