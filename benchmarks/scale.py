"""What a fit costs on synthetic platforms of any size, in this build and beside it in an earlier one.

    python -m benchmarks.scale OUT [--size USERS,ITEMS,EVENTS ...] [--before BUILD] [--encoder FILE]
        [--peers] [--seed N]

Makes each platform (``scale_platform.py``), then runs ``graft-client evaluate --no-own`` and ``fit --no-own`` on it,
one process after the other, and prints processor seconds of all threads, peak memory, NDCG@10 of ``local`` over all
users, and bytes of the head. Peers (``scale_peers.py``) are fitted on all events but users' last ones, which all are
judged by. What was measured is in OUT and is not measured again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.import_time import measure
from benchmarks.scale_peers import PeerCost, measured_peers, peers_table
from benchmarks.scale_platform import Size, write_platform

HERE = Path(__file__).resolve().parents[1]
COMMAND = "import sys; from client.cli.main import main; sys.exit(main())"
SIZES = ("5000,5000,100000", "20000,20000,400000")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One fit of one platform by one build."""

    platform: str
    build: str
    evaluate_seconds: float
    """of the processor, all threads; reading and ranking all users in it"""
    fit_seconds: float
    peak: float
    """GiB of resident memory at most, of either"""
    ndcg: float
    """of ``local``"""
    head: float
    """MB"""


def size_of(text: str) -> Size:
    """Read USERS,ITEMS,EVENTS.

    Raises:
        SystemExit: where it is anything else.
    """
    try:
        users, items, events = (int(part) for part in text.split(","))
    except ValueError:
        raise SystemExit(f"--size: expected USERS,ITEMS,EVENTS, found {text!r}") from None
    if min(users, items) < 10 or events < 5 * users:
        raise SystemExit(f"--size: expected 10 users and items or more and 5 events a user or more, found {text!r}")
    return Size(users=users, items=items, events=events)


def cost(platform: Path, build: Path, name: str, out: Path, encoder: Path | None) -> Cost:
    """Measure both commands.

    Args:
        platform: the platform folder.
        build: the repository whose packages run.
        name: what the build is called in tables.
        out: where heads and answers are written.
        encoder: the received encoder; None: the platform's own recommender is fitted.

    Returns:
        What was measured.

    Raises:
        SystemExit: where a command fails.
    """
    common = [str(platform), "--no-own", "--json", *(() if encoder is None else ("--encoder", str(encoder)))]
    run = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(build)!r}); {COMMAND}"]
    heads, answer = out / f"heads-{platform.name}-{name}", out / f"evaluation-{platform.name}-{name}.json"
    script = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[2:], stdout=open(sys.argv[1], 'w')))"
    evaluated = measure([sys.executable, "-c", script, str(answer), *run, "evaluate", *common])
    fitted = measure([*run, "fit", *common, "--heads", str(heads)])
    return Cost(
        platform=platform.name,
        build=name,
        evaluate_seconds=evaluated.cpu,
        fit_seconds=fitted.cpu,
        peak=max(evaluated.peak, fitted.peak),
        ndcg=json.loads(answer.read_text("utf-8"))["methods"]["local"]["ndcg"],
        head=sum(file.stat().st_size for file in heads.rglob("*") if file.is_file()) / 1e6,
    )


def markdown(costs: Sequence[Cost]) -> str:
    """The costs, one line each, builds of a platform below each other."""
    lines = [
        "| platform, build | evaluate, s | fit, s | peak, GiB | NDCG@10 | head, MB |",
        "| -- | -- | -- | -- | -- | -- |",
    ]
    lines += [
        f"| {each.platform}, {each.build} | {each.evaluate_seconds:.0f} | {each.fit_seconds:.0f} | {each.peak:.2f} "
        f"| {each.ndcg:.4f} | {each.head:.0f} |"
        for each in costs
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure what is not in OUT yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="where platforms, heads and figures are kept")
    parser.add_argument("--size", nargs="+", default=[*SIZES], metavar="USERS,ITEMS,EVENTS", help="of the platforms")
    parser.add_argument("--before", type=Path, help="the repository of an earlier build, measured beside this one")
    parser.add_argument("--encoder", type=Path, help="a received encoder; without it there is none")
    parser.add_argument(
        "--peers", action="store_true", help="peers beside this build, each in an environment of its own"
    )
    parser.add_argument("--budget", type=float, default=3600.0, help="processor seconds behind which SASRec stops")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    builds = {"now": HERE} | ({} if options.before is None else {"before": options.before.resolve()})
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    costs, tables = [], []
    for size in map(size_of, options.size):
        platform = out / size.name
        if not platform.is_dir():
            write_platform(platform, size, options.seed)
        for name, build in builds.items():
            file = out / f"cost-{size.name}-{name}.json"
            if not file.is_file():
                print(f"{size.name}, {name}", file=sys.stderr, flush=True)
                file.write_text(json.dumps(asdict(cost(platform, build, name, out, options.encoder))), "utf-8")
            costs.append(Cost(**json.loads(file.read_text("utf-8"))))
        if options.peers:
            ours = next(each for each in costs if (each.platform, each.build) == (size.name, "now"))
            peers = measured_peers(platform, out, seed=options.seed, budget=options.budget)
            tables.append(f"{size.name}:\n\n{peers_table([_beside_peers(ours), *peers])}")
    print("\n".join([markdown(costs), *tables]))


def _beside_peers(cost: Cost) -> PeerCost:
    """Our own line among the peers': the whole of ``fit``, reading, gate and storing in it."""
    return PeerCost(name="graft `local`", seconds=cost.fit_seconds, peak=cost.peak, ndcg=cost.ndcg, settings={})


if __name__ == "__main__":
    main()
