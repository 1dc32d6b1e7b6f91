"""The vault: what was sealed comes back; damage gives one sentence, and takes nothing with it."""

import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.store.keyring import Keyring
from client.store.vault import Vault
from shared.errors import ConfigError, VaultError
from shared.system.whole_file import write_whole
from tests.unit.client.store.vaults import key_file

SECRET = b"user-4711 likes wool socks"
PLACES = st.integers(0, 2**16 - 1)
"""somewhere in a file, its length the remainder: what is drawn cannot depend on how long a record has become"""
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
EACH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EACH
@given(name=NAMES, content=st.binary(max_size=400))
def test_brings_back_what_was_sealed_after_a_restart(tmp_path, vault, source, name, content) -> None:
    vault.write(name, content)
    again = Vault.open(tmp_path / "vault", source)
    assert again.read(name) == content
    assert name in again.names()


def test_has_nothing_before_the_first_write_and_after_the_delete(vault) -> None:
    assert (vault.read("head"), vault.names()) == (None, ())
    vault.write("head", SECRET)
    vault.delete("head")
    vault.delete("head")
    assert (vault.read("head"), vault.names()) == (None, ())


def test_leaves_nothing_readable_and_nothing_open_to_others(tmp_path, vault) -> None:
    vault.write("head", SECRET)
    files = [path for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    assert {"head.sealed", "keyring.json"} <= {path.name for path in files}
    assert not any(word in path.read_bytes() for path in files for word in (SECRET, b"4711", b"wool"))
    assert [path for path in [*files, tmp_path / "vault"] if path.stat().st_mode & 0o077] == []


def test_seals_the_same_content_otherwise_each_time(tmp_path, vault) -> None:
    path = tmp_path / "vault" / "head.sealed"
    vault.write("head", SECRET)
    first = path.read_bytes()
    vault.write("head", SECRET)
    header, other = first.splitlines()[0], path.read_bytes().splitlines()[0]
    assert b'"version": 1' in header
    assert b'"version": 2' in other
    assert first[len(header) :] != path.read_bytes()[len(other) :]


@EACH
@given(drawn=PLACES)
def test_notices_every_flipped_bit_and_keeps_the_rest(tmp_path, vault, drawn) -> None:
    vault.write("head", SECRET)
    vault.write("other", b"whole")
    path = tmp_path / "vault" / "head.sealed"
    content = bytearray(path.read_bytes())
    content[drawn // 8 % len(content)] ^= 1 << drawn % 8
    path.write_bytes(content)
    with pytest.raises(VaultError, match=r"'head' (is damaged|was swapped|has another format)"):
        vault.read("head")
    assert vault.read("other") == b"whole"


@EACH
@given(drawn=PLACES, replaced=st.booleans())
def test_notices_every_truncation_and_every_addition(tmp_path, vault, drawn, replaced) -> None:
    vault.write("head", SECRET)
    path = tmp_path / "vault" / "head.sealed"
    content = path.read_bytes()
    kept = drawn % len(content)
    path.write_bytes(content[:kept] + bytes([content[kept] ^ 1] * replaced))
    with pytest.raises(VaultError, match="'head' is damaged"):
        vault.read("head")
    path.write_bytes(content + b"\0")
    with pytest.raises(VaultError, match="expected 26 bytes of content, found 27"):
        vault.read("head")


def test_notices_a_record_that_lies_in_the_place_of_another(tmp_path, vault) -> None:
    vault.write("head", SECRET)
    vault.write("gate", b"verdict")
    (tmp_path / "vault" / "gate.sealed").write_bytes((tmp_path / "vault" / "head.sealed").read_bytes())
    with pytest.raises(VaultError, match=r"'gate' was swapped: .* sealed as 'head'"):
        vault.read("gate")
    assert vault.read("head") == SECRET


def test_notices_a_record_whose_name_was_rewritten_to_fit_its_place(tmp_path, vault) -> None:
    vault.write("head", SECRET)
    renamed = (tmp_path / "vault" / "head.sealed").read_bytes().replace(b'"head"', b'"gate"')
    (tmp_path / "vault" / "gate.sealed").write_bytes(renamed)
    with pytest.raises(VaultError, match="'gate' is damaged: its seal is broken"):
        vault.read("gate")


def test_notices_a_version_that_was_rewritten(tmp_path, vault) -> None:
    vault.write("head", SECRET)
    path = tmp_path / "vault" / "head.sealed"
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(VaultError, match="its seal is broken"):
        vault.read("head")


def test_does_not_open_a_record_of_another_vault(tmp_path, vault, source) -> None:
    other = Vault.make(tmp_path / "other", source)
    other.write("head", SECRET)
    (tmp_path / "vault" / "head.sealed").write_bytes((tmp_path / "other" / "head.sealed").read_bytes())
    with pytest.raises(VaultError, match="'head' is damaged"):
        vault.read("head")


def test_says_that_the_key_is_another_one_and_changes_nothing(tmp_path, vault, source) -> None:
    vault.write("head", SECRET)
    before = {path.name: path.read_bytes() for path in (tmp_path / "vault").iterdir()}
    with pytest.raises(VaultError, match="the key does not open this vault"):
        Vault.open(tmp_path / "vault", key_file(tmp_path / "other.key"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "vault").iterdir()} == before
    assert Vault.open(tmp_path / "vault", source).read("head") == SECRET


@EACH
@given(drawn=PLACES, rest=st.booleans())
def test_opens_with_the_copy_where_the_keyring_was_damaged(tmp_path, vault, source, drawn, rest) -> None:
    vault.write("head", SECRET)
    path = tmp_path / "vault" / "keyring.json"
    content = path.read_bytes()
    place = drawn % len(content)
    path.write_bytes(content[:place] + (b"\xff" + content[place + 1 :]) * rest)
    assert Vault.open(tmp_path / "vault", source).read("head") == SECRET
    path.write_bytes(content)


@EACH
@given(drawn=PLACES, bit=st.sampled_from([1, 2, 4]))
def test_takes_no_keyring_in_which_a_bit_is_another(tmp_path, vault, source, drawn, bit) -> None:
    """But for the case of a hexadecimal digit, which means the same."""
    path, copy = (tmp_path / "vault" / name for name in ("keyring.json", "keyring-copy.json"))
    content = copy.read_bytes()
    place = drawn % len(content)
    changed = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
    path.write_bytes(changed)
    copy.write_bytes(changed)
    with pytest.raises(VaultError, match="keyring"):
        Vault.open(tmp_path / "vault", source)
    path.write_bytes(content)
    copy.write_bytes(content)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 3}', b"\xff", b"[" * 10000])
def test_says_that_what_lies_there_is_no_keyring(tmp_path, vault, source, content) -> None:
    for name in ("keyring.json", "keyring-copy.json"):
        (tmp_path / "vault" / name).write_bytes(content)
    with pytest.raises(VaultError, match="keyring is damaged"):
        Vault.open(tmp_path / "vault", source)


def test_refuses_to_make_a_vault_where_one_is_and_to_open_one_where_none_is(tmp_path, vault, source) -> None:
    with pytest.raises(ConfigError, match="holds a vault already"):
        Vault.make(tmp_path / "vault", source)
    with pytest.raises(ConfigError, match="holds no vault"):
        Vault.open(tmp_path / "nowhere", source)


@pytest.mark.parametrize("name", ["../head", "", "Head", "a/b", ".lock", "a b"])
def test_refuses_a_name_that_leads_out_of_its_folder(vault, name) -> None:
    with pytest.raises(VaultError, match="name"):
        vault.write(name, b"")


@pytest.fixture
def small_files():
    """No file may grow beyond 4 KiB meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_keeps_the_old_record_where_the_new_one_does_not_fit(tmp_path, vault, small_files) -> None:
    vault.write("head", SECRET)
    with pytest.raises(VaultError, match="'head' cannot be written: File too large; what was sealed before"):
        vault.write("head", bytes(5000))
    assert vault.read("head") == SECRET
    assert [path for path in (tmp_path / "vault").iterdir() if path.name.endswith(".part")] == []


FULL_DISK = """
import sys
from pathlib import Path
from client.store.keyring import KeySource
from client.store.vault import Vault
from shared.errors import VaultError
disk, key = sys.argv[1:]
vault = Vault.make(Path(disk) / "vault", KeySource(kind="file", where=key))
written = {}
try:
    for number in range(1000):
        vault.write(f"record-{number}", bytes(5000))
        written[f"record-{number}"] = bytes(5000)
except VaultError as error:
    print(error)
for attempt in (lambda: vault.write("record-0", bytes(5000)), vault.rotate):
    try:
        attempt()
    except VaultError as error:
        print(error)
again = Vault.open(Path(disk) / "vault", KeySource(kind="file", where=key))
print(len(written), all(again.read(name) == content for name, content in written.items()))
"""


def test_loses_nothing_on_a_disk_that_is_full(tmp_path, source) -> None:
    """A real one: a file system in memory of 96 KiB, mounted for one process."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "full_disk.py").write_text(FULL_DISK)
    mount = f"mount -t tmpfs -o size=96k none {disk} && exec {sys.executable} {tmp_path}/full_disk.py {disk} "
    command = ["unshare", "-rm", "sh", "-c", mount + source.where]
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system for one process")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done.stdout + done.stderr
    assert "cannot be written: No space left on device" in lines[0]
    assert "'record-0' cannot be written: No space left on device" in lines[1]
    assert "the vault's keys cannot be rotated: No space left on device" in lines[2]
    number, whole = lines[3].split()
    assert int(number) > 5
    assert whole == "True"


def test_rotates_its_data_keys_and_forgets_the_old_one(tmp_path, vault, source) -> None:
    vault.write("head", SECRET)
    old = (tmp_path / "vault" / "head.sealed").read_bytes()
    elsewhere = Vault.open(tmp_path / "vault", source)
    assert vault.rotate() == 1
    assert (vault.read("head"), elsewhere.read("head")) == (SECRET, SECRET)
    elsewhere.write("gate", b"verdict")
    assert vault.read("gate") == b"verdict"
    (tmp_path / "vault" / "head.sealed").write_bytes(old)
    with pytest.raises(VaultError, match="no data key 1"):
        vault.read("head")


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_opens_everything_wherever_a_rotation_was_stopped(tmp_path, vault, source, monkeypatch, stop_at) -> None:
    names = ["a", "b", "c"]
    for name in names:
        vault.write(name, SECRET + name.encode())
    calls = iter(range(1, 100))

    def stopping(*arguments, **options):
        if next(calls) == stop_at:
            raise OSError(5, "Input/output error")
        write_whole(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr("client.store.vault.write_whole", stopping)
        with pytest.raises(VaultError, match="cannot be rotated: Input/output error"):
            vault.rotate()
    again = Vault.open(tmp_path / "vault", source)
    assert [again.read(name) for name in names] == [SECRET + name.encode() for name in names]
    assert again.rotate() == 3
    assert [vault.read(name) for name in names] == [SECRET + name.encode() for name in names]


def test_keeps_every_key_where_a_damaged_record_stops_the_rotation(tmp_path, vault, source) -> None:
    vault.write("a", SECRET)
    vault.write("b", SECRET)
    whole = (tmp_path / "vault" / "a.sealed").read_bytes()
    (tmp_path / "vault" / "a.sealed").write_bytes(whole[:-1])
    with pytest.raises(VaultError, match="'a' is damaged"):
        vault.rotate()
    (tmp_path / "vault" / "a.sealed").write_bytes(whole)
    assert Vault.open(tmp_path / "vault", source).read("a") == SECRET


def test_is_opened_by_a_new_key_alone_once_it_was_changed(tmp_path, vault, source) -> None:
    vault.write("head", SECRET)
    new = key_file(tmp_path / "new.key")
    vault.use_key_of(new)
    vault.write("gate", b"verdict")
    assert Vault.open(tmp_path / "vault", new).read("head") == SECRET
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(tmp_path / "vault", source)


def test_lets_several_writers_and_a_rotation_go_on_at_once(tmp_path, vault, source) -> None:
    failures = []

    def write(name: str) -> None:
        mine = Vault.open(tmp_path / "vault", source)
        for number in range(20):
            mine.write(name, f"{name} {number}".encode())
            failures.extend([name] if mine.read(name) != f"{name} {number}".encode() else [])

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for _ in range(5):
        vault.rotate()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [vault.read(name) for name in ("a", "b", "c")] == [b"a 19", b"b 19", b"c 19"]


def test_gives_each_new_vault_and_each_rotation_a_key_of_its_own() -> None:
    rings = [Keyring.new() for _ in range(3)]
    rings.append(rings[0].with_new_key())
    assert len({key for ring in rings for key in ring.keys.values()}) == 4
