"""Fetching files of a repository of releases: in chunks, at a lowest rate, and going on where an earlier try ended.

python-tuf asks for files through it and bounds their length; what came is verified there, never here. A file of a
release that is cut off is kept as a part, by its name, which bears its digest: the next try, from whatever source, goes
on behind it. Who finds that a whole part is not what it should be throws it away (``forget``).
"""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpcore
from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from client.releases.pace import USUAL, Meter, MeteredBackend, Pace
from client.releases.source import Source

CHUNK = 64 * 1024
_MOST_REDIRECTS = 5
_OK, _PARTIAL, _NOT_THERE, _NO_SUCH_RANGE = 200, 206, 404, 416
_REDIRECTS = (301, 302, 303, 307, 308)
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    ssl.SSLError,
    OSError,
)


class ReleaseFetcher(FetcherInterface):
    """Fetches from several sources, by the beginning of an address."""

    def __init__(
        self, sources: Sequence[Source], parts: Path, pace: Pace = USUAL, meter: Callable[[Pace], Meter] = Meter
    ) -> None:
        """Fetch from these sources and no other.

        Args:
            sources: where repositories are.
            parts: folder of the files that were begun.
            pace: how slowly a source may send.
            meter: begins to measure a file.
        """
        self._sources, self._parts, self._pace, self._meter = tuple(sources), parts, pace, meter

    def part(self, name: str) -> Path:
        """Where what has come of a file of a release is kept.

        Args:
            name: of the file, with its digest.
        """
        return self._parts / f"{name}.part"

    def forget(self, name: str) -> None:
        """Throw away what has come of a file of a release; raises OSError."""
        self.part(name).unlink(missing_ok=True)

    def _fetch(self, url: str) -> Iterator[bytes]:
        source = next(source for source in self._sources if url.startswith(source.address))
        try:
            if url.startswith(source.targets):
                yield from self._continued(source, url, self.part(url.rpartition("/")[2]))
            else:
                with self._opened(source, url, 0) as (_, chunks):
                    yield from chunks
        except _FAILURES as error:
            raise DownloadError(_reason(error)) from error

    def _continued(self, source: Source, url: str, part: Path) -> Iterator[bytes]:
        """What has come before, then the rest, which is kept as it comes."""
        part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with part.open("a+b") as stream:
            stream.seek(0)
            yield from iter(lambda: stream.read(CHUNK), b"")
            begun = stream.tell()
            with self._opened(source, url, begun) as (begins, chunks):
                for chunk in _behind(chunks, begun - begins):
                    stream.write(chunk)
                    yield chunk

    @contextmanager
    def _opened(self, source: Source, url: str, begin: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """From which byte on it comes, and the bytes."""
        meter = self._meter(self._pace)
        if source.trust is None:
            with _opened_file(Path(unquote(urlsplit(url).path)), begin, meter) as chunks:
                yield begin, chunks
        else:
            with _pool(source, source.trust, meter) as pool, _answer(pool, url, begin) as answer:
                yield _begins(answer, begin), _body(answer)


def _behind(chunks: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    """The bytes but for the first so many."""
    for chunk in chunks:
        if len(chunk) > skipped:
            yield chunk[skipped:]
        skipped = max(0, skipped - len(chunk))


@contextmanager
def _opened_file(path: Path, begin: int, meter: Meter) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as stream:
            stream.seek(begin)
            yield _metered(iter(lambda: stream.read(CHUNK), b""), meter)
    except FileNotFoundError as error:
        raise DownloadHTTPError(f"{path.name} is not there", _NOT_THERE) from error


def _metered(chunks: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    for chunk in chunks:
        meter.count(len(chunk))
        meter.wait_seconds()
        yield chunk


def _pool(source: Source, trust: ssl.SSLContext, meter: Meter) -> httpcore.ConnectionPool:
    backend = MeteredBackend(meter)
    if source.http_proxy:
        return httpcore.HTTPProxy(source.http_proxy, ssl_context=trust, network_backend=backend)
    return httpcore.ConnectionPool(ssl_context=trust, network_backend=backend)


@contextmanager
def _answer(pool: httpcore.ConnectionPool, url: str, begin: int) -> Iterator[httpcore.Response]:
    """The answer to a GET, redirects followed as long as they are HTTPS; raises DownloadHTTPError for a refusal."""
    headers: dict[bytes | str, bytes | str] = {
        "Accept-Encoding": "identity",
        **({"Range": f"bytes={begin}-"} if begin else {}),
    }
    for _ in range(_MOST_REDIRECTS + 1):
        with pool.stream("GET", url, headers=headers) as answer:
            if answer.status not in _REDIRECTS:
                _require_content(answer, url, begin)
                yield answer
                return
            url = _next(url, answer)
    raise DownloadError(f"it redirects more than {_MOST_REDIRECTS} times")


def _next(url: str, answer: httpcore.Response) -> str:
    further = urljoin(url, _header(answer, b"location"))
    if urlsplit(further).scheme != urlsplit(url).scheme:
        raise DownloadError(f"it redirects to {urlsplit(further).scheme or 'nothing'}, and only https is followed")
    return further


def _require_content(answer: httpcore.Response, url: str, begin: int) -> None:
    whole = (_OK, _PARTIAL, _NO_SUCH_RANGE) if begin else (_OK,)
    if answer.status not in whole:
        name = url.rpartition("/")[2]
        raise DownloadHTTPError(f"the answer for {name} has the status {answer.status}", answer.status)


def _begins(answer: httpcore.Response, begin: int) -> int:
    """From which byte on the body is; raises DownloadError where it is neither all nor what was asked for."""
    if answer.status == _OK:
        return 0
    if answer.status == _PARTIAL and not _header(answer, b"content-range").startswith(f"bytes {begin}-"):
        raise DownloadError(f"expected the bytes from {begin} on; found {_header(answer, b'content-range')[:60]!r}")
    return begin


def _body(answer: httpcore.Response) -> Iterator[bytes]:
    """No more comes where all of it was there before."""
    return iter(()) if answer.status == _NO_SUCH_RANGE else answer.iter_stream()


def _header(answer: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), "")


def _reason(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "nothing came for too long"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).splitlines()[0]
