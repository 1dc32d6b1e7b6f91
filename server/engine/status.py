"""What a coordinator is doing: its processes, who may join and who is there, and its runs."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from server.coordinator.certificates import expiry
from server.coordinator.home import ServerHome
from server.coordinator.moments_shown import moment_words
from server.coordinator.run_book import RESUMABLE, Run, RunBook, resume_command, rounds_done
from server.engine.absences import absences_in_round, without_words
from server.engine.round_lines import kept_encoder, took_part
from server.engine.standings import PlatformStanding, standings
from server.engine.supervisor import supervision
from shared.system.processes.supervision import TROUBLES

WARN_DAYS = 30


def status(home: ServerHome, *, now: datetime, may_ask: bool = True) -> dict[str, Any]:
    """All that a coordinator is doing, as plain values.

    Args:
        home: the coordinator's folder.
        now: the present time.
        may_ask: whether the engine itself may be asked, as of ``standings``.

    Returns:
        Whether the server runs and is ready, its processes and troubles, its certificate, platforms and runs.

    Raises:
        ConfigError: if a part of the folder is damaged.
    """
    supervised = supervision(home)
    running, report, left = supervised.running(), supervised.report(), supervised.left()
    expires = expiry(home.certificate)
    return {
        "folder": str(home.folder),
        "running": running,
        "ready": running and bool(report.get("ready")),
        "processes": report.get("processes", []) if running else [],
        TROUBLES: report.get(TROUBLES, {}) if running else {},
        "cause": "killed" if left else "",
        "why": left,
        "do": f"graft-server stop {home.folder} ends them, and so does the next graft-server start" if left else "",
        "certificate": {
            "expires": f"{expires:%Y-%m-%d}",
            "days": (expires - now).days,
            "expired": expires <= now,
        },
        "platforms": [_platform(standing) for standing in standings(home, now=now, may_ask=may_ask)],
        "runs": [_run(run) for run in RunBook(home.runs).runs()],
    }


def status_lines(facts: dict[str, Any]) -> list[str]:
    """The same for people."""
    parts: list[Callable[[dict[str, Any]], list[str]]] = [_server_lines, _platform_lines, _run_lines]
    return [line for part in parts for line in part(facts)]


def _platform(standing: PlatformStanding) -> dict[str, Any]:
    """Beside what it says of itself, the names of before: what the register and the engine say."""
    return {
        "name": standing.name,
        "state": "revoked" if standing.revoked else "enrolled",
        "queued": standing.queued,
        "engine": standing.engine,
        **standing.to_json(),
    }


def _run(run: Run) -> dict[str, Any]:
    standing, history, stage = run.standing(), run.history(), run.stage()
    absences = absences_in_round(history)
    return {
        "number": run.number,
        "state": standing.state,
        "rounds": rounds_done(history),
        "of": run.config().rounds,
        "submissions": standing.submissions,
        "reason": standing.reason,
        "stage": stage.words if stage else "",
        "answered": took_part(history),
        "kept": kept_encoder(history),
        "missing": {name: absence.cause for name, absence in absences.items()},
        "without": without_words(absences),
    }


def _server_lines(facts: dict[str, Any]) -> list[str]:
    state = "ready" if facts["ready"] else "starting" if facts["running"] else "not running"
    lines = [f"server: {state}"]
    if facts["cause"]:
        lines += [f"  why: {facts['why']}", f"  what to do: {facts['do']}"]
    for process in facts["processes"]:
        doing = f"process {process['pid']}" if process["pid"] else "waiting to be started again"
        lines.append(f"  {process['name']}: {doing}, started again {process['restarts']} times")
    lines += [f"  trouble, {name}: {why}" for name, why in facts[TROUBLES].items()]
    certificate = facts["certificate"]
    renew = f"; renew it: graft-server certificate renew {facts['folder']}" if certificate["days"] < WARN_DAYS else ""
    until = "expired on" if certificate["expired"] else "good until"
    return [*lines, f"certificate: {until} {certificate['expires']}{renew}"]


def _platform_lines(facts: dict[str, Any]) -> list[str]:
    lines = [f"platforms: {len(facts['platforms'])}"]
    for platform in facts["platforms"]:
        since = f" since {moment_words(datetime.fromisoformat(platform['since']))}" if platform["since"] else ""
        last = f", last answer: {answer_words(platform)}" if platform["last_answer"] else ""
        lines.append(f"  {platform['name']}: {platform['connection']}{since}{last}")
        if platform["cause"]:
            lines += [f"    why: {platform['why']}", f"    what to do: {platform['do']}"]
    return lines


def answer_words(platform: Mapping[str, Any]) -> str:
    """A platform's last answer; why it was no result stands beside it, unless the platform is away for another reason.

    Args:
        platform: as ``status`` has it.

    Returns:
        The words; empty where it was never asked.
    """
    answer = platform["last_answer"]
    if not answer:
        return ""
    words = f"run {answer['run']}, {answer['words']}"
    if not answer["cause"]:
        return words
    return f"{words}: no result" if answer["cause"] == platform["cause"] else f"{words}: {answer['why']}"


def _run_lines(facts: dict[str, Any]) -> list[str]:
    return [f"runs: {len(facts['runs'])}", *(f"  {_run_line(run, facts['folder'])}" for run in facts["runs"])]


def _run_line(run: dict[str, Any], folder: str) -> str:
    parts = [f"{run['number']}: {run['state']}, {run['rounds']} of {run['of']} rounds"]
    if run["rounds"] and not run["answered"]:
        parts.append("no platform took part")
    if run["kept"]["score"] is not None:
        parts.append(f"leaves the encoder {run['kept']['words']}, NDCG@10 {run['kept']['score']:.4f}")
    if run["stage"]:
        parts.append(run["stage"])
    parts += [f"last {words}" for words in run["without"]]
    reason = f": {run['reason']}" if run["reason"] else ""
    further = f"; it goes on with: {resume_command(folder, run['number'])}" if run["state"] in RESUMABLE else ""
    return "; ".join(parts) + reason + further
