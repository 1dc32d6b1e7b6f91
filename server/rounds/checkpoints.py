"""What the server leaves on disk after each round: one file to go on from, and beside it what people read.

The checkpoint is the truth, replaced whole in one step; the moments that it names were written before it, to a file of
their own, named by the digest of what is in it: they are much larger than an encoder, and change once in a run. The
encoder and the history are written after the checkpoint and can be made from it again; a run that goes on begins by
doing so.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.rounds.run_state import RoundRecord, RunState
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, save_encoder
from shared.encoder.linear import Float64, Moments
from shared.errors import CheckpointError, ConfigError, os_error_as
from shared.federation.config import RoundsConfig
from shared.privacy.promise import NOISED
from shared.system.array_file import NotAnArrayFile, array_digest, array_file, read_array_file
from shared.system.options import renamed
from shared.system.whole_file import write_whole

MOMENTS_FILES = "moments-*.safetensors"


class KeptMoments:
    """The moments in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: Mapping[str, Moments] = {}
        self._digest = ""

    def keep(self, moments: Mapping[str, Moments]) -> str:
        """Keep moments on the disk; they are there when this returns.

        Args:
            moments: by platform; those that were kept last are not written again.

        Returns:
            Their digest; empty where there are none.

        Raises:
            OSError: if they cannot be written.
        """
        if moments is not self._last:
            self._digest = self._written(moments) if moments else ""
            self._last = moments
        return self._digest

    def keep_only(self, digest: str) -> None:
        """Remove what an earlier checkpoint named.

        Args:
            digest: of the moments that stay; empty: none stay.
        """
        for path in self._folder.glob(MOMENTS_FILES):
            if path != self._path(digest):
                path.unlink(missing_ok=True)

    def read(self, digest: str, dim: int) -> dict[str, Moments]:
        """What was kept under the digest.

        Args:
            digest: of the moments, as ``keep`` gave it; empty where there are none.
            dim: D, the dimensions of item vectors.

        Returns:
            Moments by platform, in the order of names; empty for an empty digest.

        Raises:
            CheckpointError: if the file is not there, or not whole.
        """
        if not digest:
            return {}
        path = self._path(digest)
        try:
            flat, _texts = read_array_file(path)
        except (NotAnArrayFile, OSError) as error:
            raise CheckpointError(f"{path}: the moments that the checkpoint names are missing or not whole") from error
        if array_digest(flat, "") != digest:
            raise CheckpointError(f"{path}: damaged, its digest does not match")
        return {name: Moments.from_flat(values, dim) for name, values in sorted(flat.items())}

    def _written(self, moments: Mapping[str, Moments]) -> str:
        flat: dict[str, Float64] = {
            name: platform_moments.to_flat() for name, platform_moments in sorted(moments.items())
        }
        digest = array_digest(flat, "")
        if not self._path(digest).exists():
            write_whole(self._path(digest), array_file(flat, {}))
        return digest

    def _path(self, digest: str) -> Path:
        return self._folder / f"moments-{digest[:16]}.safetensors"


ENCODER_FILE, HISTORY_FILE = "encoder.safetensors", "rounds.json"
CHECKPOINT_FILE, OUTCOME_FILE = "checkpoint.safetensors", "outcome.json"
FORMAT = "graft-run/4"
_FLAT, _KEPT, _OPTIMISER = "encoder", "kept", "optimiser/"


