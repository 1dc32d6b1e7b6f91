"""The story, step by step; each says in plain words what happens before it does."""

import re
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from audience import kinds_of, people_of, visit
from commands import CommandFailed, Commands, wait_until

SHOP, SECOND, FILMS = "shop", "second-shop", "films"
PLATFORMS = (SHOP, SECOND, FILMS)
ENCODER = "encoder.safetensors"
NEWEST = f"coordinator/{ENCODER}"
ROOT, MIRROR = "root.json", "mirror"


@dataclass
class Story:
    """What is played, and with how much of it."""

    commands: Commands
    share: float
    rounds: int
    visitors: int
    encoder: str
    folders: list[str]
    """SOURCE, SHOP, SECOND-SHOP, FILMS; empty: synthetic ones"""
    _began: float = field(default_factory=time.monotonic)
    _steps: int = 0

    def play(self) -> None:
        """From the first step to the last."""
        data = self.platforms()
        self.pretrain(data["news"])
        self.coordinate()
        self.join(data)
        self.federate(self.rounds)
        self.publish()
        self.install()
        address, token = self.serve()
        self.visits(address, token, Path(data[SHOP]))
        self.learn(address, token, Path(data[SHOP]))
        self.publish_again()
        self.roll_back()
        self.tamper()
        self.tell()

    def platforms(self) -> dict[str, str]:
        """Who is there."""
        if self.folders:
            self._say("Four platforms: their folders are yours, and stay as they are.")
            return dict(zip(("news", *PLATFORMS), self.folders, strict=True))
        self._say("Four synthetic platforms: a news site, two shops of one domain, a film service.")
        self._run("graft-sim", "world", "--out", "platforms", "--share", self.share)
        return {name: str(self.commands.folder / "platforms" / name) for name in ("news", *PLATFORMS)}

    def pretrain(self, news: str) -> None:
        """The source's part."""
        self._say("The news site pretrains an encoder on its own clicks. The file holds no user and no item.")
        self._run("graft-client", "pretrain", news, "--out", ENCODER, "--encoder", self.encoder)

    def coordinate(self) -> None:
        """The coordinator's part."""
        self._say("A coordinator takes the encoder. It holds no code that could read a platform's data.")
        port = _free_port()
        self._run("graft-server", "init", "coordinator", "--encoder", ENCODER, "--host", "127.0.0.1", "--port", port)
        self.commands.started("graft-server", "stop", "coordinator")
        self._run("graft-server", "start", "coordinator", "--background")
        self._port = port

    def join(self, data: dict[str, str]) -> None:
        """The platforms' part."""
        self._say("Two shops and a film service join: each makes a key pair and a vault, and starts its agent.")
        server = ("--server", f"localhost:{self._port}", "--ca", "coordinator/tls/ca.crt")
        for name in PLATFORMS:
            self.commands.started("graft-client", "stop", name)
            self._run(
                "graft-client",
                "init",
                name,
                *server,
                "--name",
                name,
                "--data",
                data[name],
                "--privacy",
                "plain",
                "--start",
            )
        keys = [word for name in PLATFORMS for word in ("--public-key", f"{name}/node.key.pub")]
        self._run("graft-server", "enroll", "coordinator", *PLATFORMS, *keys)

    def federate(self, rounds: int) -> None:
        """Rounds of all three."""
        self._say(
            "They improve it together: each trains it on its own events, and sends what came of it, nothing else."
        )
        asked = ("--rounds", rounds, "--min-platforms", len(PLATFORMS), "--set", "wait-seconds=600")
        asked += ("--set", f"evaluate-every={rounds}")
        self._run("graft-server", "run", "coordinator", *asked)

    def publish(self) -> None:
        """The coordinator's part."""
        self._publish("The coordinator publishes what came of it as a signed release.")
        self._say("It says whose keys count.")
        self._run("graft-server", "release", "root", "coordinator", ROOT)

    def install(self) -> None:
        """What each platform serves from now on."""
        self._say("Each platform checks the release and fits its recommender; its gate says what is served, and why.")
        for name in PLATFORMS:
            if self.commands.is_refused("graft-client", "update", name, "--root", ROOT, "--no-own"):
                self._run("graft-client", "fit", name, "--encoder", NEWEST, "--no-own")

    def serve(self) -> tuple[str, str]:
        """Address and token of the shop's service."""
        self._say("The shop serves lists on this machine, to callers with a token.")
        token = self._run("graft-client", "token", "add", "web", "--tokens", f"{SHOP}/tokens", quiet=True).strip()
        ports = ("--port", 0, "--http-port", 0, "--seconds", 30)
        line = self.commands.start("graft-client", "serve", SHOP, *ports).stdout.readline()
        print(f"    {line.strip()}", flush=True)
        return re.search(r"http://\S+", line)[0], token

    def visits(self, address: str, token: str, shop: Path) -> None:
        """People who click."""
        self._say("People look at the shop's lists and click; each click is on disk before it is acknowledged.")
        people = [*people_of(shop, self.visitors // 2), *(str(900000 + one) for one in range(self.visitors // 2))]
        found = visit(address, token, people, kinds_of(shop), seed=1)
        print(f"    {found.lists} lists, {found.clicks} clicks; half of the people were strangers", flush=True)

    def learn(self, address: str, token: str, shop: Path) -> None:
        """The head first, then the next round."""
        self._say("The shop's head learns from the clicks, and is swapped in while it serves.")
        before = _head(address)
        self._run("graft-client", "fit", SHOP, "--encoder", NEWEST, "--no-own")
        wait_until(lambda: _head(address) != before, "a new head is swapped in")
        print(f"    head {before} is now {_head(address)}", flush=True)
        self._say("Adaptation watches whether lists have drifted: a few clicks are none, many would lead to a refit.")
        self._run("graft-client", "adapt", SHOP)
        self._say("And the next rounds use them: what people clicked is among the shop's events.")
        self.federate(self.rounds)
        visit(address, token, people_of(shop, 3), kinds_of(shop), seed=2)

    def publish_again(self) -> None:
        """A second release, taken by two."""
        self._publish("What came of those rounds is the second release, unless a platform lost too much by it.")
        self._say("Both shops look at it.")
        for name in (SHOP, SECOND):
            self.commands.is_refused("graft-client", "update", name, "--no-own")

    def roll_back(self) -> None:
        """One shop's own decision."""
        self._say("The second shop takes it back: what it served before is served again, without a fit.")
        self.commands.is_refused("graft-client", "roll-back", SECOND)
        self._run("graft-client", "status", SECOND)

    def tamper(self) -> None:
        """A mirror that lies."""
        self._say("A mirror changes one byte of the encoder; the film service refuses it, and serves what it served.")
        mirror = self.commands.folder / MIRROR
        shutil.copytree(self.commands.folder / "coordinator" / "releases", mirror)
        newest = max((mirror / "targets").glob("*.safetensors"), key=_version)
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
        if not self.commands.is_refused("graft-client", "update", FILMS, "--from", MIRROR, "--no-own"):
            raise CommandFailed("a release with a changed byte was taken")

    def tell(self) -> None:
        """What left, and how long all took."""
        self._say("What has left the shop, in the words of its own ledger:")
        self._run("graft-client", "audit", SHOP)
        self._run("graft-server", "status", "coordinator")
        print(f"\nDone in {time.monotonic() - self._began:.0f} seconds; what was started is ended now, the last first.")

    def _publish(self, words: str) -> None:
        """A release; where it is held, its operator publishes it all the same, and the manifest says so."""
        self._say(words)
        publish = ("graft-server", "release", "publish", "coordinator")
        if self.commands.is_refused(*publish):
            self._say("It is held. The operator has read why, and leaves it to each platform's own gate.")
            self._run(*publish, "--despite", "each platform's own gate decides")

    def _say(self, words: str) -> None:
        self._steps += 1
        print(f"\n{self._steps}. [{time.monotonic() - self._began:.0f} s] {words}", flush=True)

    def _run(self, *words: object, quiet: bool = False) -> str:
        return self.commands.run(*words, quiet=quiet)


def _head(address: str) -> str:
    answer = httpx.get(f"{address}/v1/health", timeout=60, trust_env=False).raise_for_status()
    return str(answer.json()["head"])


def _version(file: Path) -> int:
    """Of a release, by the name of its encoder."""
    return int(re.search(r"encoder-(\d+)", file.name)[1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
