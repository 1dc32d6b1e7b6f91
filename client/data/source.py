"""A platform's data wherever they are: in a platform folder, or in a database that a file describes."""

from pathlib import Path

from client.data.contract import PlatformFolder, read_folder
from client.data.data_moment import DataMoment
from client.store.records import Records


def is_database(path: Path) -> bool:
    """Whether it names the file of an SQL source: NAME.toml."""
    return path.suffix == ".toml" and not path.is_dir()


def read_platform_data(path: Path) -> PlatformFolder:
    """Read and checked against the data contract; raises InputError."""
    if is_database(path):
        from client.data.sql.tables import read_database  # SQLAlchemy takes a moment that no folder shall wait for

        return read_database(path)
    return read_folder(path)


def read_kept_data(path: Path, records: Records, lock: Path, moment: DataMoment) -> PlatformFolder:
    """The data of a database as of a task, of which only what is new is read: ``client/data/sql/mirror.py``."""
    from client.data.sql.mirror import Mirror

    return Mirror(records=records, lock=lock).read(path, moment)


def require_readable(path: Path, *, now: bool) -> None:
    """Raise ConfigError where the file of an SQL source makes no sense or, if it is to be read now, has no password."""
    if is_database(path):
        from client.data.sql.source import SqlSource

        source = SqlSource.read(path)
        if now:
            source.secret()


def platform_name(path: Path) -> str:
    """What a platform is called after its folder or file."""
    return path.stem if is_database(path) else path.name
