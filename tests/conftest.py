"""What holds for every test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.integration.commands import command_server

settings.register_profile("same-examples-everywhere", derandomize=True, database=None)
settings.load_profile("same-examples-everywhere")


def pytest_configure(config: pytest.Config) -> None:
    """One server of commands, for all workers."""
    if not hasattr(config, "workerinput"):
        whole_run = ExitStack()
        whole_run.enter_context(command_server())
        config.add_cleanup(whole_run.close)


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What this machine keeps of platforms is not what it keeps of those of tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Parallel test workers share the cores: more threads than that only wait for each other."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    with threadpool_limits(1, user_api="blas"):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start Flower's processes first, then all that run whole commands: else a worker ends long after."""
    engines = {item.path for item in items if item.get_closest_marker("engine")}
    items.sort(key=lambda item: (item.path not in engines, "integration" not in item.path.parts))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With ``-n``, a file is one worker's, so that what its tests share is made once, and files keep their order."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
