"""What an agent is doing: whether it is connected and takes part, and if not why and what to do; its processes."""

import re
from dataclasses import asdict
from typing import Any

from client.adaptation.seen import read_seen
from client.agent.connection import CONNECTING, SUPERNODE, known_since, last_known
from client.agent.finding import Cause, Finding
from client.agent.home import AgentHome, AgentSettings
from client.agent.own_answers import HELD_BACK, answer_as_json, last_answer, obstacle_of_answers
from client.agent.parties import waiting_words
from client.agent.preflight import Check
from client.agent.private_part import heads_and_key
from client.agent.programs import supervision
from client.agent.sum_key import own_party
from client.guard.ledger import ANSWERS, SHOWN, Ledger
from client.guard.pinned_key import pinned_key
from client.releases.installed import Installed, named, read_installed
from client.releases.place import ReleasesPlace
from client.store.head_store import open_heads
from client.store.vault import is_vault
from shared.errors import ConfigError, GraftError
from shared.federation.signatures import fingerprint
from shared.system.processes.supervision import TROUBLES
from shared.system.settings_file import read_settings

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TAIL = 4096


def status(home: AgentHome) -> dict[str, Any]:
    """All of it as plain values."""
    settings, supervised = read_settings(AgentSettings, home.settings), supervision(home)
    running = supervised.running()
    report = supervised.report() if running else {}
    answer = last_answer(home)
    obstacle = _obstacle(home, report, running=running)
    return {
        "name": settings.name,
        "server": settings.server,
        "running": running,
        "connected": bool(report.get("connected")),
        "since": known_since(home),
        "before": last_known(home),
        "last_answer": answer_as_json(answer) if answer else None,
        "cause": obstacle.cause if obstacle else "",
        "why": obstacle.why if obstacle else "",
        "do": obstacle.do if obstacle else "",
        "processes": report.get("processes", []),
        TROUBLES: report.get(TROUBLES, {}),
        "last": _last_line(home) if running else "",
        "vault": _vault(home, settings),
        "release": _release(home, settings),
        "tasks": _tasks(home),
        "parties": _parties(home, settings),
        "adaptation": _adaptation(home),
        "left": _left(home),
    }


def enrolment(home: AgentHome) -> Check:
    """Whether the coordinator admits the platform's key, which only an agent that runs has tried."""
    what, supervised = "enrolment", supervision(home)
    report = supervised.report() if supervised.running() else {}
    if report.get("connected"):
        return Check(what, None)
    obstacle = report.get("obstacle") or {}
    if obstacle.get("cause") in (Cause.NOT_ENROLLED, Cause.KEY_REFUSED):
        return Check(what, Finding.from_json(obstacle))
    return Check(what, None, unknown="only an agent that runs has tried its key; graft-client status says")


def status_lines(report: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"{report['name']}: {_standing(report)}"]
    if report["cause"]:
        lines += [f"why: {report['why']}", f"what to do: {report['do']}"]
    lines.append(f"last round: {_last_round(report['last_answer'])}")
    for process in report["processes"]:
        lines.append(f"  {process['name']}: {_doing(process, report['cause'])}")
    lines += [f"  trouble, {name}: {why}" for name, why in report[TROUBLES].items()]
    left = report["left"]
    lines += [
        f"vault: {report['vault']}",
        f"tasks: {report['tasks']}",
        f"left: {left['answers']:,} answers, {left['bytes']:,} bytes; graft-client audit",
    ]
    if report["release"]["words"]:
        lines.append(f"release: {report['release']['words']}")
    if report["parties"]:
        lines.append(f"parties: {report['parties']}")
    if report["adaptation"]:
        lines.append(f"adaptation: {report['adaptation']['stage']}: {report['adaptation']['why']}")
    return [*lines, *([f"last: {report['last']}"] if report["last"] else [])]


def _doing(process: dict[str, Any], cause: str) -> str:
    """Whether a program runs, and how often it was started again; one that waits to be admitted just tries again."""
    if process["name"] == SUPERNODE and cause == Cause.NOT_ENROLLED:
        return "tries to join every few seconds until the platform is enrolled"
    running = f"process {process['pid']}" if process["pid"] else "waiting to be started again"
    return f"{running}, started again {process['restarts']} times"


def _obstacle(home: AgentHome, report: dict[str, Any], *, running: bool) -> Finding | None:
    """Why it takes no part; the rules, in order: killed, stopped, not connected, its last answer, the preflight."""
    if left := supervision(home).left():
        do = f"graft-client stop {home.folder} ends them, and so does the next graft-client start"
        return Finding(cause=Cause.KILLED, why=left, do=do)
    if not running:
        do = f"graft-client start {home.folder} --background"
        return Finding(cause=Cause.STOPPED, why="the agent does not run", do=do)
    if not report.get("connected"):
        obstacle = report.get("obstacle")
        return Finding.from_json(obstacle) if obstacle else CONNECTING
    if last_answer(home) is not None:
        return obstacle_of_answers(home)
    return next(map(Finding.from_json, report.get("notes", [])), None)


