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
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.out.mkdir(parents=True, exist_ok=True)
    missing = [kill for kill in map(Kill.drawn, range(options.trials)) if not _file(options.out, kill).exists()]
    tried = MASKED_RUN if options.masked else PLAIN_RUN
    if missing:
        promise = ("--privacy", tried.config.privacy)
        with (
            command_server(),
            tempfile.TemporaryDirectory(dir=options.out) as folder,
            federation(Path(folder), promise=promise) as deployed,
        ):
            run_trials(deployed, missing, options.out, tried)
    page = table(_found(options.out), masked=options.masked)
    write_whole(options.table, page.encode("utf-8"))


def run_trials(deployed: Deployment, kills: list[Kill], out: Path, tried: Tried) -> None:
    """One after the other in one federation, each written down as soon as it is over."""
    usual = _undisturbed(deployed, out, tried)
    for kill in kills:
        print(f"{datetime.now(UTC):%H:%M:%S} seed {kill.seed}: {kill.target}", flush=True)
        trial = kill_trial(deployed, kill, usual_seconds=usual.seconds, tried=tried)
        usual = replace(usual, seconds=trial.usual_seconds)
        outcome = _outcome(trial, usual)
        if tried is MASKED_RUN:
            outcome["secrets"] = require_no_secret_outside(deployed)
        write_whole(_file(out, kill), json.dumps(outcome, indent=1).encode("utf-8"))


def table(trials: list[dict[str, Any]], *, masked: bool = False) -> str:
    """The trials as a page in Markdown."""
    held = sum(trial["same_encoder"] and all(trial["same_heads"].values()) for trial in trials)
    name, further = ("masked-kill-trials", " --masked") if masked else ("kill-trials", "")
    plain = "a moments round and two training rounds"
    exchanges = "two training rounds of secure sums" if masked else plain
    secrets = sum(trial.get("secrets", 0) for trial in trials)
    secrecy = f" Of {secrets} secrets of sums that platforms held none stood in a log or on its disk." if masked else ""
    head = f"""# Kill trials{" of masked runs" if masked else ""}

```sh
python -m benchmarks.kill_trials OUT --table docs/results/{name}.md{further}
```

A coordinator and three platforms (one of them reads SQLite) as real processes on loopback, TLS and node authentication
on; `graft-server run --require-all`, {exchanges}. At a random moment every process of the
server, of one agent or of both gets SIGKILL, and is started again a random while later. {held} of {len(trials)} runs
ended with the encoder of the undisturbed run and with every platform's heads, byte for byte.{secrecy}

"""
    questions = MASKED_RUN.config.rounds if masked else QUESTIONS
    return head + narrow_tables(_HEADS, [_row(trial, questions) for trial in trials], keys=1, cuts=(6,))


_HEADS = ("seed", "killed", "at s", "behind it", "processes", "away s", "encoder", "heads", "took s")


def _row(trial: dict[str, Any], questions: int) -> list[object]:
    kill = trial["kill"]
    who = kill["target"] if kill["target"] == "server" else f"{kill['target']} ({kill['victim']})"
    heads = (
        "intact"
        if all(trial["same_heads"].values())
        else ", ".join(n for n, same in trial["same_heads"].items() if not same)
    )
    return [
        *(kill["seed"], who, f"{trial['at_seconds']:.0f}", f"{trial['answered']} of {questions} questions"),
        *(trial["processes"], f"{kill['away']:.0f}", "the same" if trial["same_encoder"] else "ANOTHER", heads),
        f"{trial['seconds']:.0f}",
    ]


def _outcome(trial: Trial, usual: Ending) -> dict[str, Any]:
    return {
        "kill": asdict(trial.kill),
        "at_seconds": trial.kill.moment * trial.usual_seconds,
        "answered": trial.answered,
        "processes": trial.processes,
        "same_encoder": trial.ending.encoder == usual.encoder,
        "same_heads": same_heads(trial.ending.heads, usual.heads),
        "seconds": trial.ending.seconds,
    }


def _undisturbed(deployed: Deployment, out: Path, tried: Tried) -> Ending:
    """Of an earlier start of this script, or run now."""
    if not (out / REFERENCE).exists():
        print(f"{datetime.now(UTC):%H:%M:%S} undisturbed", flush=True)
        _keep(out / REFERENCE, undisturbed(deployed, tried))
    arrays = load((out / REFERENCE).read_bytes())
    heads: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        platform, _, key = name.partition("/")
        if key:
            heads.setdefault(platform, {})[key] = array
    return Ending(encoder=arrays[_ENCODER].tobytes(), heads=heads, seconds=float(arrays[SECONDS][0]))


def _keep(file: Path, ending: Ending) -> None:
    heads = {
        f"{name}/{key}": array for name, platform_heads in ending.heads.items() for key, array in platform_heads.items()
    }
    arrays = {_ENCODER: np.frombuffer(ending.encoder, np.uint8), SECONDS: np.array([ending.seconds])}
    write_whole(file, save({**arrays, **heads}))


def _file(out: Path, kill: Kill) -> Path:
    return out / f"seed-{kill.seed:02d}.json"


def _found(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(out.glob("seed-*.json"))]


if __name__ == "__main__":
    main()
