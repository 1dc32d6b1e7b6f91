"""Device simulation side by side: ours, Flower on Ray, pfl, APPFL and a sequential loop on one and the same work.

    python -m benchmarks.devices --out DIR --platform FOLDER ... [--cohort K] [--rounds R] [--engines NAME ...]

Each platform is split by user. Every engine runs in an environment of its own, which is made in a folder where it is
not there. Prints tables in Markdown. The first round, in which engines start their workers, is not timed.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.devices.comparison import comparison
from benchmarks.devices.course_writer import course_of
from benchmarks.devices.device_course import CourseSettings, DeviceCourse
from benchmarks.devices.engines import ENGINES, REFERENCE, ROUNDS_NOT_TIMED, ran
from benchmarks.peers.environments import FOLDER
from client.data.folder_options import Preparation
from client.features.prepared_platform import open_platform
from shared.encoder.file import load_encoder
from shared.encoder.presets import PRESETS
from shared.errors import InputError


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of courses and results")
    parser.add_argument("--platform", type=Path, nargs="+", required=True, help="platform folders")
    parser.add_argument("--environments", type=Path, default=FOLDER, help="folder of the engines' environments")
    parser.add_argument("--engines", nargs="+", choices=[*ENGINES], default=[*ENGINES])
    parser.add_argument("--cohort", type=int, default=1000, help="devices of a round; all where there are fewer")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--preset", choices=[*PRESETS], default="nano")
    parser.add_argument("--features", default="hashing:512")
    parser.add_argument("--encoder", type=Path, help="file of the encoder that the first round begins with")
    parser.add_argument("--learning-rate", type=float, default=0.003, help="of SGD on a device")
    parser.add_argument("--server-learning-rate", type=float, default=20.0, help="of the mean of a round's changes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.rounds <= ROUNDS_NOT_TIMED:
        parser.error(f"--rounds must be {ROUNDS_NOT_TIMED + 1} or more: the first one is not timed")
    if options.cohort < 1:
        parser.error("--cohort must be 1 or more")
    return options


def written_course(platform: Path, options: argparse.Namespace) -> Path:
    """The folder of a platform's course, written anew.

    Args:
        platform: the platform's folder.
        options: of the command line.
    """
    prepared = open_platform(platform, Preparation(), seed=options.seed, features=options.features)
    settings = CourseSettings(
        platform=prepared.name,
        preset=options.preset,
        learning_rate=options.learning_rate,
        server_learning_rate=options.server_learning_rate,
        seed=options.seed,
    )
    initial = load_encoder(options.encoder)[0] if options.encoder else None
    folder: Path = options.out / prepared.name / "course"
    course_of(prepared, settings, rounds=options.rounds, cohort=options.cohort, initial=initial).write(folder)
    return folder


def main() -> None:
    """Run all engines on each platform and print the tables."""
    options = arguments()
    names = dict.fromkeys((REFERENCE, *options.engines))
    try:
        for platform in options.platform:
            folder = written_course(platform, options)
            runs = {}
            for name in names:
                print(f"{platform.name}: {ENGINES[name].title}", file=sys.stderr, flush=True)
                runs[name] = ran(name, folder, folder.with_name(name), options.environments)
            print(comparison(DeviceCourse.read(folder), runs), flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
