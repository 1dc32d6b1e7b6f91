"""How a program's log is written."""

import json
import logging
import subprocess
import sys

import pytest

from shared.errors import ConfigError
from shared.system.log_format import JsonLines, checked_format
from tests.integration.commands import REPOSITORY, run


def test_a_line_is_an_object_whatever_its_message_holds() -> None:
    record = logging.LogRecord("graft.client", logging.WARNING, "x.py", 1, "said %s", ('a "word"\nand more',), None)
    line = JsonLines().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == 'said a "word"\nand more'
    assert (found["level"], found["logger"]) == ("warning", "graft.client")
    assert found["time"].endswith("+00:00")


def test_an_error_is_told_by_its_kind_and_place_and_not_by_its_text() -> None:
    try:
        raise ValueError("private")
    except ValueError:
        record = logging.LogRecord("graft", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
    found = json.loads(JsonLines().format(record))
    assert found["error"] == "ValueError"
    assert "test_log_format.py:" in found["where"]
    assert "private" not in str(found)


def test_a_program_writes_each_line_so() -> None:
    said = "begin_log('json'); logging.info('one'); logging.error('two')"
    script = f"import logging; from shared.system.log_format import begin_log; {said}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["one", "two"]


def test_an_unknown_format_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="--log-format must be one of text, json; got 'xml'"):
        checked_format("xml")
    done = run("graft-client", "serve", "--heads", tmp_path, "--tokens", tmp_path, "--log-format", "xml")
    assert done.returncode == 2
    assert "--log-format must be one of" in done.stderr
