"""The gate before a bundle: what is not on the list is neither unpacked nor imported, whatever it calls itself."""

import hashlib
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from client.guard.approved_bundles import approve, write_programs
from client.guard.gatekeeper import PROGRAMS, WHOLE, BundleRefused, Gate, approved_digests
from shared.errors import ConfigError

BUNDLE, OTHER = b"the release", b"a bundle without its guard"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def runtime(content: bytes, claimed: str, done: list[str]) -> SimpleNamespace:
    """Flower's module: what it was sent, and what it did."""
    fab = SimpleNamespace(content=content, hash_str=claimed)
    return SimpleNamespace(
        pull_task_input=lambda _client: ("message", "context", "run", fab),
        install_from_fab=lambda _content, **_: done.append("installed") or Path("/apps/graft"),
        get_load_client_app_fn=lambda **_: lambda *_: done.append("loaded"),
        get_project_dir=lambda name, _version, _digest: Path("/apps") / name,
    )


def run(engine: SimpleNamespace, name: str = "graft") -> None:
    """As Flower's process does it."""
    *_, fab = engine.pull_task_input(None)
    engine.install_from_fab(fab.content, skip_prompt=True)
    engine.get_load_client_app_fn(multi_app=True)(name, "0.1.0", fab.hash_str)


@pytest.fixture
def approved(tmp_path) -> Path:
    approve(tmp_path / "approved.txt", digest(BUNDLE))
    return tmp_path / "approved.txt"


def test_lets_an_approved_bundle_in(approved) -> None:
    done: list[str] = []
    engine = runtime(BUNDLE, digest(BUNDLE), done)
    Gate(approved).stand_in(engine)
    run(engine)
    assert done == ["installed", "loaded"]


@pytest.mark.parametrize("claimed", [digest(OTHER), digest(BUNDLE)], ids=["under its own digest", "under another's"])
def test_refuses_another_before_it_is_unpacked_and_names_it(approved, claimed) -> None:
    done: list[str] = []
    engine = runtime(OTHER, claimed, done)
    Gate(approved).stand_in(engine)
    with pytest.raises(BundleRefused, match=digest(OTHER)):
        run(engine)
    assert done == []


def test_imports_nothing_that_it_did_not_unpack_itself(approved) -> None:
    done: list[str] = []
    engine = runtime(BUNDLE, digest(BUNDLE), done)
    Gate(approved).stand_in(engine)
    with pytest.raises(BundleRefused, match="was not admitted"):
        engine.get_load_client_app_fn()("graft", "0.1.0", digest(BUNDLE))
    with pytest.raises(BundleRefused, match="was not admitted as elsewhere"):
        run(engine, "elsewhere")
    assert done == ["installed"]


def installing(folder: Path, done: list[str], *, breaks: bool = False) -> SimpleNamespace:
    """Flower's module with a real folder: one task more of the same run."""

    def install(_content: bytes, install_dir: Path | None = None, **_options: object) -> Path:
        place = (install_dir or folder) / "graft"
        if place.exists():
            return place
        done.append("unpacked")
        place.mkdir()
        (place / "first.py").write_text("1", "utf-8")
        if breaks:
            raise OSError("the disk is full")
        (place / "last.py").write_text("2", "utf-8")
        return place

    engine = runtime(BUNDLE, digest(BUNDLE), done)
    fab = SimpleNamespace(content=BUNDLE, hash_str=digest(BUNDLE))
    named = SimpleNamespace(fab_id="graft", fab_version="0.1.0")
    engine.pull_task_input = lambda _client: ("message", "context", named, fab)
    engine.install_from_fab = install
    engine.get_project_dir = lambda name, _version, _digest: folder / name
    return engine


def task(approved: Path, engine: SimpleNamespace) -> None:
    """In a process of its own."""
    Gate(approved).stand_in(engine)
    run(engine)


def test_unpacks_a_bundle_once(approved, tmp_path) -> None:
    done: list[str] = []
    for _ in range(3):
        task(approved, installing(tmp_path, done))
    assert done == ["unpacked", "loaded", "loaded", "loaded"]


def test_what_was_cut_off_or_is_of_another_bundle_does_not_count_as_unpacked(approved, tmp_path) -> None:
    done: list[str] = []
    with pytest.raises(OSError, match="full"):
        task(approved, installing(tmp_path, done, breaks=True))
    task(approved, installing(tmp_path, done))
    task(approved, installing(tmp_path, done))
    (tmp_path / "graft" / WHOLE).write_text(digest(OTHER), "utf-8")
    task(approved, installing(tmp_path, done))
    assert done == ["unpacked", "unpacked", "loaded", "loaded", "unpacked", "loaded"]


def test_completes_a_folder_that_a_kill_cut_off(approved, tmp_path) -> None:
    done: list[str] = []
    (tmp_path / "graft").mkdir()
    (tmp_path / "graft" / "first.py").write_text("", "utf-8")
    task(approved, installing(tmp_path, done))
    found = {one.name: one.read_text("utf-8") for one in (tmp_path / "graft").iterdir()}
    assert found == {"first.py": "1", "last.py": "2", WHOLE: digest(BUNDLE)}
    task(approved, installing(tmp_path, done))
    assert done == ["unpacked", "loaded", "loaded"]


def test_a_bundle_that_is_taken_off_the_list_is_refused_though_it_stands_there(approved, tmp_path) -> None:
    done: list[str] = []
    task(approved, installing(tmp_path, done))
    approved.write_text("", "utf-8")
    with pytest.raises(BundleRefused):
        task(approved, installing(tmp_path, done))
    assert done == ["unpacked", "loaded"]


def test_does_not_start_where_flower_has_no_such_place() -> None:
    with pytest.raises(AttributeError):
        Gate(Path("none")).stand_in(SimpleNamespace(pull_task_input=print))


def test_flower_has_the_places() -> None:
    from flwr.supercore.constant import TASK_TYPE_TO_COMMAND
    from flwr.supernode.runtime import run_clientapp

    names = ("pull_task_input", "install_from_fab", "get_load_client_app_fn", "get_project_dir")
    assert all(callable(getattr(run_clientapp, name)) for name in names)
    assert set(TASK_TYPE_TO_COMMAND.values()) == set(PROGRAMS)


def test_approves_nothing_without_a_list(tmp_path) -> None:
    with pytest.raises(BundleRefused):
        Gate(tmp_path / "none.txt").admit(BUNDLE)


def test_a_list_holds_files_and_digests_once_and_takes_remarks(tmp_path) -> None:
    path, bundle = tmp_path / "approved.txt", tmp_path / "graft.fab"
    path.write_text(f"# of this house\n{digest(OTHER)}  release 0.0.9\n")
    bundle.write_bytes(BUNDLE)
    assert approve(path, str(bundle)) == approve(path, digest(BUNDLE).upper()) == digest(BUNDLE)
    assert approved_digests(path) == {digest(OTHER), digest(BUNDLE)}
    assert path.read_text().count(digest(BUNDLE)) == 1
    with pytest.raises(ConfigError, match=r"expected a bundle \(.fab\) or its SHA-256 digest"):
        approve(path, str(tmp_path / "none.fab"))


def test_every_other_program_that_runs_code_stays_shut(tmp_path, approved) -> None:
    folder = write_programs(tmp_path / "bin", approved)
    assert {path.name for path in folder.iterdir()} == set(PROGRAMS)
    done = subprocess.run([folder / "flwr-agentapp", "--token", "x"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "flwr-agentapp is not run on a platform" in done.stderr
