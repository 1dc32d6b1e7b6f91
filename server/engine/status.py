"""What a coordinator is doing: its processes, who may join and who is there, and its runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from server.coordinator.certificates import expiry
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook, rounds_done
from server.engine.absences import absences_in_round
from server.engine.round_lines import kept, took_part
from server.engine.standings import PlatformStanding, standings
from server.engine.supervisor import supervision
from shared.system.processes.supervision import TROUBLES

WARN_DAYS = 30


def status(home: ServerHome, *, now: datetime, may_ask: bool = True) -> dict[str, Any]:
    """All of it as plain values; ``may_ask`` as of ``standings``."""
    supervised = supervision(home)
    running, report, left = supervised.running(), supervised.report(), supervised.left()
    expires = expiry(home.certificate)
    return {
        "running": running,
        "ready": running and bool(report.get("ready")),
        "processes": report.get("processes", []) if running else [],
        TROUBLES: report.get(TROUBLES, {}) if running else {},
        "cause": "killed" if left else "",
        "why": left,
        "do": "graft-server stop ends them, and so does the next graft-server start" if left else "",
        "certificate": {
            "expires": f"{expires:%Y-%m-%d}",
            "days": (expires - now).days,
            "expired": expires <= now,
        },
        "platforms": [_platform(one) for one in standings(home, now=now, may_ask=may_ask)],
        "runs": [_run(run) for run in RunBook(home.runs).runs()],
    }


def status_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    parts: list[Callable[[dict[str, Any]], list[str]]] = [_server_lines, _platform_lines, _run_lines]
    return [line for part in parts for line in part(found)]


def _platform(one: PlatformStanding) -> dict[str, Any]:
    """Beside what it says of itself, the names of before: what the register and the engine say."""
    return {
        "name": one.name,
        "state": "revoked" if one.revoked else "enrolled",
        "queued": one.queued,
        "engine": one.engine,
        **one.to_json(),
    }


def _run(run: Run) -> dict[str, Any]:
    standing, history = run.standing(), run.history()
    return {
        "number": run.number,
        "state": standing.state,
        "rounds": rounds_done(history),
        "of": run.config().rounds,
        "submissions": standing.submissions,
        "reason": standing.reason,
        "stage": run.stage(),
        "answered": took_part(history),
        "kept": kept(history),
        "missing": {name: one.cause for name, one in absences_in_round(history).items()},
    }


def _server_lines(found: dict[str, Any]) -> list[str]:
    state = "ready" if found["ready"] else "starting" if found["running"] else "not running"
    lines = [f"server: {state}"]
    if found["cause"]:
        lines += [f"  why: {found['why']} ({found['cause']})", f"  what to do: {found['do']}"]
    for one in found["processes"]:
        doing = f"process {one['pid']}" if one["pid"] else "waiting to be started again"
        lines.append(f"  {one['name']}: {doing}, started again {one['restarts']} times")
    lines += [f"  trouble, {name}: {why}" for name, why in found[TROUBLES].items()]
    certificate = found["certificate"]
    renew = "; renew it: graft-server certificate renew" if certificate["days"] < WARN_DAYS else ""
    until = "expired on" if certificate["expired"] else "good until"
    return [*lines, f"certificate: {until} {certificate['expires']}{renew}"]


def _platform_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"platforms: {len(found['platforms'])}"]
    for one in found["platforms"]:
        since = f" since {one['since']}" if one["since"] else ""
        last = f", last answer: {_last(one['last_answer'])}" if one["last_answer"] else ""
        lines.append(f"  {one['name']}: {one['connection']}{since}{last}")
        if one["cause"]:
            lines += [f"    why: {one['why']} ({one['cause']})", f"    what to do: {one['do']}"]
    return lines


def _last(answer: dict[str, Any]) -> str:
    cause = f" ({answer['cause']})" if answer["cause"] else ""
    return f"run {answer['run']}, {answer['question']} {answer['round']}{cause}"


def _run_lines(found: dict[str, Any]) -> list[str]:
    return [f"runs: {len(found['runs'])}", *(f"  {_run_line(one)}" for one in found["runs"])]


def _run_line(one: dict[str, Any]) -> str:
    parts = [f"{one['number']}: {one['state']}, {one['rounds']} of {one['of']} rounds"]
    if one["rounds"] and not one["answered"]:
        parts.append("no platform took part")
    if one["kept"]["score"] is not None:
        parts.append(f"kept: round {one['kept']['round']}, NDCG@10 {one['kept']['score']:.4f}")
    if one["stage"]:
        parts.append(one["stage"])
    if one["missing"]:
        parts.append(f"last without {', '.join(f'{name} ({cause})' for name, cause in one['missing'].items())}")
    return "; ".join(parts) + (f": {one['reason']}" if one["reason"] else "")
