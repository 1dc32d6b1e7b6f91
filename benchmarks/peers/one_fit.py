"""A peer that is fitted in one go, under each of its settings: seconds and NDCG@10 over the whole catalogue.

    python -m benchmarks.peers.one_fit COURSE --peer MODULE --settings JSON --seed N

MODULE is one of ``benchmarks.peers`` that has ``fit``. Prints one JSON object a setting.
"""

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.peers.course import Course


def main() -> None:
    """Fit under each of the settings, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("course", type=Path)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--settings", type=json.loads, required=True, help="a list of objects")
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no line of ours
    course, fit = Course.read(options.course), import_module(f"benchmarks.peers.{options.peer}").fit
    for settings in options.settings:
        begun = time.process_time()
        score = fit(course, course.sequences, {"once": True, **settings}, options.seed)
        seconds = time.process_time() - begun
        fitted = {"settings": settings, "seconds": seconds, "ndcg": course.ndcg(score)}
        print(json.dumps(fitted), file=out, flush=True)


if __name__ == "__main__":
    main()
