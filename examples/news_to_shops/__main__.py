"""A federation from pretraining to feedback, as real processes on this machine: ``python examples/news_to_shops``.

A news site pretrains an encoder. A coordinator offers it; two shops of one domain and a film service improve it in
rounds, and none of them shows the others a user, an item or a click. What comes of it is a signed release; each
platform's gate decides what it serves. One shop serves; people click; it learns from that, and so do the next rounds. A
second release is published, one shop takes it back, and a copy with a changed byte is refused.
"""

import argparse
import signal
import sys
from pathlib import Path

from commands import CommandFailed, Commands
from story import Story

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """Play it once; ends with 1 and the command that failed where one does."""
    parser = argparse.ArgumentParser(prog="news_to_shops", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for all that is made")
    parser.add_argument("--share", type=float, default=0.5, help="share of the synthetic platforms' users (0.5)")
    parser.add_argument("--rounds", type=int, default=2, help="training rounds (2)")
    parser.add_argument("--visitors", type=int, default=40, help="people who look at the shop's lists (40)")
    parser.add_argument("--encoder", default="nano", help="size of the encoder: nano, tiny, small, ... (nano)")
    parser.add_argument(
        "--folders",
        nargs=4,
        metavar=("SOURCE", "SHOP", "SECOND-SHOP", "FILMS"),
        help="real platform folders in the place of the synthetic ones",
    )
    given = parser.parse_args()
    if given.out.exists() and (not given.out.is_dir() or any(given.out.iterdir())):
        parser.error(f"{given.out}: exists already and is not an empty folder")
    given.out.mkdir(parents=True, exist_ok=True)
    commands = Commands(given.out.resolve())
    story = Story(
        commands=commands,
        share=given.share,
        rounds=given.rounds,
        visitors=given.visitors,
        encoder=given.encoder,
        folders=[str(Path(folder).resolve()) for folder in given.folders or ()],
    )
    for number in STOPS:
        signal.signal(number, _stop)
    try:
        story.play()
    except CommandFailed as failed:
        sys.exit(f"news_to_shops: {failed}")
    finally:
        try:
            _ignore_stops()
        finally:
            commands.end_all()


def _ignore_stops() -> None:
    """What is being ended is ended."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: object) -> None:
    """Whatever the story does now ends, and then all that it has started."""
    _ignore_stops()
    print("\nnews_to_shops: stopped; what was started is being ended, the last first", file=sys.stderr, flush=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
