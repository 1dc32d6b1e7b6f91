"""The file that describes an SQL source."""

import pytest

from client.data.sql.database import SqlSource
from shared.errors import ConfigError
from tests.unit.client.data.sql.shop import write_source

REMOTE = "postgresql+psycopg://reader@db.example/shop"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "shop.db"}, "url must be DIALECT"),
        ({"url": "postgresql+psycopg://reader:s3cret@db.example/shop"}, "url must be an address without a password"),
        ({"url": f"{REMOTE}?password=s3cret"}, "url must be an address without a password"),
        ({"url": "sqlite://"}, "url must be a database in a file"),
        ({"password": "s3cret"}, "password must be env:VARIABLE or file:PATH"),
        ({"items": "  "}, "items must be a query"),
        ({"events": None}, "events must be a query"),
        ({"chunk-rows": 0}, "chunk-rows must be 1 or more"),
        ({"color": "red"}, "unknown option 'color'"),
    ],
)
def test_says_what_is_wrong_and_quotes_no_password(tmp_path, changes, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        SqlSource.read(write_source(tmp_path, **changes))
    assert "s3cret" not in str(caught.value)
    assert str(tmp_path / "shop.toml") in str(caught.value)


def test_paths_count_from_the_folder_of_the_file(tmp_path, monkeypatch) -> None:
    path = write_source(tmp_path, password="file:secret")
    monkeypatch.chdir("/")
    source = SqlSource.read(path)
    assert source.url == f"sqlite:///{tmp_path}/shop.db"
    assert source.password == f"file:{tmp_path}/secret"


def test_the_password_comes_from_the_environment_or_a_file_of_its_owner_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret")
    assert SqlSource.read(write_source(tmp_path, password="env:SHOP_PASSWORD")).secret() == "s3cret"
    source = SqlSource.read(write_source(tmp_path, password="file:secret"))
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        source.secret()
    (tmp_path / "secret").chmod(0o600)
    assert source.secret() == "s3cret"
    assert "s3cret" not in f"{source}{source.digest}"


def test_a_password_that_is_not_there_is_named_by_its_place(tmp_path) -> None:
    with pytest.raises(ConfigError, match="environment variable NOWHERE_SET is not set"):
        SqlSource.read(write_source(tmp_path, password="env:NOWHERE_SET")).secret()
    with pytest.raises(ConfigError, match="nowhere cannot be read: No such file"):
        SqlSource.read(write_source(tmp_path, password="file:nowhere")).secret()
