#!/usr/bin/env bash
# dp-accounting: under REPLACE_ONE two accountants answer for two neighbourhoods.
# Expected: for one event the PLD accountant, which is tight, is never above the RDP accountant, which is a bound.
# Found: under REPLACE_ONE it is more than twice as high: RDP takes the noise multiplier as of replacing, PLD as of
# adding or removing, where a replacement moves twice as far.
# What to do: ADD_OR_REMOVE_ONE, or a sensitivity of one's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'dp-accounting==0.6.*'
venv/bin/python -I - <<'END'
import sys
from importlib.metadata import version

from dp_accounting import GaussianDpEvent, NeighboringRelation, SelfComposedDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant

print("dp-accounting", version("dp-accounting"))
rounds = SelfComposedDpEvent(GaussianDpEvent(noise_multiplier=5.0), 30)
found = {}
for relation in (NeighboringRelation.ADD_OR_REMOVE_ONE, NeighboringRelation.REPLACE_ONE):
    for accountant in (RdpAccountant, PLDAccountant):
        spent = accountant(neighboring_relation=relation).compose(rounds).get_epsilon(1e-6)
        found[relation.name, accountant.__name__] = spent
        print(f"{relation.name}, {accountant.__name__}: epsilon {spent:.2f} at delta 1e-6")
tight = found["ADD_OR_REMOVE_ONE", "PLDAccountant"] < found["ADD_OR_REMOVE_ONE", "RdpAccountant"]
twice = found["REPLACE_ONE", "PLDAccountant"] > 2 * found["REPLACE_ONE", "RdpAccountant"]
sys.exit(0 if tight and twice else "the behaviour changed")
END
