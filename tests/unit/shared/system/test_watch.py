"""A watch outlives every error, and tells each once."""

import logging

import pytest

from shared.errors import ConfigError
from shared.system.watch import Watch


def fails(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConfigError("the token file cannot be read"), "the token file cannot be read"),
        (PermissionError(13, "Permission denied", "/a/path"), "Permission denied"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "canary"), "unexpected UnicodeDecodeError"),
        (MemoryError(), "unexpected MemoryError"),
        (RecursionError("canary"), "unexpected RecursionError"),
    ],
)
def test_goes_on_after_any_error_and_says_why_without_what_it_held(error, why):
    watch = Watch(logging.getLogger("test"))
    assert not watch.look("tokens", fails(error))
    assert watch.troubles == {"tokens": why}
    assert watch.look("head", lambda: None)
    assert (watch.names, watch.troubles) == (("tokens", "head"), {"tokens": why})


def test_tells_a_change_once_and_not_each_look(caplog):
    watch = Watch(logging.getLogger("test"))
    with caplog.at_level(logging.INFO):
        for error in (None, ValueError(), ValueError(), OSError(5, "Input/output error"), None, None):
            watch.look("tokens", fails(error) if error else lambda: None)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "tokens: unexpected ValueError; going on as before, and looking again"),
        ("WARNING", "tokens: Input/output error; going on as before, and looking again"),
        ("INFO", "tokens: well again"),
    ]
    assert watch.troubles == {}
