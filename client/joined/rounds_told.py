"""What a joined device tells its user of rounds: whether it takes part, what left and how much of it."""

from collections.abc import Mapping
from typing import Any

from client.agent.connection import known_since
from client.guard.device_policy import DevicePolicy
from client.guard.ledger import Ledger, said
from client.guard.site_policy import read_policy
from client.joined.home import JoinedHome, JoinedSettings
from client.joined.keeping import RESTS, sent_on, supervision
from client.privacy.accounts import Accounts, machine_place
from client.store.head_store import open_heads
from shared.privacy.gaussian import epsilon_of
from shared.system.settings_file import read_settings
from shared.system.utc_clock import utc_now

ANSWER = "sum-reply"


def rounds(home: JoinedHome) -> dict[str, Any]:
    """How a device that joined stands.

    Args:
        home: of the device.

    Returns:
        As JSON takes it: coordinator, name, whether it runs, rests or is connected, rounds and bytes.

    Raises:
        ConfigError: if settings or ledger cannot be read.
    """
    settings, supervised = read_settings(JoinedSettings, home.settings), supervision(home)
    running = supervised.running()
    report = supervised.report() if running else {}
    lines = Ledger(home.ledger).lines()[0] if home.ledger.exists() else []
    answers = [line for line in lines if line.kind == ANSWER]
    obstacle = report.get("obstacle") or {}
    return {
        "server": settings.server,
        "name": settings.name,
        "running": running,
        "connected": bool(report.get("connected")),
        "since": known_since(home),
        "rests": report.get(RESTS, ""),
        "why": obstacle.get("why", ""),
        "do": obstacle.get("do", ""),
        "rounds": len({line.encoder for line in answers if line.encoder}),
        "answers": len(lines),
        "bytes": sum(line.bytes for line in lines),
        "bytes_today": sent_on(home, utc_now().date().isoformat()),
        **spent(home, settings),
        "last": f"{lines[-1].time} {said(lines[-1])}" if lines else "",
    }


def rounds_lines(standing: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"rounds: {_doing(standing)}"]
    if standing["why"]:
        lines += [f"why: {standing['why']}", f"what to do: {standing['do']}"]
    gave = f"gave to the sums of {standing['rounds']:,} rounds; {standing['answers']:,} answers"
    lines.append(f"{gave}, {standing['bytes']:,} bytes have left, {standing['bytes_today']:,} of them today")
    if standing["privacy"] == "masked-private" or standing["spent_epsilon"]:
        promised = f"ε {standing['epsilon']:g} at δ {standing['delta']:g}"
        lines.append(f"promised is {promised}; ε {standing['spent_epsilon']:.3g} of it is spent")
    return lines


def spent(home: JoinedHome, settings: JoinedSettings) -> dict[str, Any]:
    """What was promised to the device's user, and what of it is spent.

    Args:
        home: of a device that joined.
        settings: of rounds.

    Returns:
        As JSON takes it: mode, ε, δ and the ε that all noised sums so far come to.

    Raises:
        ConfigError: if the policy cannot be read.
        StorageError: if the account cannot be read.
        PrivacyError: if the account was changed.
    """
    node = settings.node(home)
    policy = read_policy(node.policy, DevicePolicy)
    heads = open_heads(home.device.vault, node.vault_key)
    account = Accounts(machine_place(home.device.folder), heads).read()
    return {
        "privacy": policy.privacy,
        "epsilon": policy.epsilon,
        "delta": policy.delta,
        "spent_epsilon": epsilon_of(account.most, policy.delta) if account.most else 0.0,
    }


def _doing(standing: Mapping[str, Any]) -> str:
    if not standing["running"]:
        return f"{standing['name']} does not run: graft-device start"
    if standing["rests"]:
        return f"{standing['name']} rests: {standing['rests']}"
    if standing["connected"]:
        return f"{standing['name']} is connected to {standing['server']} since {standing['since']}"
    return f"{standing['name']} runs, and is not connected to {standing['server']}"


def left(home: JoinedHome) -> list[str]:
    """Every answer that left, in words.

    Args:
        home: of a device that joined.

    Returns:
        A line for each, the earliest first.

    Raises:
        ConfigError: if the ledger cannot be read.
    """
    if not home.ledger.exists():
        return []
    return [f"{line.time} {said(line)}" for line in Ledger(home.ledger).lines()[0]]
