"""What was acknowledged is there after a crash; what a crash cut off is dropped; damage is told."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from client.serving.journal import FileJournal
from shared.errors import JournalError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "reports.log"


def facts_of(journal):
    return [entry.facts for entry in journal.entries()]


def test_keeps_entries_in_order_with_numbers_of_their_own(path):
    journal = FileJournal(path)
    journal.append([{"a": 1}, {"a": 2}])
    journal.sync()
    again = FileJournal(path)
    again.append([{"a": "é\n"}])
    again.sync()
    entries = list(FileJournal(path).entries())
    assert [(one.number, one.facts) for one in entries] == [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": "é\n"})]


def test_is_readable_by_its_owner_alone(path):
    FileJournal(path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", range(1, 20))
def test_drops_a_last_line_that_was_cut_off(path, cut):
    journal = FileJournal(path)
    journal.append([{"a": 1}, {"a": 2}])
    path.write_bytes(path.read_bytes()[:-cut])
    again = FileJournal(path)
    assert facts_of(again) == [{"a": 1}]
    again.append([{"a": 3}])
    assert facts_of(FileJournal(path)) == [{"a": 1}, {"a": 3}]


def test_tells_damage_that_no_crash_makes(path):
    FileJournal(path).append([{"a": 1}, {"a": 2}])
    content = bytearray(path.read_bytes())
    content[12] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(JournalError, match="damaged in line 1"):
        facts_of(FileJournal(path))


def test_removes_for_good_and_gives_no_number_twice(path):
    journal = FileJournal(path)
    journal.append([{"who": "a"}, {"who": "canary"}, {"who": "canary"}])
    assert journal.remove(lambda facts: facts.get("who") == "canary") == 2
    assert b"canary" not in path.read_bytes()
    journal.append([{"who": "b"}])
    again = list(FileJournal(path).entries())
    assert [one.facts["who"] for one in again if "who" in one.facts] == ["a", "b"]
    assert again[-1].number == 4


def test_writes_nothing_where_the_disk_is_full(path):
    journal = FileJournal(path)
    journal.append([{"a": 1}])
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))
from pathlib import Path
from client.serving.journal import FileJournal
from shared.errors import JournalError
journal = FileJournal(Path({str(path)!r}))
try:
    journal.append([{{"b": "x" * 100}}])
except JournalError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert facts_of(FileJournal(path)) == [{"a": 1}]


def test_loses_nothing_acknowledged_when_it_is_killed(path):
    code = f"""
import sys, threading
from pathlib import Path
from client.serving.journal import FileJournal
journal = FileJournal(Path({str(path)!r}))
def write(worker):
    for count in range(100_000):
        journal.append([{{"id": f"{{worker}}-{{count}}"}}])
        journal.sync()
        sys.stdout.write(f"{{worker}}-{{count}}\\n")
        sys.stdout.flush()
for worker in range(4):
    threading.Thread(target=write, args=(worker,)).start()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    acknowledged = [process.stdout.readline().strip() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in process.stdout.readlines() if line.endswith("\n")]
    process.wait()
    kept = [facts["id"] for facts in facts_of(FileJournal(path))]
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    assert len(acknowledged) >= 200


def test_shares_the_wait_for_the_disk(path, monkeypatch):
    journal, calls, real = FileJournal(path), [], os.fdatasync

    def slow(handle):
        calls.append(handle)
        time.sleep(0.05)
        real(handle)

    monkeypatch.setattr(os, "fdatasync", slow)

    def report(count):
        journal.append([{"id": count}])
        journal.sync()

    threads = [threading.Thread(target=report, args=(count,)) for count in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(facts_of(journal)) == 20
    assert 1 <= len(calls) < 10


def test_promises_nothing_after_the_disk_failed(path, monkeypatch):
    journal = FileJournal(path)

    def fail(_handle):
        raise OSError(5, "Input/output error")

    journal.append([{"a": 1}])
    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(JournalError, match="cannot be made durable"):
        journal.sync()
    with pytest.raises(JournalError, match="failed before"):
        journal.append([{"a": 2}])
    assert json.dumps(facts_of(FileJournal(path))) == '[{"a": 1}]'
