"""A SuperNode that has given up ends, whatever threads it has, so that it is started again; processes of their own."""

import subprocess
import sys

import pytest

from client.agent.supernode import GAVE_UP

BEGIN = """
import sys, threading, time
from client.agent import supernode
def program(_arguments):
    threading.Thread(target=time.sleep, args=(600,)).start()
{does}
supernode.plain_log.main = program
supernode.main([])
"""


def ended(does: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(does=does)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


def test_ends_where_its_work_has_ended_though_a_thread_goes_on() -> None:
    assert ended("") == (GAVE_UP, "")


@pytest.mark.parametrize(
    "does",
    [
        "    raise ValueError('no such message')",
        "    def beat(): raise ValueError('no such message')\n    threading.Thread(target=beat).start(); time.sleep(9)",
    ],
    ids=["its work", "a thread of it"],
)
def test_ends_by_an_error_with_its_text_in_the_log(does) -> None:
    code, said = ended(does)
    assert code == GAVE_UP
    assert "has ended" in said
    assert "no such message" in said


def test_a_thread_that_ends_itself_ends_nothing_else() -> None:
    code, _ = ended(
        "    thread = threading.Thread(target=sys.exit); thread.start(); thread.join(); import os; os._exit(3)"
    )
    assert code == 3
