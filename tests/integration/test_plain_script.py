"""A script without ``if __name__ == "__main__"`` may simulate: what works on its platforms does not run it again."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.commands import REPOSITORY
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

_SCRIPT = """
import graft

print("the script begins")
platforms = ["a={folder},users=0-50", "b={folder},users=50-100"]
results = graft.simulate(
    {out!r}, platform=platforms, methods=["popularity", "item-knn"], features={features!r}, jobs=2
)
print(results.methods.height, "rows")
"""


def test_a_plain_script_simulates_in_several_processes(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path / "shop")
    script = tmp_path / "experiment.py"
    script.write_text(_SCRIPT.format(folder=folder, out=str(tmp_path / "out"), features=FEATURES))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["the script begins", "4 rows"]
