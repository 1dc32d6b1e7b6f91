"""Releases at the door: files of the repository, read only, whole or one range of bytes.

A name passes only where it is one that a repository of ours has: no other file of the coordinator can be asked for. Who
reaches the door may read releases, as TUF has it: what keeps them right is that they are signed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

_METADATA = re.compile(rb"/releases/metadata/((?:[0-9]{1,9}\.(?:root|snapshot|targets)|root|timestamp)\.json)")
_TARGET = re.compile(
    rb"/releases/targets/([0-9a-f]{64}\.encoder-[0-9]{1,9}\.(?:safetensors|manifest\.json|statement\.json))"
)
_RANGE = re.compile(r"bytes=(?:[0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})")
_CHANGES = ("timestamp.json", "root.json")
"""names under which other bytes come later; all other files bear a version or a digest"""
_FOREVER, _ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"


@dataclass(frozen=True)
class ReleaseDoor:
    """Answers requests for the files in one folder."""

    folder: Path
    """of the repository; it need not be there yet"""

    def has(self, path: bytes) -> Path | None:
        """The file that a path of a URL, undecoded, asks for; None where it is no file of releases."""
        for pattern, folder in ((_METADATA, "metadata"), (_TARGET, "targets")):
            if name := pattern.fullmatch(path):
                file = self.folder / folder / name[1].decode("ascii")
                return file if file.is_file() else None
        return None

    async def answer(self, file: Path, request: Request) -> Response:
        """A file's bytes.

        Args:
            file: as of ``has``.
            request: of it; its header ``Range`` may ask for one range.

        Returns:
            The answer: 200, 206 or 416.
        """
        if file.name in _CHANGES:  # at once: it may be replaced while it is read
            return Response(await run_sync(file.read_bytes), 200, {"cache-control": _ASK_AGAIN}, "application/json")
        if not _RANGE.fullmatch(request.headers.get("range", "bytes=0-")):
            return PlainTextResponse("one range of bytes at a time", 416)
        kind = "application/json" if file.suffix == ".json" else "application/octet-stream"
        return FileResponse(file, headers={"cache-control": _FOREVER}, media_type=kind)
