#!/usr/bin/env bash
# Opacus: its wheel installs two more top-level packages, benchmarks and examples.
# Expected: a distribution brings the package of its name; a project's own folder benchmarks/, which comes first on the
# path, is what `import benchmarks` finds.
# Found: the wheel brings benchmarks/__init__.py and examples/__init__.py. A regular package anywhere on the path wins
# over a folder without __init__.py before it, so the project's scripts can no longer be imported.
# What to do: an __init__.py in one's own folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'opacus==1.6.*' 'torch==2.13.*'
venv/bin/python -I - <<'END'
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

folder = Path("project/benchmarks")
folder.mkdir(parents=True)
(folder / "speed.py").write_text('print("the project")')

print("opacus", version("opacus"))
names = sorted((distribution("opacus").read_text("top_level.txt") or "").split())
print("top-level packages:", ", ".join(names))


def imported() -> bool:
    call = [sys.executable, "-c", "import benchmarks.speed"]
    done = subprocess.run(call, cwd="project", capture_output=True, text=True)
    print(done.stdout.strip() or done.stderr.strip().splitlines()[-1])
    return done.returncode == 0


hidden = not imported()
(folder / "__init__.py").touch()
found = imported()
sys.exit(0 if names == ["benchmarks", "examples", "opacus"] and hidden and found else "the behaviour changed")
END
