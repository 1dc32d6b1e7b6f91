"""The logs of the engine's programs have times and no colours; in processes of their own, as they are started."""

import re
import subprocess
import sys
from pathlib import Path

import shared.system.plain_log as plain_log
from client.guard.gatekeeper import CLIENT_APP
from server.coordinator.home import ServerHome
from server.engine.supervisor import SERVER_APP, engine_programs, write_programs
from shared.system.engine_environment import engine_program

SAYS = """
import logging, sys
from flwr.supercore.logger import log
log(logging.WARNING, "from Flower")
logging.getLogger("graft.server").warning("from Graft")
logging.getLogger("uvicorn.error").info("from uvicorn")
"""
LINE = re.compile(r"(INFO|WARNING) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: +from (Flower|Graft)")


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_every_line_has_a_time_and_no_colour_and_stands_there_once() -> None:
    lines = said(f"from shared.system.plain_log import plain_log; plain_log()\n{SAYS}")
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) for line in lines), lines


def test_a_message_of_several_lines_is_one_and_a_traceback_has_its_time_on_each() -> None:
    code = """
import logging, warnings
from shared.system.plain_log import plain_log
plain_log()
logging.getLogger("flwr").error("Exit Code: 305\\n  no connection\\n\\nvisit us")
try:
    raise ValueError("one\\ntwo")
except ValueError:
    logging.getLogger("graft.server").exception("failed")
warnings.warn("old", stacklevel=1)
"""
    lines = said(code)
    assert all(re.match(r"(ERROR|WARNING) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}:     \S?", line) for line in lines), (
        lines
    )
    assert lines[0].endswith(":     Exit Code: 305 no connection visit us")
    texts = [line.rpartition("     ")[2] for line in lines]
    assert texts[texts.index("ValueError: one") + 1] == "two"
    assert "old" in lines[-1]


def test_what_the_engine_does_not_catch_has_times_too(tmp_path) -> None:
    code = """
import sys
import shared.system.plain_log as plain_log
class Program:
    load = lambda self: lambda: 1 / 0
plain_log.entry_points = lambda **_: [Program()]
plain_log.main(["flower-superexec"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[-1].endswith("ZeroDivisionError: division by zero")
    assert all(line.startswith("CRITICAL 20") for line in lines)


def test_without_it_the_lines_are_coloured() -> None:
    assert "\x1b[" in "".join(said(SAYS))


def test_a_tasks_lines_are_written_the_same_way() -> None:
    lines = said(f"from client.guard.gatekeeper import log_plainly; log_plainly()\n{SAYS}")
    assert all(LINE.fullmatch(line) for line in lines), lines
    assert CLIENT_APP == "flwr-clientapp"


def test_the_engines_programs_are_started_so(tmp_path) -> None:
    home = ServerHome(tmp_path)
    programs = {one.name: one for one in engine_programs(home, 1)}
    for name in ("superlink", "superexec"):
        assert programs[name].command[:4] == engine_program(f"flower-{name}")
    write_programs(home.programs)
    assert programs["superexec"].environment["PATH"].startswith(f"{home.programs}:")
    assert Path(plain_log.__file__).name in (home.programs / SERVER_APP).read_text()


def test_a_program_is_flowers_own_with_its_arguments() -> None:
    done = subprocess.run([*engine_program("flower-superlink"), "--help"], capture_output=True, text=True, check=True)
    assert "flower-superlink" in done.stdout
