"""Which release is current: what TUF's metadata say, verified by python-tuf against the pinned root.

Its client workflow is the specification's (TUF 1.0, section 5): the chain of roots, timestamp, snapshot, targets, each
with its signatures, threshold, version and expiry. Several sources stand in for each other, in their order.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, TargetFile, Targets
from tuf.ngclient import Updater

from client.releases.fetcher import ReleaseFetcher
from client.releases.place import ReleasesPlace
from client.releases.source import Source
from shared.errors import ConfigError, ReleaseRefused, os_error_as

_REFUSALS: tuple[tuple[type[Exception], str, str], ...] = (
    (exceptions.DownloadLengthMismatchError, "too-long", "it sends more than was signed"),
    (exceptions.SlowRetrievalError, "too-slow", "it is given up"),
    (exceptions.DownloadError, "unreachable", "it cannot be fetched from"),
    (exceptions.UnsignedMetadataError, "signatures", "fewer of the keys that count have signed than must"),
    (exceptions.ExpiredMetadataError, "expired", "nobody vouches any more that this is the newest"),
    (
        exceptions.BadVersionNumberError,
        "versions",
        "what it offers is older than what was seen before, or does not belong together",
    ),
    (exceptions.LengthOrHashMismatchError, "tampered", "a file is not the one that was signed"),
    (exceptions.RepositoryError, "metadata", "its metadata cannot be trusted"),
)
"""python-tuf's errors, the special before the general; the code of each, and what it means"""
_WRONG = (exceptions.LengthOrHashMismatchError, exceptions.DownloadLengthMismatchError)
_LEFT = "tmp*"
"""what python-tuf leaves of a file where its process was killed as it wrote it"""


@dataclass(frozen=True, kw_only=True)
class TrustedView:
    """What one source says, verified."""

    sources: tuple[Source, ...]
    """that one first, then those that may have the same files"""
    targets: Targets
    """signed by the keys that the root names"""
    updater: Updater
    fetcher: ReleaseFetcher


def first_trusted(place: ReleasesPlace, root: bytes, sources: Sequence[Source], fetcher: ReleaseFetcher) -> TrustedView:
    """Look at the sources until one of them holds.

    Args:
        place: where the platform keeps what is trusted.
        root: the pinned one.
        sources: in the order in which they are asked; at least one.
        fetcher: of these sources.

    Returns:
        What the first source says that can be reached and trusted.

    Raises:
        ReleaseRefused: if none holds; with the code of the first.
        ConfigError: if nothing can be written there.
    """
    refusals: list[ReleaseRefused] = []
    for source in sources:
        try:
            updater, targets = _looked_at(place, root, source, fetcher)
        except ReleaseRefused as refusal:
            refusals.append(refusal)
        else:
            others = (other for other in sources if other != source)
            return TrustedView(sources=(source, *others), targets=targets, updater=updater, fetcher=fetcher)
    raise _joined(refusals)


def read_root(path: Path) -> bytes:
    """The root that says whose releases to trust, as the coordinator's operator gave it; raises InputError."""
    with os_error_as(ConfigError, f"{path}: cannot be read"):
        root = path.read_bytes()
    try:
        metadata = Metadata[Root].from_bytes(root)
        if metadata.signed.type != Root.type:
            raise exceptions.RepositoryError(f"it is a {metadata.signed.type}")
        metadata.signed.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    except exceptions.RepositoryError as error:
        what = f"{path}: expected the root of releases, signed by its own keys; {_short(error)}"
        raise ReleaseRefused(what, code="signatures") from error
    return root


def fetch(view: TrustedView, target: TargetFile, path: Path) -> None:
    """Fetch a file of a release; what is there is as long as was signed, and has the digest that was signed.

    Args:
        view: what is trusted.
        target: the file, as TUF knows it.
        path: where it is written; one that is there already and right stays.

    Raises:
        ReleaseRefused: if no source has it; with the code of the first.
    """
    if view.updater.find_cached_target(target, str(path)) is not None:
        return None
    refusals: list[ReleaseRefused] = []
    for source in view.sources:
        try:
            with refused_at(source):
                return _fetched_from(source, view, target, path)
        except ReleaseRefused as refusal:
            refusals.append(refusal)
    raise _joined(refusals)


def _fetched_from(source: Source, view: TrustedView, target: TargetFile, path: Path) -> None:
    """What turns out wrong is thrown away; where an earlier try had begun it, it is fetched anew, once."""
    part = f"{next(iter(target.hashes.values()))}.{target.path}"
    was_begun = view.fetcher.part(part).exists()
    try:
        view.updater.download_target(target, str(path), source.targets)
    except _WRONG:
        view.fetcher.forget(part)
        if not was_begun:
            raise
        return _fetched_from(source, view, target, path)
    view.fetcher.forget(part)
    return None


def _looked_at(place: ReleasesPlace, root: bytes, source: Source, fetcher: ReleaseFetcher) -> tuple[Updater, Targets]:
    with refused_at(source), os_error_as(ConfigError, f"{place.trusted}: cannot be written"):
        place.trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in place.trusted.glob(_LEFT):
            left.unlink(missing_ok=True)
        updater = Updater(str(place.trusted), source.metadata, fetcher=fetcher, bootstrap=root)
        updater.refresh()
        targets = Metadata[Targets].from_file(str(place.trusted / f"{Targets.type}.json")).signed
    return updater, targets


@contextmanager
def refused_at(source: Source) -> Iterator[None]:
    """What python-tuf refuses inside is raised as ReleaseRefused, which names the source."""
    try:
        yield
    except (exceptions.DownloadError, exceptions.RepositoryError) as error:
        code, words = next((code, words) for kind, code, words in _REFUSALS if isinstance(error, kind))
        raise ReleaseRefused(f"{source.name}: {words}: {_short(error)}", code=code) from error


def _joined(refusals: Sequence[ReleaseRefused]) -> ReleaseRefused:
    return ReleaseRefused("; ".join(map(str, refusals)), code=refusals[0].code)


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200].rstrip(".")
