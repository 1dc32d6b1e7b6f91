"""The search for what must never stand outside a vault: the texts of a platform's items, and its users' ids."""

import re
import struct
from collections.abc import Iterable
from pathlib import Path

from client.data.source import read_platform_data
from client.rounds.workspace import NodeSettings
from client.store.head_store import open_records


def canaries(source: Path) -> list[re.Pattern[bytes]]:
    """Each text; each user's id as digits, and what all ids have in common where they are integers of 64 bits.

    Texts and digits of one platform begin alike, which makes the search of large files quick.
    """
    folder = read_platform_data(source)
    users = sorted(set(folder.events["user_id"].to_list()))
    words = [[text.encode("utf-8") for text in folder.items["text"].to_list()]]
    words += [[str(user).encode("ascii") for user in users]]
    words += [[struct.pack("<q", user)[2:]] for user in (users[0], users[-1])]
    words += [[struct.pack(">q", user)[:6]] for user in (users[0], users[-1])]
    return [re.compile(b"|".join(map(re.escape, sorted(one)))) for one in words]


def found(patterns: Iterable[re.Pattern[bytes]], folder: Path) -> list[str]:
    """The files of a folder that hold one."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, f"{folder}: nothing was searched"
    contents = ((path, path.read_bytes()) for path in files)
    return sorted(
        str(path.relative_to(folder)) for path, content in contents if any(one.search(content) for one in patterns)
    )


def unsealed(node: NodeSettings, folder: Path) -> Path:
    """The records of a platform's vault, opened into a folder."""
    folder.mkdir()
    records = open_records(Path(node.heads), node.vault_key)
    for name in records.names():
        (folder / name).write_bytes(records.read(name) or b"")
    return folder
