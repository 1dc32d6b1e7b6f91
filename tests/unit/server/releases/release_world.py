"""A coordinator that publishes: an encoder, runs that platforms judged, and the time that tests say it is."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import FetcherInterface, Updater

from server.coordinator.home import ServerHome, ServerSettings
from server.coordinator.run_book import Run, RunBook, Standing
from server.releases.key_plan import KeyPlan
from server.releases.keys import KeyFolders
from server.releases.publishing import Published, publish
from server.releases.repository import Repository
from server.releases.signing import Signing
from server.rounds.run_state import RoundRecord
from shared.federation.config import RoundsConfig
from shared.releases.targets import releases_in
from shared.system.settings_file import to_toml
from tests.unit.server.engine.world import World, record
from tests.unit.shared.releases.release_samples import write_encoder

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
DAY = timedelta(days=1)
SETTINGS = ServerSettings()


class ReleaseWorld:
    """A coordinator's folder."""

    def __init__(self, folder: Path, *further_keys: Path) -> None:
        self.home: ServerHome = World(folder).home
        self.home.settings.write_bytes(to_toml(SETTINGS))
        self.repository = Repository(self.home.releases)
        self._key_folders = (self.home.release_keys, *further_keys)
        self._encoders = 0

    def signing(self, now: datetime = NOW) -> Signing:
        """With the keys that are in the folders now."""
        keys = KeyFolders(self._key_folders)
        return Signing(repository=self.repository, keys=keys, settings=SETTINGS, now=now)

    def new_encoder(self, *records: RoundRecord, state: str = "completed") -> Run:
        """A run that left another encoder than the ones before."""
        self._encoders += 1
        write_encoder(self.home.encoder, self._encoders)
        return left_by(self.home, *(records or judged()), state=state)

    def publish(self, now: datetime = NOW, *, despite: str = "", plan: KeyPlan | None = None) -> Published:
        """The newest encoder."""
        return publish(self.home, self.signing(now), despite=despite, plan=plan)

    def release(self, now: datetime = NOW) -> Published:
        """A new encoder, and its release."""
        self.new_encoder()
        return self.publish(now)

    def root(self) -> bytes:
        """What platforms pin."""
        return (self.repository.metadata / "1.root.json").read_bytes()


def left_by(home: ServerHome, *records: RoundRecord, state: str = "completed") -> Run:
    """A run with this history that left the coordinator's newest encoder."""
    run = RunBook(home.runs).add(RoundsConfig(rounds=2), home.encoder.read_bytes())
    run.out.mkdir()
    run.encoder.write_bytes(home.encoder.read_bytes())
    (run.out / "rounds.json").write_text(json.dumps([line.to_json() for line in records]))
    run.stands(Standing(state=state))  # type: ignore[arg-type]
    return run


def judged(*scores: float, before: float = 0.1, **further: object) -> tuple[RoundRecord, RoundRecord]:
    """The start and the last round, by platforms a, b, c... with these scores."""
    names = "abcdefghij"[: len(scores or (0.11, 0.12, 0.13))]
    after = dict(zip(names, scores or (0.11, 0.12, 0.13), strict=True))
    first = record("evaluate", 0, tuple(names), validation={name: {"both": before} for name in names}, kept=True)
    validation = {name: {"both": score} for name, score in after.items()}
    return first, record("evaluate", 2, tuple(names), validation=validation, kept=True, **further)


class FolderFetcher(FetcherInterface):
    """TUF's own client reads a folder."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(url.removeprefix("file://"))
        if not path.exists():
            raise DownloadHTTPError(f"{path.name} is not there", 404)
        yield path.read_bytes()


class Client:
    """A platform's side as python-tuf has it: what it trusts lies in a folder of its own."""

    def __init__(
        self, folder: Path, repository: Repository, root: bytes, base: str = "", fetcher: FetcherInterface | None = None
    ) -> None:
        """A platform that pinned a root; ``base`` is a URL, with what fetches from it, in place of the folder."""
        self._folder, self._root = folder, root
        self._base, self._fetcher = base or f"file://{repository.folder}", fetcher or FolderFetcher()
        (folder / "metadata").mkdir(parents=True)
        (folder / "targets").mkdir()

    def newest(self, now: datetime = NOW) -> int | None:
        """The version of the current release, whose files came whole; raises what python-tuf raises."""
        updater = Updater(
            str(self._folder / "metadata"),
            f"{self._base}/metadata/",
            target_dir=str(self._folder / "targets"),
            target_base_url=f"{self._base}/targets/",
            fetcher=self._fetcher,
            bootstrap=self._root,
        )
        updater._trusted_set.reference_time = now  # its clock is the test's
        updater.refresh()
        listed = releases_in(Metadata[Targets].from_file(str(self._folder / "metadata" / "targets.json")).signed)
        version = max(listed, default=None)
        for target in listed.get(version or 0, {}).values():
            updater.download_target(target)
        return version
