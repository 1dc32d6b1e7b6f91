"""Whether an agent's folder can be written to: a full disk fails a round after it has begun."""

import os
import shutil
from pathlib import Path

from client.agent.finding import Cause, Finding

LEAST_MIB = 256
"""free, for heads, encoders, logs and an answer on its way"""
_MIB = 2**20


def room_in(folder: Path) -> Finding | None:
    """None where there is enough; nothing is written to find out."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        why = f"{folder} lies on a disk that can only be read"
        return Finding(cause=Cause.DISK, why=why, do="mount it for writing")
    free = shutil.disk_usage(folder).free // _MIB
    if free >= LEAST_MIB:
        return None
    why = f"{folder} lies on a disk with {free:,} MiB free; rounds want {LEAST_MIB} or more"
    return Finding(cause=Cause.DISK, why=why, do="make room on it; its vault, state and logs are written to it")
