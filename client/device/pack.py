"""A catalogue pack: all that a device needs of its platform to list items on its own, in one signed file.

n items, D numbers of a content vector, E entries of a matrix, K nearest others of an item.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.device.ragged_rows import RaggedRows, texts_of
from client.device.signed_file import PACK, SignedFile, open_signed
from shared.encoder.array_towers import ArrayTowers
from shared.errors import PackRefused
from shared.system.array_file import NotAnArrayFile, array_file, header_length, parse_places

FORMAT = "graft-pack/1"
Arrays = Mapping[str, NDArray[Any]]
"""By name: what begins with ``item.`` is [n, ...] by item, with ``rows.`` ragged by item, with ``grams.`` by gram; an
array whose name ends in ``.items`` holds rows of items."""
Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class CataloguePack:
    """An opened one."""

    key: bytes
    """32 bytes of the platform's public key"""
    signature: bytes
    facts: Mapping[str, Any]
    arrays: Arrays

    @classmethod
    def open(cls, path: Path, key: bytes | None = None) -> "CataloguePack":
        """Open a pack's file; its numbers stay on the disk until they are touched.

        Args:
            path: the file.
            key: 32 bytes of the only public key that may have signed; None takes any.

        Returns:
            The pack.

        Raises:
            PackRefused: if it is no pack, or not signed by the key, or one bit of it is another.
        """
        file = open_signed(path, key)
        if file.kind != PACK:
            raise PackRefused(f"{path}: expected a catalogue pack; found a delta, which leads from one to the next")
        return cls.of(file, str(path))

    @classmethod
    def of(cls, file: SignedFile, where: str) -> "CataloguePack":
        """Of a signed file.

        Args:
            file: whose signature holds.
            where: what errors call it.

        Returns:
            The pack.

        Raises:
            PackRefused: if it holds no pack, or one of a later version of Graft.
        """
        arrays, facts = read_content(file.content, where)
        if facts.get("format") != FORMAT:
            raise PackRefused(f"{where}: expected a pack of the format {FORMAT}; found {facts.get('format')!r}")
        return cls(key=file.key, signature=file.signature, facts=facts, arrays=arrays)

    @property
    def content(self) -> bytes:
        """The array file, byte for byte as it was signed."""
        return content_of(self.arrays, self.facts)

    @property
    def version(self) -> int:
        """Higher in each pack that a platform makes."""
        return int(self.facts["version"])

    @cached_property
    def item_ids(self) -> list[str]:
        """[n]."""
        return texts_of(self.rows("rows.ids"))

    @cached_property
    def row_of_item(self) -> Mapping[str, int]:
        """Item id to its row."""
        return {item: row for row, item in enumerate(self.item_ids)}

    def titles(self, items: NDArray[Any]) -> list[str]:
        """What items [M] are called, in the order that is asked for; empty where nobody says."""
        return texts_of(self.rows("rows.titles").taken(np.asarray(items, np.int64)))

    def rows(self, name: str) -> RaggedRows:
        """The ragged rows of a name; raises KeyError where there are none."""
        return RaggedRows.under(name, self.arrays)

    @cached_property
    def towers(self) -> Mapping[str, ArrayTowers]:
        """History towers by the part that they are of."""
        numbers: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in self.arrays.items():
            if name.startswith("tower."):
                _, part, parameter = name.split(".", 2)
                numbers.setdefault(part, {})[parameter] = array
        return {part: ArrayTowers(parameters) for part, parameters in numbers.items()}

    @property
    def prior(self) -> Float32:
        """[n] log of one more than the users who met an item, of as many as the platform tells."""
        return np.asarray(np.log1p(self.arrays["item.users"]), np.float32)


def content_of(arrays: Arrays, facts: Mapping[str, Any]) -> bytes:
    """The array file of a pack or a delta: the same bytes for the same content.

    Args:
        arrays: by name.
        facts: as JSON takes them.

    Returns:
        Its bytes.
    """
    return array_file(arrays, {"facts": json.dumps(dict(facts), sort_keys=True)})


def read_content(content: memoryview, where: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read an array file in memory, or mapped to it.

    Args:
        content: of the file.
        where: what errors call it.

    Returns:
        Arrays by name, which share the content's memory, and facts.

    Raises:
        PackRefused: if it is no such file.
    """
    try:
        places, texts = parse_places(bytes(content[: header_length(bytes(content[:8]))]), len(content))
        facts = json.loads(texts["facts"])
    except (NotAnArrayFile, KeyError, ValueError) as error:
        raise PackRefused(f"{where}: expected arrays and facts behind the signature; found something else") from error
    arrays = {
        name: np.frombuffer(content, place.dtype, int(np.prod(place.shape)), place.start).reshape(place.shape)
        for name, place in places.items()
    }
    return arrays, dict(facts)
