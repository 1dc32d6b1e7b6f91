"""SIGTERM as an exception."""

import os
import signal
import subprocess
import sys

import pytest

from simulations.run.termination import Terminated, termination_ignored, termination_raised


def test_raises_at_the_first_signal_and_ignores_the_next() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with termination_raised():
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_is_ignored_by_what_is_started_inside_and_only_by_that() -> None:
    shown = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGTERM).name)"]
    with termination_ignored():
        inside = subprocess.run(shown, capture_output=True, text=True, check=True)
    outside = subprocess.run(shown, capture_output=True, text=True, check=True)
    assert (inside.stdout, outside.stdout) == ("SIG_IGN\n", "SIG_DFL\n")
