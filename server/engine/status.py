"""What a coordinator is doing: its processes, who may join and who is there, and its runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from server.coordinator.certificates import expiry
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook
from server.engine.flwr_command import FlwrCommand
from server.engine.supervisor import supervision
from shared.errors import EngineError
from shared.system.processes.supervision import TROUBLES

WARN_DAYS = 30


def status(home: ServerHome, *, now: datetime) -> dict[str, Any]:
    """All of it as plain values."""
    supervised = supervision(home)
    running, report = supervised.running(), supervised.report()
    there = _online(home)
    entries = Enrolment(home.platforms).read()
    return {
        "running": running,
        "ready": running and bool(report.get("ready")),
        "processes": report.get("processes", []) if running else [],
        TROUBLES: report.get(TROUBLES, {}) if running else {},
        "certificate": {
            "expires": f"{expiry(home.certificate):%Y-%m-%d}",
            "days": (expiry(home.certificate) - now).days,
        },
        "platforms": [
            {
                "name": one.name,
                "state": "revoked" if one.revoked else "enrolled",
                "queued": one.waiting,
                "engine": there.get(one.name, "") if not one.revoked else "",
            }
            for one in entries
        ],
        "runs": [_run(run) for run in RunBook(home.runs).runs()],
    }


def status_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    parts: list[Callable[[dict[str, Any]], list[str]]] = [_server_lines, _platform_lines, _run_lines]
    return [line for part in parts for line in part(found)]


def _online(home: ServerHome) -> dict[str, str]:
    """Platform to what the engine says of it; empty where the server does not run."""
    if not supervision(home).running():
        return {}
    try:
        nodes = FlwrCommand(home).nodes()
    except EngineError:
        return {}
    entries = [one for one in Enrolment(home.platforms).read() if not one.revoked and one.node is not None]
    return {one.name: nodes.get(one.node or 0, "unknown") for one in entries}


def _run(run: Run) -> dict[str, Any]:
    standing = run.standing()
    return {
        "number": run.number,
        "state": standing.state,
        "rounds": run.rounds_done(),
        "of": run.config().rounds,
        "submissions": standing.submissions,
        "reason": standing.reason,
    }


def _server_lines(found: dict[str, Any]) -> list[str]:
    state = "ready" if found["ready"] else "starting" if found["running"] else "not running"
    lines = [f"server: {state}"]
    for one in found["processes"]:
        doing = f"process {one['pid']}" if one["pid"] else "waiting to be started again"
        lines.append(f"  {one['name']}: {doing}, started again {one['restarts']} times")
    lines += [f"  trouble, {name}: {why}" for name, why in found[TROUBLES].items()]
    certificate = found["certificate"]
    renew = "; renew it: graft-server certificate renew" if certificate["days"] < WARN_DAYS else ""
    return [*lines, f"certificate: good until {certificate['expires']}{renew}"]


def _platform_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"platforms: {len(found['platforms'])}"]
    for one in found["platforms"]:
        queued = ", queued for the engine" if one["queued"] else ""
        lines.append(f"  {one['name']}: {one['engine'] or one['state']}{queued}")
    return lines


def _run_lines(found: dict[str, Any]) -> list[str]:
    lines = [f"runs: {len(found['runs'])}"]
    for one in found["runs"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        lines.append(f"  {one['number']}: {one['state']}, {one['rounds']} of {one['of']} rounds{reason}")
    return lines
