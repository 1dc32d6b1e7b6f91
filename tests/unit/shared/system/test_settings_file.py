"""Settings files and the names of machines in them."""

from dataclasses import dataclass

import pytest

from shared.errors import ConfigError
from shared.system.host import Endpoint
from shared.system.options import option
from shared.system.settings_file import read_settings, require, to_toml


@dataclass(frozen=True, kw_only=True)
class Example:
    a_number: int = option(1, help="A number.")
    rate: float = option(0.5, help="A rate.")
    names: tuple[str, ...] = option(("x",), help="Names.")
    text: str = option("", old=("words",), help="A text.")

    def __post_init__(self) -> None:
        require("a_number", self.a_number > 0, "above 0", self.a_number)


def test_reads_what_it_wrote(tmp_path) -> None:
    settings = Example(a_number=7, rate=2.5, names=("a", "b"), text='ä "quoted"')
    path = tmp_path / "settings.toml"
    path.write_bytes(to_toml(settings))
    assert read_settings(Example, path) == settings


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a-number = 0", "a-number must be above 0; got 0"),
        ("a-number = true", "a-number must be a whole number; got True"),
        ("names = [1]", "names must be a list of texts"),
        ("colour = 1", "unknown option 'colour'; options are a-number, rate, names, text"),
        ("a-number", "is not TOML"),
        ("a = " + 100_000 * "[", "is not TOML that can be read: maximum recursion depth"),
        ("a-number = " + 5000 * "9", "is not TOML that can be read"),
    ],
)
def test_names_the_file_and_what_is_wrong_in_it(tmp_path, text, sentence) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_settings(Example, path)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)


def test_says_that_a_file_is_missing(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings(Example, tmp_path / "none.toml")


def test_takes_a_whole_number_where_a_real_one_is_expected(tmp_path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("rate = 2")
    assert read_settings(Example, path).rate == 2.0


def test_takes_a_former_name(tmp_path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('words = "a"')
    assert read_settings(Example, path).text == "a"


@pytest.mark.parametrize("text", ["shops.example:9443", "10.0.0.7:1", "[2001:db8::7]:65535", "localhost:80"])
def test_writes_an_endpoint_as_it_was(text) -> None:
    assert str(Endpoint.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "shops.example", "shops.example:", ":80", "a b:80", "a:8o", "2001:db8::7:80", "[a]:8"],
)
def test_refuses_what_is_no_endpoint(text) -> None:
    with pytest.raises(ConfigError, match="expected HOST:PORT"):
        Endpoint.parse(text)


@pytest.mark.parametrize("text", ["a:0", "a:65536", "shops.example:95530"])
def test_says_which_ports_there_are(text) -> None:
    with pytest.raises(ConfigError, match=f"expected a port of 1 to 65535; got '{text}'"):
        Endpoint.parse(text)
