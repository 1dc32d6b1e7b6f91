"""What a run has trained, kept on disk under each seed, so that a resumed run does not train it again."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder, save_encoder
from shared.errors import EncoderFileError
from shared.system.whole_file import write_whole
from simulations.results.outcomes import HelpOutcome, RoundOutcome

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
