"""A platform whose data come from a real PostgreSQL."""

from collections.abc import Iterator

import psycopg
import pytest

from client.data.data_moment import DataMoment
from client.data.source import read_kept_data, read_platform_data
from client.data.sql.database import SqlSource, snapshot
from client.store.records import PlainFolder
from shared.errors import DataError
from tests.integration.commands import run
from tests.integration.sql.postgres import PASSWORD, Postgres, postgres, why_not
from tests.unit.client.data.sql.shop import EVENTS, PRODUCTS, PURCHASES, TABLES, files_holding, write_shop, write_source

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "PostgreSQL is there")
TIMED = EVENTS.replace("at AS timestamp", "to_timestamp(at) AS timestamp").replace("stars", "stars::numeric(3,1)")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as found:
        for table in TABLES:
            found.run(table)
        found.run("INSERT INTO products VALUES (%s, %s, %s, %s)", PRODUCTS)
        found.run("INSERT INTO purchases VALUES (%s, %s, %s, %s, %s)", PURCHASES)
        found.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        yield found


@pytest.fixture
def source(server, tmp_path):
    (tmp_path / "secret").write_text(PASSWORD)
    (tmp_path / "secret").chmod(0o600)
    given = {"url": server.url, "password": "file:secret", "chunk-rows": 50, "events": TIMED}
    return write_source(tmp_path, **given)


def test_gives_the_same_platform_as_another_database_with_the_same_rows(source, tmp_path) -> None:
    found, other = read_platform_data(source), read_platform_data(write_shop(tmp_path / "sqlite"))
    assert found.items.equals(other.items)
    assert found.events.equals(other.events)


def test_the_rows_stay_with_the_database_until_they_are_read(source, server) -> None:
    """On this connection, before any row was read: the cursor is the database's own."""
    with snapshot(SqlSource.read(source), source) as found:
        chunks = found.events()
        sizes = [len(next(chunks).rows), len(next(chunks).rows)]
        cursors = found.connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar_one()
    assert sizes == [0, 50]
    assert cursors == 1


def test_what_others_write_meanwhile_is_not_seen(source, server) -> None:
    with snapshot(SqlSource.read(source), source) as found:
        before = sum(len(chunk.rows) for chunk in found.events())
        server.run("INSERT INTO purchases VALUES (5000, 'user-1', 'sku-1', 1800000000, 1.0)")
        after = sum(len(chunk.rows) for chunk in found.events())
    server.run("DELETE FROM purchases WHERE id = 5000")
    assert before == after == 240


def test_nothing_can_be_written(source, server) -> None:
    server.run("GRANT ALL ON purchases TO reader")
    with snapshot(SqlSource.read(source), source) as found, pytest.raises(Exception, match="read-only transaction"):
        found.connection.exec_driver_sql("DELETE FROM purchases")


def test_reads_new_events_alone_on_the_next_round(source, server, tmp_path) -> None:
    records = PlainFolder(tmp_path / "heads")
    server.run("INSERT INTO products VALUES ('sku-late', 'late', 'ACME', 'kind 0')")
    for number, expected in enumerate((240, 241, 242)):
        found = read_kept_data(source, records, tmp_path / "lock", DataMoment(task=f"a/{number}"))
        assert found.events.height == expected
        row = (6000 + number, "user-1", "sku-late", 1_800_000_000 + number, 2.0)
        server.run("INSERT INTO purchases VALUES (%s, %s, %s, %s, %s)", [row])
    server.run("DELETE FROM purchases WHERE id = 6000")
    assert read_kept_data(source, records, tmp_path / "lock", DataMoment(task="a/9")).events.height == 242
    server.run("DELETE FROM purchases WHERE id > 6000")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"items": "SELECT * FROM nowhere"}, r'the items query failed \(relation "nowhere" does not exist\)'),
        ({"events": EVENTS.replace("stars", "(stars || 'private')::int")}, "the events query failed.*SQLSTATE 22P02"),
        ({"url": "postgresql+psycopg://reader@127.0.0.1:1/postgres"}, "the database cannot be reached"),
        ({"password": "env:WRONG_PASSWORD"}, "the database cannot be reached .*password authentication failed"),
    ],
)
def test_says_in_one_sentence_what_is_wrong(source, server, monkeypatch, changes, sentence) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", "not-the-word")
    given = {"url": server.url, "password": "file:secret", **changes}
    with pytest.raises(DataError, match=sentence) as caught:
        read_platform_data(write_source(source.parent, **given))
    said = str(caught.value)
    assert "\n" not in said
    assert not {word for word in (PASSWORD, "private", "not-the-word") if word in said}


def test_the_password_stands_in_no_output_and_no_file(source, server, tmp_path) -> None:
    done = run("graft-client", "check", source)
    assert (done.returncode, done.stderr) == (0, "")
    server.run("ALTER ROLE reader PASSWORD 'another'")
    failed = run("graft-client", "check", source)
    server.run(f"ALTER ROLE reader PASSWORD '{PASSWORD}'")
    assert failed.returncode == 2
    assert "password authentication failed" in failed.stdout
    assert PASSWORD not in done.stdout + failed.stdout + failed.stderr
    assert list(files_holding(tmp_path, PASSWORD)) == [tmp_path / "secret"]


def test_the_owner_really_connects(server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host=127.0.0.1 port={server.port} user=reader dbname=postgres password=wrong")
