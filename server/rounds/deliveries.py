"""What each platform holds of a run's encoders, and so what brings the newest to it in the fewest bytes."""

from collections.abc import Iterable

from shared.encoder.changes import Step
from shared.encoder.encoder import Encoder
from shared.federation.config import Downloads
from shared.federation.messages import KnownEncoder


class Deliveries:
    """Remembers who has answered to which encoder; with ``whole`` nobody holds any, so all get it as it is."""

    def __init__(self, mode: Downloads) -> None:
        self.keep = mode == "steps"
        """whether platforms are to keep what they get"""
        self._held: dict[str, str] = {}
        self._step: KnownEncoder | None = None

    def advanced(self, before: Encoder, after: Encoder) -> Encoder:
        """The next encoder, which is ``after`` as near as the step sent to platforms leads to it."""
        step = Step.between(before, after)
        reached = step.added_to(before)
        self._step = KnownEncoder(spec=after.spec, base=before.digest, step=step, digest=reached.digest)
        return reached

    def held(self, platform: str) -> str:
        """Digest of the encoder that a platform is known to hold; empty where none is."""
        return self._held.get(platform, "")

    def way(self, held: str, encoder: Encoder) -> KnownEncoder | None:
        """What leads to the encoder from the one held; None where nothing shorter than itself does."""
        if held == encoder.digest:
            return KnownEncoder(spec=encoder.spec, base=held, step=None, digest=held)
        step = self._step
        return step if step is not None and (step.base, step.digest) == (held, encoder.digest) else None

    def answered(self, platforms: Iterable[str], usable: Iterable[str], digest: str) -> None:
        """Those of ``usable`` hold the encoder of this digest; what the others of ``platforms`` hold is not certain."""
        self.forget(platforms)
        self._held.update(dict.fromkeys(usable, digest))

    def forget(self, platforms: Iterable[str]) -> None:
        """What these hold is not certain: each gets a whole encoder next."""
        for name in platforms:
            self._held.pop(name, None)
