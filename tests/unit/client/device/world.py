"""Packs of the small served head, made without a fit, as files that a device takes."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.device.pack import CataloguePack, content_of
from client.device.signed_file import PACK, signed
from client.packing.catalogue_pack import unsigned_pack
from client.packing.thinned import thinned
from client.recommender.served_head import ServedHead
from tests.unit.client.recommender.served_world import served_world

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PUBLIC = KEY.public_key().public_bytes_raw()


def counted(served: ServedHead) -> ServedHead:
    """A head that tells whose events it counts, as one that was fitted does."""
    return replace(served, users=replace(served.users, counted=np.ones(len(served.users.sequences), bool)))


def write_pack(
    path: Path,
    served: ServedHead | None = None,
    *,
    least_users: int = 1,
    version: int = 1,
    key: Ed25519PrivateKey = KEY,
) -> CataloguePack:
    """The pack of a head, written and opened again."""
    rest = thinned(counted(served_world() if served is None else served), least_users)
    unsigned = unsigned_pack(rest, version, least_users)
    write_signed(path, content_of(unsigned.arrays, unsigned.facts), PACK, key)
    return CataloguePack.open(path)


def write_signed(path: Path, content: bytes, kind: bytes, key: Ed25519PrivateKey = KEY) -> None:
    """A signed file of any content."""
    path.write_bytes(signed(kind, hashlib.sha256(content).digest(), key) + content)
