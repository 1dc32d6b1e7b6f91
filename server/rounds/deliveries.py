"""What each platform holds of a run's encoders, and so what brings the newest to it in the fewest bytes."""

from collections.abc import Callable, Iterable

from flwr.app import RecordDict

from shared.encoder.encoder import Encoder
from shared.encoder.step import Step, digest
from shared.federation.config import Downloads
from shared.federation.messages import KnownEncoder


class Deliveries:
    """Remembers who has answered to which encoder; with ``whole`` everybody gets every encoder as it is."""

    def __init__(self, mode: Downloads) -> None:
        self.keep = mode == "steps"
        """whether platforms are to keep what they get"""
        self._held: dict[str, str] = {}
        self._step: KnownEncoder | None = None

    def advanced(self, before: Encoder, after: Encoder) -> Encoder:
        """The next encoder, which is ``after`` as near as the step sent to platforms leads to it."""
        if not self.keep:
            return after
        step = Step.between(before, after)
        reached = step.added_to(before)
        self._step = KnownEncoder(spec=after.spec, base=digest(before), step=step, digest=digest(reached))
        return reached

    def questions(
        self, platforms: Iterable[str], encoder: Encoder, write: Callable[[Encoder | KnownEncoder], RecordDict]
    ) -> dict[str, RecordDict]:
        """What ``write`` makes of the encoder for each platform; platforms that hold the same get the same object."""
        written: dict[str | None, RecordDict] = {}
        found = {}
        for name in platforms:
            held = self._held.get(name)
            if held not in written:
                written[held] = write(self._form(held, encoder))
            found[name] = written[held]
        return found

    def answered(self, platforms: Iterable[str], usable: Iterable[str], encoder: Encoder) -> None:
        """Those of ``usable`` hold the encoder now; what the others of ``platforms`` hold is not certain."""
        self.forget(platforms)
        if self.keep:
            self._held.update(dict.fromkeys(usable, digest(encoder)))

    def forget(self, platforms: Iterable[str]) -> None:
        """What these hold is not certain: each gets a whole encoder next."""
        for name in platforms:
            self._held.pop(name, None)

    def _form(self, held: str | None, encoder: Encoder) -> Encoder | KnownEncoder:
        if held is None:
            return encoder
        if held == (wanted := digest(encoder)):
            return KnownEncoder(spec=encoder.spec, base=held, step=None, digest=wanted)
        step = self._step
        return step if step is not None and (step.base, step.digest) == (held, wanted) else encoder
