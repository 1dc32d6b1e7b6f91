"""RecBole's SASRec in the training race, trained by RecBole's own data loader and trainer.

Its model has two layers, two heads, width 64 and histories of 50 by default; an example is a prefix with one target.
"""

from dataclasses import replace
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, get_trainer, init_seed

from benchmarks.peers.course import Course, Entry, Stopwatch, left_padded, over_catalogue
from client.data.sequences import Sequences

NAME = "race"


def main() -> None:
    """Train lap after lap by RecBole's trainer until the race is over."""
    entry = Entry.from_arguments()
    course = entry.course
    config = _config(entry)
    init_seed(config["seed"], config["reproducibility"])
    write_atomic_file(course, Path(config["data_path"]))
    dataset = create_dataset(config)
    train_data, _validation, _test = data_preparation(config, dataset)
    model = get_model(config["model"])(config, train_data.dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    known = dataset.field2token_id["item_id"]
    columns = np.array([known.get(str(item), 0) for item in range(course.n_items)])

    @torch.no_grad()
    def score(histories: Sequences) -> torch.Tensor:
        model.eval()
        return over_catalogue(model.full_sort_predict(_interaction(model, histories, columns)), columns)

    keys = ("learning_rate", "train_batch_size", "loss_type", "hidden_dropout_prob", "MAX_ITEM_LIST_LENGTH")
    settings = {key: config[key] for key in (*keys, "n_layers", "n_heads", "hidden_size", "inner_size")}
    watch = Stopwatch(replace(entry, settings=settings), ("recbole",))
    batches = chain.from_iterable(repeat(train_data))
    steps = entry.steps(len(train_data))
    over = False
    while not over:
        watch.go()
        trainer._train_epoch(islice(batches, steps), len(watch.scores), show_progress=False)
        watch.stop()
        over = watch.lap(len(train_data.dataset) * steps / len(train_data), score)
    watch.finish()


def write_atomic_file(course: Course, folder: Path) -> None:
    """RecBole's ``.inter`` file of the training events, with two more of each user for its split to take off.

    Both are the validation event, which the race's own evaluator ranks; neither is trained on.
    """
    users, items, positions = course.pairs()
    everyone = np.arange(len(course.targets))
    after = positions.max() + 1
    rows = np.concatenate(
        [
            np.stack([users, items, positions], axis=1),
            np.stack([everyone, course.targets, np.full_like(everyone, after)], axis=1),
            np.stack([everyone, course.targets, np.full_like(everyone, after + 1)], axis=1),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    np.savetxt(folder / f"{NAME}.inter", rows, fmt="%d", delimiter="\t", header=header, comments="")


def _config(entry: Entry) -> Config:
    ours = {
        "data_path": "data",
        "use_gpu": False,
        "seed": entry.seed,
        "show_progress": False,
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
        "train_neg_sample_args": None,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    }
    return Config(model="SASRec", dataset=NAME, config_dict={**ours, **entry.settings})


def _interaction(model: torch.nn.Module, histories: Sequences, columns: np.ndarray) -> Interaction:
    """RecBole pads behind the items."""
    length = model.max_seq_length
    counts = np.minimum(histories.lengths(), length)
    padded = left_padded(histories, length, columns).numpy()
    moved = (np.arange(length) + length - counts[:, None]) % length
    items = torch.from_numpy(np.take_along_axis(padded, moved, axis=1))
    return Interaction({model.ITEM_SEQ: items, model.ITEM_SEQ_LEN: torch.from_numpy(counts)})


if __name__ == "__main__":
    main()
