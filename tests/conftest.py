"""What holds for every test."""

import pytest
import torch
from hypothesis import settings

settings.register_profile("same-examples-everywhere", derandomize=True, database=None)
settings.load_profile("same-examples-everywhere")

# parallel test workers share the cores; more threads than that only wait for each other
torch.set_num_threads(1)

LONGEST = (
    "integration/deployed/test_federation.py",
    "integration/deployed/test_shut_out_and_back.py",
    "integration/deployed/test_slow_and_gone.py",
    "integration/deployed/test_walkthrough.py",
    "integration/deployed/test_story.py",
    "integration/test_resume.py",
    "integration/test_refused_bundle.py",
    "unit/server/rounds/test_exact_resume.py",
    "integration/test_commands.py",
    "integration/serving/test_service_process.py",
    "integration/test_joining.py",
    "integration/test_backup.py",
    "unit/simulations/report/test_plots.py",
    "integration/test_every_folder.py",
    "integration/test_same_seed.py",
    "unit/client/data/importers/test_command.py",
    "unit/server/rounds/test_loop.py",
    "attacks/test_bad_replies.py",
)
"""files of tests that take the longest: they come first, so that no worker is left with one when all else is done"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they were."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.split("::")[0].partition("/")[2], len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With ``-n``, a file is one worker's, so that what its tests share is made once, and files keep their order."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
