"""The example ends all that it has started where it is stopped: SIGTERM and Ctrl-C, amid a command and a service."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "news_to_shops"
SCRIPT = f"""
import sys
sys.path.insert(0, {str(EXAMPLE)!r})
import commands, runpy, story

CHILD = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
def command(words):
    if words[1] == "stop":
        return [sys.executable, "-c", f"open({{words[2]!r}}, 'w')"]
    return [sys.executable, "-c", f"{{CHILD}}; print('begun', flush=True); time.sleep(600)"]

def play(self):
    self.commands.started("graft-client", "stop", "stopped")
    self.commands.start("graft-client", "serve")
    self.commands.run("graft-client", "pretrain")

commands._command, story.Story.play = command, play
sys.argv = ["news_to_shops", "--out", sys.argv[1]]
runpy.run_path({str(EXAMPLE / "__main__.py")!r}, run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_everything_it_started_has_ended_and_what_runs_in_the_background_was_stopped(tmp_path, number) -> None:
    out = tmp_path / "out"
    played = subprocess.Popen([sys.executable, "-c", SCRIPT, str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        started = wait_for(lambda: _four(psutil.Process(played.pid).children(recursive=True)))
        os.kill(played.pid, number)
        _, said = played.communicate(timeout=60)
    finally:
        played.kill()
    assert played.returncode == 128 + number
    assert b"stopped; what was started is being ended" in said
    assert b"Traceback" not in said
    assert (out / "stopped").exists()
    wait_for(lambda: not [one for one in started if _runs(one)])


def _four(found: list[psutil.Process]) -> list[psutil.Process]:
    """A service, a command, and what each has started."""
    return found if len(found) == 4 else []


def _runs(one: psutil.Process) -> bool:
    return one.is_running() and one.status() != psutil.STATUS_ZOMBIE


def wait_for(found):
    deadline = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value
