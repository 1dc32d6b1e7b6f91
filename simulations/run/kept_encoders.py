"""What was trained, kept on disk: under each seed for a resumed run, and once for all runs that begin with the same."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from client.features.prepared_platform import PreparedPlatform
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import EncoderFileError
from shared.system.whole_file import write_whole
from simulations.results.outcomes import HelpOutcome, RoundOutcome
from simulations.results.result_document import versions
from simulations.run.run_identity import code_digest

Made = tuple[Encoder, EncoderCard]
"""An encoder and what is released with it."""

_ROUNDS_FILE = "rounds.json"


class KeptEncoders:
    """A folder of encoders; what is there and whole is not made again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def encoder(self, name: str, make: Callable[[], Made]) -> Made:
        """The encoder of this name: the kept one, or what ``make`` gives, as it is read from the file."""
        file = self._folder / f"{name}.safetensors"
        try:
            return load_encoder(file)
        except EncoderFileError:
            encoder, card = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        save_encoder(file, encoder, card)
        return load_encoder(file)

    def keep_rounds(self, rounds: list[RoundOutcome], who_helps: HelpOutcome) -> None:
        """To be called before the encoder of these rounds is kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"rounds": [asdict(one) for one in rounds], "who_helps": asdict(who_helps)})
        write_whole(self._folder / _ROUNDS_FILE, content.encode("utf-8"))

    def rounds(self) -> tuple[list[RoundOutcome], HelpOutcome]:
        """What was kept of them."""
        found = json.loads((self._folder / _ROUNDS_FILE).read_text("utf-8"))
        return [RoundOutcome(**one) for one in found["rounds"]], HelpOutcome(**found["who_helps"])


def pretrained_once(
    folder: Path | None, sources: Sequence[PreparedPlatform], preset: str, seed: int, make: Callable[[], Made]
) -> Made:
    """The source's encoder from the folder, or what ``make`` gives, kept there; without a folder, what it gives."""
    if folder is None:
        return make()
    return KeptEncoders(folder).encoder(pretraining_key(sources, preset, seed), make)


def pretraining_key(sources: Sequence[PreparedPlatform], preset: str, seed: int) -> str:
    """A digest of all that an encoder pretrained on these platforms depends on, the code and its libraries too."""
    digest = hashlib.sha256(json.dumps([versions(), code_digest(), preset, seed]).encode("utf-8"))
    for one in sources:
        platform = one.platform
        words = (platform.name, platform.ordered, platform.repeats, one.space.fingerprint, platform.texts)
        digest.update(json.dumps(words).encode("utf-8"))
        users = (platform.training_users, platform.weighting_users)
        for array in (platform.sequences.offsets, platform.sequences.items, *users, one.features):
            digest.update(f"{array.dtype}{array.shape}".encode("ascii"))
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
