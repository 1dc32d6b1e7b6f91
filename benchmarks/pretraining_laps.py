"""Pretrain as ``graft-client pretrain`` does, in this build or an earlier one; print what each look found.

    PYTHONPATH=BUILD python pretraining_laps.py FOLDER OUT ENCODER SEED

A line of JSON for each look, and one for the whole: processor seconds of the process so far, and NDCG@10. It stands
alone, so that it runs with the packages of any build.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from client.data.folder_options import Preparation
from client.fitting.pretrain import pretrain_folder
from client.training.sequence_scores import ValidationSet


def main() -> None:
    """Wrap the look of the build's validation set, then pretrain."""
    folder, out, preset, seed = sys.argv[1:]
    measured = ValidationSet.ndcg

    def watched(*arguments: Any) -> float:
        value = measured(*arguments)
        _say("look", value)
        return value

    ValidationSet.ndcg = watched  # type: ignore[method-assign, assignment]
    outcome = pretrain_folder(Path(folder), Path(out), preparation=Preparation(), preset=preset, seed=int(seed))
    _say("end", outcome.best_validation)


def _say(what: str, ndcg: float) -> None:
    print(json.dumps({"what": what, "seconds": time.process_time(), "ndcg": ndcg}), flush=True)


if __name__ == "__main__":
    main()
