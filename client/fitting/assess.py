"""``graft-client assess``: what ``fit`` would serve with an encoder on offer, and whether it is worth joining for."""

from pathlib import Path

from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import open_fit
from client.gate.assessment import Assessment, assess_stacks
from shared.errors import DataError
from shared.seeding import rng_for
from shared.system.progress import track

MIN_USERS = 20
"""Below which there is nothing to cross-validate."""


def assess_platform(folder: Path, encoder_file: Path, settings: FitSettings) -> Assessment:
    """Fit as ``fit`` does, store nothing, and say what follows; raises InputError for bad input."""
    fit = open_fit(folder, encoder_file, settings).fit
    users = len(fit.prepared.platform.training_users)
    if users < MIN_USERS:
        raise DataError(f"{folder}: an assessment takes {MIN_USERS} users with 3 events; got {users}")
    for step in track((fit.train, fit.stack), "assessing", total=2):
        step()
    return assess_stacks(fit.stacks, fit.verdict, users, rng_for(fit.seed, fit.prepared.name, "assess"))
