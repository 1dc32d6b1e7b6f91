#!/usr/bin/env bash
# Flower: flwr build leaves out a module of the app because of its name.
# Expected: a bundle with every module that the app imports, or a word about one that is not in it.
# Found: files named test_*.py and *_test.py are dropped in silence, an ab_test.py too, and the app fails where it is
# run.
# What to do: no such names in an app; unpack the bundle and import it once before it is handed out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'flwr==1.42.*'
venv/bin/python -I - <<'END'
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

PROJECT = """
[project]
name = "shares"
version = "1.0.0"
description = "An app"
license = "Apache-2.0"
dependencies = ["flwr"]
[tool.flwr.app]
publisher = "somebody"
[tool.flwr.app.components]
serverapp = "shares.server:app"
clientapp = "shares.client:app"
"""
SERVER = """
from flwr.serverapp import ServerApp
from shares.ab_test import share
app = ServerApp()
"""
folder = Path("shares")
package = folder / "shares"
package.mkdir(parents=True)
(folder / "pyproject.toml").write_text(PROJECT)
(package / "__init__.py").touch()
(package / "ab_test.py").write_text("share = 0.5\n")
(package / "server.py").write_text(SERVER)
(package / "client.py").write_text("from flwr.clientapp import ClientApp\napp = ClientApp()\n")
quiet = {"FLWR_HOME": str(Path.cwd() / "home"), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
flwr = Path(sys.executable).parent / "flwr"
done = subprocess.run([flwr, "build"], cwd=folder, env=os.environ | quiet, capture_output=True, text=True, check=True)
(bundle,) = folder.glob("*.fab")
held = sorted(name for name in zipfile.ZipFile(bundle).namelist() if name.startswith("shares/"))
written = sorted(f"shares/{path.name}" for path in package.iterdir())
print("flwr", version("flwr"))
print("modules of the app:", written)
print("in the bundle:", held)
print("what flwr build said of it:", "ab_test" in done.stdout + done.stderr or "nothing")
sys.exit(0 if set(written) - set(held) == {"shares/ab_test.py"} else "the behaviour changed")
END