class Checkpoints:
    """The files of one run: of one config and starting encoder."""

    def __init__(self, folder: Path, card: EncoderCard, *, config: RoundsConfig, start: Encoder) -> None:
        self._folder, self._card = folder, card
        self._identity: dict[str, Any] = {"config": dict(config.to_run_config()), "starting encoder": start.digest}
        self._spec = start.spec
        self._moments = KeptMoments(folder)

    def save(self, state: RunState) -> None:
        """Write the checkpoint, then the other files, each in one step; raises CheckpointError where that fails."""
        folder = self._folder
        with os_error_as(CheckpointError, f"{folder}: the run cannot be written"):
            folder.mkdir(parents=True, exist_ok=True)
            moments = self._moments.keep(state.moments)
            write_whole(folder / CHECKPOINT_FILE, _checkpoint_bytes(state, {**self._identity, "moments": moments}))
            self._moments.keep_only(moments)
            save_encoder(folder / ENCODER_FILE, state.released, self._card_of(state.released, state))
            history = [record.to_json() for record in state.history]
            write_whole(folder / HISTORY_FILE, json.dumps(history, indent=1).encode("utf-8"))

    def _card_of(self, released: Encoder, state: RunState) -> EncoderCard:
        """That of the start for the starting encoder; what the run made has its promise, where all of it bore noise.

        A sequence part that was trained without noise, by the run or before it, bears none; and scores of a linear part
        that is carried as a cross moment have another scale than the start was calibrated at.
        """
        if released.digest == self._identity["starting encoder"]:
            return self._card
        config, noised = self._identity["config"], released.spec.linear == "cross"
        has_promise = noised and config["privacy"] in NOISED and not released.has_sequence
        promise = {name: float(config[name]) for name in ("epsilon", "delta")} if has_promise else {}
        rounds, validation = state.released_after()
        return replace(
            self._card,
            privacy=promise,
            calibration={} if noised else self._card.calibration,
            rounds=self._card.rounds + rounds,
            validation=validation,
        )

    def load(self) -> RunState | None:
        """The state to go on from, or None where the folder holds none.

        Raises CheckpointError where a file is damaged, ConfigError where it is of another config or starting encoder.
        """
        path = self._folder / CHECKPOINT_FILE
        if not path.exists():
            return None
        arrays, facts = _read(path)
        facts["config"] = renamed(RoundsConfig, facts["config"])
        for what, expected in self._identity.items():
            if facts[what] != expected:
                raise ConfigError(f"{path}: the run that stands here has another {what}; it cannot go on with this one")
        return RunState(
            encoder=self._encoder(arrays[_FLAT], facts, _FLAT),
            kept=self._encoder(arrays[_KEPT], facts, _KEPT) if _KEPT in arrays else None,
            run=facts["run"],
            round=facts["round"],
            cohort=tuple(facts["cohort"]),
            moments=self._moments.read(facts["moments"], self._spec.input_dim),
            optimiser={
                name.removeprefix(_OPTIMISER): value for name, value in arrays.items() if name.startswith(_OPTIMISER)
            },
            history=tuple(RoundRecord.from_json(record) for record in facts["history"]),
        )

    def _encoder(self, flat: NDArray[np.float32], facts: Mapping[str, Any], which: str) -> Encoder:
        form = facts.get("linear", {}).get(which, "map")
        return Encoder(spec=replace(self._spec, linear=form), flat=flat)


def load_moments(folder: Path, dim: int) -> dict[str, Moments]:
    """The moments that a run's folder holds.

    Args:
        folder: of the run's files.
        dim: D, the dimensions of item vectors.

    Returns:
        Moments by platform; empty where the run has none.

    Raises:
        CheckpointError: if the checkpoint or the file of moments is missing or damaged.
    """
    _arrays, facts = _read(folder / CHECKPOINT_FILE)
    return KeptMoments(folder).read(facts["moments"], dim)


def save_outcome(folder: Path, reason: str) -> None:
    """Say how the run ended: completed where there is no reason to the contrary.

    Args:
        folder: of the run's files; it is made where there is none.
        reason: why the run failed, in words; empty where it is completed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcome = {"state": "failed" if reason else "completed", "reason": reason}
    write_whole(folder / OUTCOME_FILE, json.dumps(outcome).encode("utf-8"))


def _checkpoint_bytes(state: RunState, further: Mapping[str, Any]) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        _FLAT: state.encoder.flat,
        **({} if state.kept is None else {_KEPT: state.kept.flat}),
        **{_OPTIMISER + name: value for name, value in state.optimiser.items()},
    }
    facts = json.dumps(
        {
            **further,
            "run": state.run,
            "round": state.round,
            "cohort": list(state.cohort),
            "linear": {_FLAT: state.encoder.spec.linear, _KEPT: state.released.spec.linear},
            "history": [record.to_json() for record in state.history],
        },
        sort_keys=True,
    )
    return array_file(arrays, {"format": FORMAT, "facts": facts, "digest": array_digest(arrays, facts)})


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        arrays, metadata = read_array_file(path)
    except (NotAnArrayFile, OSError) as error:
        raise CheckpointError(f"{path}: not a whole checkpoint") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected the format {FORMAT}; got {metadata.get('format')!r}")
    if metadata.get("digest") != array_digest(arrays, metadata.get("facts", "")):
        raise CheckpointError(f"{path}: damaged, its digest does not match")
    facts: dict[str, Any] = json.loads(metadata["facts"])
    return arrays, facts
