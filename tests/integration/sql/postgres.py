"""A real PostgreSQL on loopback, started from the system's package; a role that may read and has a password."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from shared.system.free_port import free_port

USER = "postgres"
PASSWORD = "a-very-secret-word"
PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))


def why_not() -> str:
    """Why none can be started here; empty where one can."""
    if not PLACES:
        return "PostgreSQL is not installed (/usr/lib/postgresql/*/bin)"
    known = USER in {entry.pw_name for entry in pwd.getpwall()}
    return "" if os.geteuid() or known else f"root cannot run PostgreSQL, and there is no user {USER}"


@dataclass(frozen=True)
class Postgres:
    """Where it listens."""

    port: int

    @property
    def url(self) -> str:
        """For a source's file: without a password."""
        return f"postgresql+psycopg://reader@127.0.0.1:{self.port}/postgres"

    def run(self, statement: str, rows=((),)) -> None:
        """As the owner, once for each row."""
        with psycopg.connect(f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres") as connection:
            connection.cursor().executemany(statement, rows)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Made, started and, at the end, removed."""
    folder = Path(tempfile.mkdtemp(prefix="graft-postgres-"))
    as_user = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, USER, USER)
    data, port = folder / "data", free_port()
    try:
        make = [
            PLACES[-1] / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale",
            "C",
        ]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **as_user)
        rules = f"host all {USER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules)
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [PLACES[-1] / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=folder, **as_user
            )
        try:
            _wait(server, port, folder / "log")
            found = Postgres(port)
            found.run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
            yield found
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user={USER} dbname=postgres connect_timeout=2").close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(0.1)
