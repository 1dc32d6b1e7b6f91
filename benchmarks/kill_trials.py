"""Kill trials: SIGKILL to the server, an agent or both at a random moment of a federated run; what each run ends with.

    python -m benchmarks.kill_trials OUT --table docs/results/kill-trials.md [--trials 20] [--masked]

One JSON per trial in OUT, named by its seed; what stands there is not run again. The run that nobody disturbs comes
first and is kept beside them. With --masked updates come as secure sums, and after each trial every secret of them that
a platform holds is looked for in all logs and in all files of the coordinator.
"""

import argparse
import json
import signal
import tempfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from benchmarks.narrow_tables import narrow_tables
from shared.system.whole_file import write_whole
from tests.integration.commands import command_server
from tests.integration.deployed.deployment import Deployment
from tests.integration.deployed.kill_trial import (
    MASKED_RUN,
    PLAIN_RUN,
    QUESTIONS,
    Ending,
    Kill,
    Trial,
    Tried,
    federation,
    kill_trial,
    same_heads,
    undisturbed,
)
from tests.integration.deployed.sum_secrets import require_no_secret_outside

REFERENCE, SECONDS = "undisturbed.safetensors", "seconds"
_ENCODER = "encoder"


def main() -> None:
    """Run what is missing, one trial after the other, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the trials")
    parser.add_argument("--table", type=Path, required=True, help="file for the table")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--masked", action="store_true", help="sum the updates under masks")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asked.out.mkdir(parents=True, exist_ok=True)
    missing = [kill for kill in map(Kill.drawn, range(asked.trials)) if not _file(asked.out, kill).exists()]
    tried = MASKED_RUN if asked.masked else PLAIN_RUN
    if missing:
        promise = ("--privacy", tried.config.privacy)
        with (
            command_server(),
            tempfile.TemporaryDirectory(dir=asked.out) as folder,
            federation(Path(folder), promise=promise) as made,
        ):
            run_trials(made, missing, asked.out, tried)
    page = table(_found(asked.out), masked=asked.masked)
    write_whole(asked.table, page.encode("utf-8"))


def run_trials(made: Deployment, kills: list[Kill], out: Path, tried: Tried) -> None:
    """One after the other in one federation, each written down as soon as it is over."""
    usual = _undisturbed(made, out, tried)
    for kill in kills:
        print(f"{datetime.now(UTC):%H:%M:%S} seed {kill.seed}: {kill.target}", flush=True)
        found = kill_trial(made, kill, usual_seconds=usual.seconds, tried=tried)
        usual = replace(usual, seconds=found.usual_seconds)
        outcome = _outcome(found, usual)
        if tried is MASKED_RUN:
            outcome["secrets"] = require_no_secret_outside(made)
        write_whole(_file(out, kill), json.dumps(outcome, indent=1).encode("utf-8"))


def table(found: list[dict[str, Any]], *, masked: bool = False) -> str:
    """The trials as a page in Markdown."""
    held = sum(one["same_encoder"] and all(one["same_heads"].values()) for one in found)
    name, further = ("masked-kill-trials", " --masked") if masked else ("kill-trials", "")
    plain = "a moments round and two training rounds"
    asked = "two training rounds of secure sums" if masked else plain
    secrets = sum(one.get("secrets", 0) for one in found)
    said = f" Of {secrets} secrets of sums that platforms held none stood in a log or on its disk." if masked else ""
    head = f"""# Kill trials{" of masked runs" if masked else ""}

```sh
python -m benchmarks.kill_trials OUT --table docs/results/{name}.md{further}
```

A coordinator and three platforms (one of them reads SQLite) as real processes on loopback, TLS and node authentication
on; `graft-server run --require-all`, {asked}. At a random moment every process of the
server, of one agent or of both gets SIGKILL, and is started again a random while later. {held} of {len(found)} runs
ended with the encoder of the undisturbed run and with every platform's heads, byte for byte.{said}

"""
    questions = MASKED_RUN.config.rounds if masked else QUESTIONS
    return head + narrow_tables(_HEADS, [_row(one, questions) for one in found], keys=1, cuts=(6,))


_HEADS = ("seed", "killed", "at s", "behind it", "processes", "away s", "encoder", "heads", "took s")


def _row(one: dict[str, Any], questions: int) -> list[object]:
    kill = one["kill"]
    who = kill["target"] if kill["target"] == "server" else f"{kill['target']} ({kill['victim']})"
    heads = (
        "intact"
        if all(one["same_heads"].values())
        else ", ".join(n for n, same in one["same_heads"].items() if not same)
    )
    return [
        *(kill["seed"], who, f"{one['at_seconds']:.0f}", f"{one['answered']} of {questions} questions"),
        *(one["processes"], f"{kill['away']:.0f}", "the same" if one["same_encoder"] else "ANOTHER", heads),
        f"{one['seconds']:.0f}",
    ]


def _outcome(found: Trial, usual: Ending) -> dict[str, Any]:
    return {
        "kill": asdict(found.kill),
        "at_seconds": found.kill.moment * found.usual_seconds,
        "answered": found.answered,
        "processes": found.processes,
        "same_encoder": found.ending.encoder == usual.encoder,
        "same_heads": same_heads(found.ending.heads, usual.heads),
        "seconds": found.ending.seconds,
    }


def _undisturbed(made: Deployment, out: Path, tried: Tried) -> Ending:
    """Of an earlier start of this script, or run now."""
    if not (out / REFERENCE).exists():
        print(f"{datetime.now(UTC):%H:%M:%S} undisturbed", flush=True)
        _keep(out / REFERENCE, undisturbed(made, tried))
    arrays = load((out / REFERENCE).read_bytes())
    heads: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        platform, _, key = name.partition("/")
        if key:
            heads.setdefault(platform, {})[key] = array
    return Ending(encoder=arrays[_ENCODER].tobytes(), heads=heads, seconds=float(arrays[SECONDS][0]))


def _keep(file: Path, found: Ending) -> None:
    heads = {f"{name}/{key}": array for name, own in found.heads.items() for key, array in own.items()}
    own = {_ENCODER: np.frombuffer(found.encoder, np.uint8), SECONDS: np.array([found.seconds])}
    write_whole(file, save({**own, **heads}))


def _file(out: Path, kill: Kill) -> Path:
    return out / f"seed-{kill.seed:02d}.json"


def _found(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(out.glob("seed-*.json"))]


if __name__ == "__main__":
    main()
