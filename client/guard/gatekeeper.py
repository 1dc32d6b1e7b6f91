"""The gate before Flower's ClientApp process: code of a bundle that this platform has not approved never runs.

A coordinator chooses the bundle of a run, and an agent's engine would run whatever comes, so a guard inside the bundle
guards against nobody (docs/decisions/0013). This module is started in the place of Flower's own program by the scripts
of ``approved_bundles.py``, by its path: it imports nothing of Graft, whose packages the bundle brings once more.
"""

import hashlib
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CLIENT_APP = "flwr-clientapp"
PROGRAMS = (CLIENT_APP, "flwr-serverapp", "flwr-simulation", "flwr-agentapp", "flwr-model", "flwr-connector")
"""All that Flower's SuperExec may start; on a platform only the first has work to do, and the others stay shut: the
coordinator's own word (a run's type) would make a SuperNode start flwr-agentapp, which knows no gate."""

_PLAIN_LOG = Path(__file__).parents[2] / "shared" / "system" / "plain_log.py"


class BundleRefused(Exception):
    """What was sent is not approved; the text goes to the log and to the coordinator, who knows the bundle."""


WHOLE = ".whole"
"""in an unpacked bundle's folder: its digest, written once all of it stands there"""


def _replaced(source: str, target: str) -> str:
    """The target as a whole file that holds the same as the source, whoever reads it meanwhile."""
    part = f"{target}.{os.getpid()}.part"
    shutil.copy2(source, part)
    os.replace(part, target)
    return target


def _digest_in(path: Path) -> str:
    """Empty where there is no such file."""
    return path.read_text("utf-8") if path.is_file() else ""


def approved_digests(path: Path) -> frozenset[str]:
    """The SHA-256 digests in a list of one a line, words behind them ignored; none where there is no list."""
    if not path.is_file():
        return frozenset()
    lines = (line.split("#")[0].split() for line in path.read_text("utf-8").splitlines())
    return frozenset(words[0].lower() for words in lines if words)


class Gate:
    """Stands in the three places of Flower's ClientApp process through which a bundle comes in."""

    def __init__(self, approved: Path) -> None:
        self._approved = approved
        self._digest, self._installed = "", Path()
        self._run: Any = None
        self._place: Callable[..., Path] = Path

    def stand_in(self, runtime: Any) -> None:
        """Take the places of the engine's functions that fetch, install and load a bundle.

        Args:
            runtime: the module ``flwr.supernode.runtime.run_clientapp``, which is changed.

        Raises:
            AttributeError: if one of the functions is gone.
        """
        self._place = runtime.get_project_dir
        runtime.pull_task_input = self._pulling(runtime.pull_task_input)
        runtime.install_from_fab = self._installing(runtime.install_from_fab)
        runtime.get_load_client_app_fn = self._loading(runtime.get_load_client_app_fn)

    def admit(self, content: bytes) -> str:
        """Admit a bundle that is on the list as it stands now.

        Args:
            content: of the bundle.

        Returns:
            its SHA-256 digest.

        Raises:
            BundleRefused: if it is not on the list.
        """
        digest = hashlib.sha256(content).hexdigest()
        if digest not in approved_digests(self._approved):
            raise BundleRefused(
                f"bundle {digest} is not on this platform's list of approved bundles: nothing of it ran"
            )
        return digest

    def _pulling(self, pull: Callable[..., Any]) -> Callable[..., Any]:
        """The bundle's digest is reckoned here, not believed."""

        def pulled(client: Any) -> Any:
            message, context, run, fab = pull(client)
            self._run = run
            fab.hash_str = hashlib.sha256(fab.content).hexdigest()
            return message, context, run, fab

        return pulled

    def _installing(self, install: Callable[..., Path]) -> Callable[..., Path]:
        """Nothing is unpacked before it was admitted, nor once more where this gate saw it unpacked to its end.

        Flower unpacks a bundle for each task, only to find that its folder is there already: hundreds of files. It
        takes what a kill cut off for a whole bundle, so what it unpacks in its place is put there by this gate.
        """

        def installed(content: bytes, *arguments: Any, **options: Any) -> Path:
            self._digest = self.admit(content)
            known = self._known_place()
            if known is None:
                self._installed = install(content, *arguments, **options)
            elif _digest_in(known / WHOLE) == self._digest:
                self._installed = known
            else:
                self._installed = self._unpacked(known.parent, install, content)
            return self._installed

        return installed

    def _unpacked(self, folder: Path, install: Callable[..., Path], content: bytes) -> Path:
        """The admitted bundle's place in a folder, whole, whatever stood there; another task may be reading it."""
        with tempfile.TemporaryDirectory() as elsewhere:
            unpacked = install(content, Path(elsewhere), skip_prompt=True)
            place = folder / unpacked.name
            shutil.copytree(unpacked, place, copy_function=_replaced, dirs_exist_ok=True)
        (place / WHOLE).write_text(self._digest, "utf-8")
        return place

    def _known_place(self) -> Path | None:
        """Where the bundle of this run stands, or will; None where what the coordinator calls it is no name."""
        try:
            return self._place(self._run.fab_id, self._run.fab_version, self._digest)
        except (AttributeError, ValueError):
            return None

    def _loading(self, loader: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing is imported but what was admitted, from where it was unpacked."""

        def made(*arguments: Any, **options: Any) -> Callable[[str, str, str], Any]:
            load = loader(*arguments, **options)

            def loaded(name: str, version: str, digest: str) -> Any:
                if not self._digest or digest != self._digest or self._place(name, version, digest) != self._installed:
                    raise BundleRefused(f"bundle {digest} was not admitted as {name} {version}: nothing of it ran")
                return load(name, version, digest)

            return loaded

        return made


def log_plainly() -> None:
    """From now on what this process logs has times and no colours, as the engine's own programs have it."""
    runpy.run_path(str(_PLAIN_LOG))["plain_log"]()


def main(arguments: Sequence[str]) -> None:
    """``LIST PROGRAM [the program's own arguments]``."""
    approved, program, *program_arguments = arguments
    sys.argv = [program, *program_arguments]
    if program != CLIENT_APP:
        sys.exit(f"{program} is not run on a platform, whatever a coordinator asks")
    from flwr.supernode.cli import flwr_clientapp
    from flwr.supernode.runtime import run_clientapp as runtime

    log_plainly()
    Gate(Path(approved)).stand_in(runtime)
    flwr_clientapp()


if __name__ == "__main__":
    main(sys.argv[1:])
