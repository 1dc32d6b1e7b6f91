"""The search for what must never stand outside a vault: the texts of a platform's items, and its users' ids."""

import re
import struct
from collections.abc import Iterable
from pathlib import Path

from client.data.source import read_platform_data
from client.recommender.head_store import open_records
from client.workspace import NodeSettings


def canaries(source: Path) -> re.Pattern[bytes]:
    """Each text; each user's id as digits and as a database or an array of integers holds it (64 bits)."""
    folder = read_platform_data(source)
    texts = [text.encode("utf-8") for text in folder.items["text"].to_list()]
    users = sorted(set(folder.events["user_id"].to_list()))
    ids = [str(user).encode("ascii") for user in users]
    packed = [struct.pack(order, user) for user in users for order in ("<q", ">q")]
    return re.compile(b"|".join(map(re.escape, (*texts, *ids, *packed))))


def found(pattern: re.Pattern[bytes], folder: Path, *, but: Iterable[str] = ()) -> list[str]:
    """The files of a folder that hold one, those under the folders ``but`` left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in but]
    assert files, f"{folder}: nothing was searched"
    return sorted(str(path.relative_to(folder)) for path in files if pattern.search(path.read_bytes()))


def unsealed(node: NodeSettings, folder: Path) -> Path:
    """The records of a platform's vault, opened into a folder."""
    folder.mkdir()
    records = open_records(Path(node.heads), node.vault_key)
    for name in records.names():
        (folder / name).write_bytes(records.read(name) or b"")
    return folder
