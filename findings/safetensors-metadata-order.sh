#!/usr/bin/env bash
# safetensors: the same arrays and metadata are other bytes in every process.
# Expected: one content, one file.
# Found: several metadata keys are written in an order that changes from process to process, so digests of files
# differ.
# What to do: one metadata key with sorted JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'safetensors==0.8.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import hashlib
import subprocess
import sys
from importlib.metadata import version

SAVE = '''
import sys, numpy as np
from safetensors.numpy import save
sys.stdout.buffer.write(save({"weight": np.ones(3)}, {key: "text" for key in %r}))
'''


def digests(keys):
    written = [subprocess.run([sys.executable, "-Ic", SAVE % keys], capture_output=True, check=True) for _ in range(8)]
    return {hashlib.sha256(one.stdout).hexdigest()[:16] for one in written}


print("safetensors", version("safetensors"))
one, eight = digests("a"), digests("abcdefgh")
print("digests of 8 files with one metadata key:", sorted(one))
print("digests of 8 files with eight metadata keys:", sorted(eight))
sys.exit(0 if len(one) == 1 and len(eight) > 1 else "the behaviour changed")
END
