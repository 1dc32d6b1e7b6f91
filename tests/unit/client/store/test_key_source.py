"""Where the vault's key comes from: each of the three opens, and what is wrong is said without quoting it."""

import pytest

from client.store.keyring import SCRYPT, KeySource, new_key
from client.store.vault import Vault
from shared.errors import ConfigError, VaultError

FAST = {"n": 2, "r": 8, "p": 1}


def test_reads_the_three_kinds_and_writes_them_back() -> None:
    texts = ["passphrase:GRAFT_PASSPHRASE", "file:/etc/graft/vault.key", "env:GRAFT_KEY"]
    assert [str(KeySource.parse(text)) for text in texts] == texts


@pytest.mark.parametrize("text", ["", "file", "file:", "plain:x", "/etc/key"])
def test_refuses_another_kind(text) -> None:
    with pytest.raises(ConfigError, match="must be passphrase:VARIABLE, file:PATH or env:VARIABLE"):
        KeySource.parse(text)


def test_stretches_a_passphrase_as_rfc_7914_does(monkeypatch) -> None:
    monkeypatch.setenv("PHRASE", "pleaseletmein")
    found = KeySource.parse("passphrase:PHRASE").key(b"SodiumChloride", {"n": 16384, "r": 8, "p": 1})
    # RFC 7914, section 12, the third vector's first 32 bytes
    assert found.hex() == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


def test_asks_a_guesser_for_64_mebibytes() -> None:
    assert 128 * SCRYPT["n"] * SCRYPT["r"] == 64 * 2**20


def test_opens_with_a_passphrase_or_a_variable(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PHRASE", "correct horse battery")
    monkeypatch.setenv("KEY", new_key())
    for text in ("passphrase:PHRASE", "env:KEY"):
        folder = tmp_path / text[:3]
        Vault.make(folder, KeySource.parse(text)).write("head", b"content")
        assert Vault.open(folder, KeySource.parse(text)).read("head") == b"content"
    monkeypatch.setenv("PHRASE", "another horse battery")
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(tmp_path / "pas", KeySource.parse("passphrase:PHRASE"))


def test_says_what_is_wrong_and_quotes_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SHORT", "abc-secret")
    monkeypatch.setenv("ODD", "abc-secret")
    path = tmp_path / "key"
    path.write_text(new_key())
    path.chmod(0o644)
    cases = {
        "passphrase:SHORT": "12 characters or more",
        "env:ODD": "64 hexadecimal digits in the environment variable ODD",
        "env:NONE_SUCH": "NONE_SUCH is not set",
        f"file:{path}": "open to other users",
        f"file:{tmp_path / 'none'}": "cannot be read",
    }
    for text, words in cases.items():
        with pytest.raises(ConfigError, match=words) as caught:
            KeySource.parse(text).key(b"salt", FAST)
        assert "secret" not in str(caught.value)
