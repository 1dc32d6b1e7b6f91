"""What platforms keep secret of secure sums, looked for where it must not be."""

from collections.abc import Iterator
from pathlib import Path

from client.rounds.own_party import SUM_KEY, SUM_STATE
from client.store.head_store import StoredRecord
from shared.secure_sum.party_state import PartyState
from tests.integration.deployed.deployment import Deployment
from tests.integration.deployed.kill_trial import NAMES, store_of

LEAST = 16
"""bytes of a secret that are looked for at once"""


def secrets_of(agent: Path) -> set[bytes]:
    """Key for sums, seeds and keys of sums that are not yet over, and shares of others'."""
    store = store_of(agent)
    key, state = (_bytes(store.read(name)) for name in (SUM_KEY, SUM_STATE))
    found = {key}
    if state:
        party = PartyState.from_bytes(state)
        if party.secrets is not None:
            found.add(party.secrets.encryption)
            for one in party.secrets.sums:
                found |= {one.mask, one.self_mask, one.noise}
        for shares in party.held.values():
            found |= {shares[at : at + 33] for at in range(0, len(shares), 33)}
    return {one for one in found if len(one) >= LEAST and any(one)}


def require_no_secret_outside(made: Deployment) -> int:
    """How many secrets were looked for, in every log and in every file of the coordinator; fails where one stands."""
    secrets = set[bytes]().union(*(secrets_of(made.agent(name)) for name in NAMES))
    assert len(secrets) >= len(NAMES)
    for path, content in _outside(made):
        for one in secrets:
            assert one not in content, path
            assert one.hex().encode("ascii") not in content, path
    return len(secrets)


def _outside(made: Deployment) -> Iterator[tuple[Path, bytes]]:
    folders = [made.server, *(made.agent(name) / "logs" for name in NAMES)]
    for path in (path for folder in folders for path in folder.rglob("*")):
        try:
            yield path, path.read_bytes()
        except OSError:
            continue  # a folder, a socket, or a file that went meanwhile


def _bytes(stored: StoredRecord | None) -> bytes:
    return b"" if stored is None else stored.arrays["bytes"].tobytes()
