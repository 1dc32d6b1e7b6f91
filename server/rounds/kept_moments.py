"""A run's moments in a file of their own: they are much larger than an encoder, and change once in a run.

The file is named by the digest of what is in it, so a checkpoint that names it can be replaced in one step.
"""

from collections.abc import Mapping
from pathlib import Path

from shared.encoder.linear import Float64, Moments
from shared.errors import CheckpointError
from shared.system.array_digest import array_digest
from shared.system.array_file import NotAnArrayFile, array_file, read_array_file
from shared.system.whole_file import write_whole


class KeptMoments:
    """The moments in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: Mapping[str, Moments] = {}
        self._digest = ""

    def keep(self, moments: Mapping[str, Moments]) -> str:
        """Their digest, empty where there are none; they are on the disk when this returns. Raises OSError."""
        if moments is not self._last:
            self._digest = self._written(moments) if moments else ""
            self._last = moments
        return self._digest

    def keep_only(self, digest: str) -> None:
        """Remove what an earlier checkpoint named."""
        for path in self._folder.glob("moments-*.safetensors"):
            if path != self._path(digest):
                path.unlink(missing_ok=True)

    def read(self, digest: str, dim: int) -> dict[str, Moments]:
        """What was kept under the digest, by platform; raises CheckpointError where it is not there or not whole."""
        if not digest:
            return {}
        path = self._path(digest)
        try:
            flat, _texts = read_array_file(path)
        except (NotAnArrayFile, OSError) as error:
            raise CheckpointError(f"{path}: the moments that the checkpoint names are missing or not whole") from error
        if array_digest(flat, "") != digest:
            raise CheckpointError(f"{path}: damaged, its digest does not match")
        return {name: Moments.from_flat(values, dim) for name, values in sorted(flat.items())}

    def _written(self, moments: Mapping[str, Moments]) -> str:
        flat: dict[str, Float64] = {name: one.to_flat() for name, one in sorted(moments.items())}
        digest = array_digest(flat, "")
        if not self._path(digest).exists():
            write_whole(self._path(digest), array_file(flat, {}))
        return digest

    def _path(self, digest: str) -> Path:
        return self._folder / f"moments-{digest[:16]}.safetensors"
