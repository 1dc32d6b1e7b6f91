"""Flower's own command line, through which the coordinator speaks to its engine on loopback."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from server.coordinator.home import ServerHome
from server.engine.database import is_under_way
from shared.errors import EngineError
from shared.system.engine_environment import run_flwr

CONNECTION = "graft"
SECONDS = 60.0


@dataclass(frozen=True)
class FlwrCommand:
    """Commands to one engine; each raises EngineError where the engine cannot be reached or refuses."""

    home: ServerHome

    def connect(self, port: int) -> None:
        """Write down where the engine is; further commands go there.

        Args:
            port: of loopback.
        """
        connection = {"address": f"127.0.0.1:{port}", "root-certificates": str(self.home.authority)}
        content = {"superlink": {"default": CONNECTION, CONNECTION: connection}}
        self.home.engine.mkdir(parents=True, exist_ok=True)
        (self.home.engine / "config.toml").write_bytes(tomli_w.dumps(content).encode("utf-8"))

    def register(self, name: str, key: str) -> int:
        """Admit a key under a name.

        Args:
            name: the platform's name.
            key: its public key in OpenSSH's form.

        Returns:
            The node's id in the engine.

        Raises:
            EngineError: if the engine cannot be reached or refuses.
        """
        with tempfile.TemporaryDirectory(dir=self.home.state) as folder:
            path = Path(folder) / "node.pub"
            path.write_text(key + "\n", "ascii")
            return int(self._answer("supernode", "register", str(path), CONNECTION, "--name", name)["node-id"])

    def unregister(self, node: int) -> None:
        """Shut a node out."""
        self._answer("supernode", "unregister", str(node), CONNECTION)

    def nodes(self) -> dict[int, str]:
        """Node id to status: registered, online or offline."""
        listed = self._answer("supernode", "list", CONNECTION)["nodes"]
        return {int(node["node-id"]): str(node["status"]) for node in listed}

    def submit(self, app: Path, config: Mapping[str, bool | int | float | str]) -> int:
        """Start a run of an app folder.

        Args:
            app: the app folder.
            config: the run config, by name of the option.

        Returns:
            The run's id in the engine.

        Raises:
            EngineError: if the engine cannot be reached or refuses.
        """
        with tempfile.TemporaryDirectory(dir=self.home.state) as folder:
            path = Path(folder) / "run.toml"
            path.write_bytes(tomli_w.dumps(dict(config)).encode("utf-8"))
            return int(self._answer("run", str(app), CONNECTION, "--run-config", str(path))["run-id"])

    def surely_runs(self, run: int) -> bool:
        """Whether the run waits or runs, by a sign that costs nothing; where there is none, ``run_status`` tells."""
        return is_under_way(self.home.database, run, now=datetime.now(UTC))

    def run_status(self, run: int) -> str:
        """``pending``, ``starting``, ``running``, or ``finished:`` and how."""
        return str(self._answer("list", CONNECTION, "--run-id", str(run))["runs"][0]["status"])

    def stop_run(self, run: int) -> None:
        """End a run that is under way."""
        self._answer("stop", str(run), CONNECTION)

    def _answer(self, *arguments: str) -> dict[str, Any]:
        """The JSON object that the command prints."""
        try:
            words = (*arguments, "--format", "json")
            done = run_flwr(*words, home=self.home.engine, folder=self.home.state, seconds=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"flwr {arguments[0]} gave no answer: {error}") from error
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError as error:
            raise EngineError(f"flwr {arguments[0]}: {_last_line(done.stdout + done.stderr)}") from error
        if not answer.get("success", False):
            raise EngineError(f"flwr {arguments[0]}: {' '.join(str(answer.get('error-message', 'refused')).split())}")
        return answer


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no answer"
