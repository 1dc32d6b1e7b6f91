"""What an agent is doing: its processes, where its coordinator is, and the last words of the engine's log."""

import re
from typing import Any

from client.agent.home import AgentHome, AgentSettings
from client.agent.programs import supervision
from client.guard.ledger import Ledger
from client.store.vault import is_vault
from shared.system.processes.supervision import TROUBLES
from shared.system.settings_file import read_settings

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TAIL = 4096


def status(home: AgentHome) -> dict[str, Any]:
    """All of it as plain values."""
    settings, supervised = read_settings(AgentSettings, home.settings), supervision(home)
    running = supervised.running()
    return {
        "name": settings.name,
        "server": settings.server,
        "running": running,
        "processes": supervised.report().get("processes", []) if running else [],
        TROUBLES: supervised.report().get(TROUBLES, {}) if running else {},
        "last": _last_line(home) if running else "",
        "vault": _vault(home, settings),
        "left": _left(home),
    }


def status_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"{found['name']}: {'running' if found['running'] else 'not running'}, for {found['server']}"]
    for one in found["processes"]:
        doing = f"process {one['pid']}" if one["pid"] else "waiting to be started again"
        lines.append(f"  {one['name']}: {doing}, started again {one['restarts']} times")
    lines += [f"  trouble, {name}: {why}" for name, why in found[TROUBLES].items()]
    left = found["left"]
    lines += [
        f"vault: {found['vault']}",
        f"left: {left['answers']:,} answers, {left['bytes']:,} bytes; graft-client audit",
    ]
    return [*lines, *([f"last: {found['last']}"] if found["last"] else [])]


def _vault(home: AgentHome, settings: AgentSettings) -> str:
    source = settings.key_source(home)
    if source is None:
        return "none: heads are plain files; graft-client vault make, then vault-key in the settings"
    return f"sealed; {source} opens it" if is_vault(home.vault) else "made at the next start"


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