def _standing(report: dict[str, Any]) -> str:
    if report["connected"]:
        return f"connected to {report['server']} since {report['since']}"
    if report["cause"] == Cause.KILLED:
        return f"not supervised; its programs may be connected to {report['server']}"
    state = "running" if report["running"] else "not running"
    before = f"; {report['before']}" if report["before"] else ""
    return f"{state}, not connected to {report['server']}{before}"


def _last_round(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "none yet"
    code = f" ({answer['code']})" if answer["code"] else ""
    about = f", encoder {answer['encoder'][:SHOWN]}" if answer["encoder"] else ""
    words = ANSWERS.get(
        answer["answer"], "held back by the guard" if answer["answer"] == HELD_BACK else answer["answer"]
    )
    return f"round {answer['round']}, {answer['task']}: {words}{code}, {answer['time']}{about}"


def _vault(home: AgentHome, settings: AgentSettings) -> str:
    source = settings.key_source(home)
    if source is None:
        return "none: heads are plain files; graft-client vault make, then vault-key in the settings"
    return f"sealed; {source} opens it" if is_vault(home.vault) else "made at the next start"


def _release(home: AgentHome, settings: AgentSettings) -> dict[str, Any]:
    """Which release is installed, and what came of the last look for one; no words where nobody asked for any."""
    place = ReleasesPlace(home.releases)
    try:
        installed = read_installed(place.installed)
    except ConfigError as error:
        return {"version": None, "looked": None, "refused": {}, "words": str(error)}
    is_wanted = place.pinned_root.exists() or settings.update_every
    return {
        "version": installed.current or None,
        "looked": asdict(installed.looked) if installed.looked else None,
        "refused": installed.to_json()["refused"],
        "words": _release_words(place, installed, settings.update_every) if is_wanted else "",
    }


def _release_words(place: ReleasesPlace, installed: Installed, hours: float) -> str:
    looked, begun = installed.looked, installed.begun
    words = [
        f"{installed.current} is installed" if installed.current else "none is installed",
        f"last looked {looked.time}: {looked.outcome}" if looked else "",
        f"an update runs now, as process {place.at_work()}" if place.at_work() else "",
        f"a change to {named(begun.version)} was cut off; the next update or roll-back ends it" if begun else "",
        f"looks every {hours:g} hours" if hours else "looks when graft-client update is run",
        "" if place.pinned_root.exists() else "nobody has said yet whose releases to trust (--root FILE)",
    ]
    return "; ".join(filter(None, words))


def _tasks(home: AgentHome) -> str:
    """By which key the coordinator signs them."""
    try:
        key = pinned_key(str(home.authority))
    except ConfigError as error:
        return str(error)
    if key is None:
        return f"not checked: {home.authority.name} holds no key; take tls/ca.crt of the coordinator's folder anew"
    return f"checked; the coordinator's key is {fingerprint(key)}"


def _parties(home: AgentHome, settings: AgentSettings) -> str:
    """Who is known for secure sums, and who waits to be accepted; empty before any, and where the vault is closed."""
    try:
        parties = own_party(home, settings).parties
    except GraftError:
        return ""
    known = f"{len(parties.known)} known for secure sums" if parties.known or parties.waiting else ""
    return "; ".join(filter(None, [known, waiting_words(parties, home)]))


def _adaptation(home: AgentHome) -> dict[str, Any]:
    """How far a drift of its lists has been followed; empty before the first look, and where the vault is closed."""
    try:
        seen = read_seen(open_heads(*heads_and_key(home.folder, None, "")))
    except GraftError:
        return {}
    return {} if seen is None else seen.state.to_json()


def _left(home: AgentHome) -> dict[str, int]:
    """What has left the platform so far, by its ledger."""
    lines = Ledger(home.ledger).lines()[0] if home.ledger.exists() else []
    left = [line.bytes for line in lines if not line.held_back]
    return {"answers": len(left), "bytes": sum(left)}


def _last_line(home: AgentHome) -> str:
    """Of the SuperNode's log, which names connections and tasks and no data."""
    path = home.logs / "supernode.log"
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        lines = _COLOUR.sub("", stream.read().decode("utf-8", "replace")).splitlines()
    words = [" ".join(line.split()) for line in lines if line.strip()]
    return words[-1] if words else ""
