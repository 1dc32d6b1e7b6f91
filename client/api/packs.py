"""Catalogue packs for a platform's devices."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.agent.private_part import heads_and_key
from client.device.pack import CataloguePack, content_of
from client.device.pack_delta import delta_content
from client.device.signed_file import DELTA, HEAD, PACK, SIGNATURE, SignedFile, signed
from client.packing.catalogue_pack import unsigned_pack
from client.packing.pack_signer import PackSigner
from client.packing.thinned import thinned
from client.recommender.served_head import read_served
from client.store.head_store import open_heads
from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import write_whole


@dataclass(frozen=True, kw_only=True)
class MadePack:
    """What was written."""

    version: int
    items: int
    size: int
    """bytes of the file"""
    key: str
    """64 hexadecimal digits of the platform's public key"""


def make_pack(
    agent: Path | None,
    heads: Path | None,
    out: Path,
    *,
    since: Path | None = None,
    whole: Path | None = None,
    least_users: int = 10,
    vault_key: str = "",
) -> MadePack:
    """Write the pack of what a platform serves, or what leads to it from an earlier one.

    Args:
        agent: an agent's folder; None where ``heads`` is given.
        heads: a folder of heads; None where ``agent`` is given.
        out: the file that is written.
        since: the pack that devices have; None: the whole pack is written.
        whole: where the whole pack is written beside the delta; None: nowhere.
        least_users: fewest users behind a count that is told.
        vault_key: what opens the heads, ``KIND:WHERE``; empty: plain files, or the agent's own key.

    Returns:
        What was written to ``out``.

    Raises:
        ConfigError: if not exactly one folder is given, or a file cannot be written.
        PackRefused: if ``since`` is no pack of this platform.
        StorageError: if nothing is served, or the folder does not open.
    """
    if whole is not None and since is None:
        raise ConfigError("whole goes with --since; without it --out is the whole pack")
    store = open_heads(*heads_and_key(agent, heads, vault_key))
    served = read_served(store)
    known = PackSigner.of(store)
    earlier = None if since is None else CataloguePack.open(since, bytes.fromhex(known.public))
    signer = known.next(0 if earlier is None else earlier.version)
    unsigned = unsigned_pack(thinned(served, least_users), signer.version, least_users)
    content = content_of(unsigned.arrays, unsigned.facts)
    pack = _signed(PACK, content, signer.key)
    signer.write(store)
    if earlier is None:
        written = pack
    else:
        later = CataloguePack.of(_as_signed(pack, bytes.fromhex(signer.public)), str(out))
        written = _signed(DELTA, delta_content(earlier, later), signer.key)
        if whole is not None:
            _write(whole, pack)
    _write(out, written)
    return MadePack(version=signer.version, items=len(served.items.item_ids), size=len(written), key=signer.public)


def _signed(kind: bytes, content: bytes, key: Ed25519PrivateKey) -> bytes:
    return signed(kind, hashlib.sha256(content).digest(), key) + content


def _as_signed(pack: bytes, key: bytes) -> SignedFile:
    """As a device opens it."""
    return SignedFile(kind=PACK, key=key, signature=pack[HEAD - SIGNATURE : HEAD], content=memoryview(pack)[HEAD:])


def _write(path: Path, content: bytes) -> None:
    with os_error_as(ConfigError, f"{path}: cannot be written"):
        write_whole(path, content)
