"""A typo in each argument of the fifteen commands of docs/deploy.md, one at a time, really typed: what one then reads.

``python -m benchmarks.typos --out FOLDER --table docs/results/typos.md`` plays the walkthrough in a new folder. Before
each of its commands it types that command with one argument wrong; where that command cannot know it, the next one that
does is typed as it stands.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "deploy.md"
BIN = Path(sys.executable).parent
SECONDS = 1800.0
WIDE = 400
_PROGRESS = re.compile(r": (\d+%, .*|.* so far|[\d,]+ in .*)$")
"""a line of shared/system/progress.py: how far a command is, which differs from run to run"""


@dataclass(frozen=True)
class Typo:
    """One argument typed wrong."""

    command: int
    """of the fifteen, from 1 on"""
    right: str
    wrong: str
    then: str = ""
    """the command as it stands that names it, where the wrong one cannot"""
    made: str = ""
    """folder or file that the wrong command makes, and that is taken away after"""


AGENT = "graft-client status {folder}"
ENROLL = "graft-server enroll coordinator shop --public-key shop/node.key.pub"
TYPOS = (
    Typo(1, "world", "wrold"),
    Typo(1, "--share 0.3", "--share 3"),
    Typo(1, "--share 0.3", "--share 0,3"),
    Typo(1, "--out platforms", "--out plattforms", then="2", made="plattforms"),
    Typo(2, "platforms/news", "platforms/nws"),
    Typo(2, "--encoder nano", "--encoder nanno"),
    Typo(2, "--out encoder.safetensors", "--out encodr.safetensors", then="3", made="encodr.safetensors"),
    Typo(3, "--encoder encoder.safetensors", "--encoder encoder.safetensor"),
    Typo(3, "--port 9443", "--port 94430"),
    Typo(3, "init coordinator", "init cordinator", then="4", made="cordinator"),
    Typo(4, "start coordinator", "start cordinator"),
    Typo(4, "--background", "--backgruond"),
    Typo(5, "localhost:9443", "localhots:9443", then=AGENT, made="shop"),
    Typo(5, "localhost:9443", "localhost:9434", then=AGENT, made="shop"),
    Typo(5, "localhost:9443", "localhost:944x"),
    Typo(5, "localhost:9443", "127.0.0.2:9443"),
    Typo(5, "coordinator/tls/ca.crt", "coordinator/tls/ca.crtt"),
    Typo(5, "coordinator/tls/ca.crt", "coordinator/tls/ca.key"),
    Typo(5, "coordinator/tls/ca.crt", "coordinator/tls/server.crt"),
    Typo(5, "--data platforms/shop", "--data platforms/shpo"),
    Typo(5, "--name shop", "--name shpo", then=ENROLL, made="shop"),
    Typo(5, "init shop", "init shpo", then=ENROLL, made="shpo"),
    Typo(5, "--start", "--strat"),
    Typo(5, "--privacy plain", "--privacy plan"),
    Typo(6, "--data platforms/second-shop", "--data platforms/secondshop"),
    Typo(6, "coordinator/tls/ca.crt", "coordinator/ca.crt"),
    Typo(6, "localhost:9443", "localhost"),
    Typo(7, "--data platforms/films", "--data platforms/films/items.parquet"),
    Typo(7, "--name films", "--name 'fil ms'"),
    Typo(7, "--server", "--sever"),
    Typo(8, "coordinator shop second-shop", "coordinator shpo second-shop"),
    Typo(8, "coordinator shop second-shop", "coordinator second-shop shop"),
    Typo(8, "coordinator shop second-shop", "coordinator shop"),
    Typo(8, "films/node.key.pub", "films/node.key.pbu"),
    Typo(8, "films/node.key.pub", "films/node.key"),
    Typo(8, "enroll coordinator", "enroll coordinatr"),
    Typo(9, "--rounds 2", "--rounds two"),
    Typo(9, "--min-platforms 3", "--min-platforms 0"),
    Typo(9, "--min-platforms 3 --set wait-seconds=600", "--min-platforms 4 --set wait-seconds=5"),
    Typo(9, "wait-seconds=600", "wait-second=600"),
    Typo(9, "wait-seconds=600", "wait-seconds=6oo"),
    Typo(9, "run coordinator", "run cordinator"),
    Typo(10, "fit shop", "fit shpo"),
    Typo(10, "coordinator/encoder.safetensors", "coordinator/encoder.safetensor"),
    Typo(11, "fit second-shop", "fit secondshop"),
    Typo(11, "--encoder", "--encodr"),
    Typo(12, "coordinator/encoder.safetensors", "coordinator/platforms.json"),
    Typo(13, "recommend shop", "recommend shpo"),
    Typo(13, "--user u5", "--user u5x"),
    Typo(14, "--user u19", "--usr u19"),
    Typo(15, "recommend films", "recommend coordinator"),
)
ABOUT = (
    "The [walkthrough](../deploy.md), typed with one argument wrong at a time. Made by `python -m benchmarks.typos`. "
    "0 in the third column: the command cannot know it; it says so in a note, or the command behind *then*, typed as "
    "it stands, names it."
)


@dataclass(frozen=True)
class Read:
    """What a typo comes to."""

    typo: Typo
    code: int
    said: str
    then: str
    """what the command after it says; empty where none was needed"""

    def row(self) -> str:
        """Of the table."""
        then = f"<br>then: {_cell(self.then)}" if self.then else ""
        typed = f"`{self.typo.wrong}` for `{self.typo.right}`"
        return f"| {self.typo.command} | {typed} | {self.code} | {_cell(self.said)}{then} |"


class Terminal:
    """Commands typed in one folder, on a port of one's own."""

    def __init__(self, folder: Path, port: str) -> None:
        self._folder, self._port = folder, port

    def type(self, line: str) -> tuple[int, str]:
        """Exit code, and the lines that a person reads of it; what it starts goes on."""
        done = subprocess.run(
            [str(BIN / word) if place == 0 else word for place, word in enumerate(shlex.split(self._here(line)))],
            cwd=self._folder,
            env={**os.environ, "COLUMNS": "200", "TERM": "dumb", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, self._as_typed(_sentence(done.stderr) or _sentence(done.stdout))

    def _as_typed(self, said: str) -> str:
        """Without the folder's own place, and with the walkthrough's port; its beginning, where it is long."""
        ports = {self._port: "9443", str(int(self._port) + 1): "9434"}
        short = said.replace(f"{self._folder.resolve()}/", "").replace(f"{self._folder}/", "")
        return re.sub("|".join(rf"\b{port}\b" for port in ports), lambda found: ports[found[0]], short)[:WIDE]

    def _here(self, line: str) -> str:
        return re.sub(r"\b9443\b", self._port, re.sub(r"\b9434\b", str(int(self._port) + 1), line))

    def take_away(self, name: str) -> None:
        """What a wrong command has made."""
        path = self._folder / name
        if (path / "node.key").exists():
            self.type(f"graft-client stop {name}")
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)


def commands() -> list[str]:
    """The walkthrough's lines."""
    found = re.search(r"<!-- walkthrough -->\n+```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return found[1].splitlines() if found else []


def typed(terminal: Terminal, lines: Sequence[str], typo: Typo) -> Read:
    """The wrong command, and the one after it where that one says more."""
    right = lines[typo.command - 1]
    if typo.right not in right:
        raise ValueError(f"{typo.right} is not in {right}")
    code, said = terminal.type(right.replace(typo.right, typo.wrong, 1))
    then = ""
    if typo.then:
        follows = lines[int(typo.then) - 1] if typo.then.isdigit() else typo.then.format(folder=typo.made)
        then = terminal.type(follows)[1]
    if typo.made:
        terminal.take_away(typo.made)
    return Read(typo, code, said, then)


def played(terminal: Terminal, lines: Sequence[str]) -> list[Read]:
    """All typos, each before the right command."""
    found = []
    for number, line in enumerate(lines, 1):
        found += [typed(terminal, lines, typo) for typo in TYPOS if typo.command == number]
        code, said = terminal.type(line)
        print(f"{number}: {code} {said}", flush=True)
    for name in ("shop", "second-shop", "films"):
        terminal.type(f"graft-client stop {name}")
    terminal.type("graft-server stop coordinator")
    return found


def table(found: Sequence[Read]) -> str:
    """The page."""
    return "\n".join(
        [
            "# A typo in each argument of the fifteen commands",
            "",
            ABOUT,
            "",
            "| command | typed | exit code | what one reads |",
            "|---|---|---|---|",
            *(one.row() for one in found),
            "",
        ]
    )


def _sentence(text: str) -> str:
    """Without the frames that a terminal would show."""
    words = re.sub(r"[─│╭╮╰╯]+", " ", text)
    lines = [" ".join(line.split()) for line in words.splitlines() if not _PROGRESS.search(line)]
    said = [line for line in lines if line not in ("", "Error") and not line.startswith(("Usage:", "Try '"))]
    return " / ".join(said)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Play it, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--port", default="9443", help="instead of the walkthrough's")
    parser.add_argument("--table", type=Path, required=True, help="the page to write")
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    found = played(Terminal(given.out, given.port), commands())
    given.table.write_text(table(found), "utf-8")


if __name__ == "__main__":
    main()
