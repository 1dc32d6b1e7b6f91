"""What a run of devices will do, in counts: what its time, memory and bytes are made of.

K devices of a round, C numbers of an update, n items, D input dim, d width, h hidden, r rank, T positions, m negatives
of a step, S steps.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from client.training.cohort_chunks import cohort_chunks, kept_numbers
from server.rounds.sum_terms import sum_terms
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.shared_adapter import SharedAdapterSpec
from shared.federation.config import LocalSettings
from shared.federation.messages import TrainReply
from shared.federation.sum_messages import SumTask, SumWork
from shared.federation.sum_vector import VectorForm
from shared.federation.updates import round_seed, summed_form
from shared.federation.wire import content_bytes, encode_reply, encode_task
from shared.secure_sum.streams import KEY
from shared.seeding import rng_for
from simulations.config.plan_config import PlanConfig
from simulations.devices.device_grid import device_name
from simulations.devices.drawn_devices import drawn_lengths, drawn_space
from simulations.devices.ideal_sums import WITHOUT_MASKS, vector_bytes

NUMBER_BYTES = 4
DRIVER = ("start", "rounds", "devices seen", "devices asked", "numbers received", "numbers of the encoder")
"""What the run's own process works on, whoever trains."""
WORKERS = (
    "vectors of the catalogue",
    "steps of chunks",
    "rows of items",
    "products",
    "products of first matrices",
    "products of moments",
    "numbers trained",
)
"""What is shared by those that train."""
MEMORY = ("process", "catalogue and events", "updates of a cohort", "a chunk", "devices")
"""What the memory of a run in one process is made of."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlannedRun:
    """One run, before it is made."""

    config: PlanConfig

    @cached_property
    def bytes_down(self) -> int:
        """Of the task of one device."""
        work = self._sum_work
        task = SumTask.of(work.run, work.round, WITHOUT_MASKS, work) if self._is_summed else work.train_task
        return content_bytes(encode_task(task))

    @cached_property
    def bytes_up(self) -> int:
        """Of the answer of one device."""
        if self._is_summed:
            return vector_bytes(sum_terms(self._form, self.asked, b"\0" * KEY), self.asked)
        grid = summed_form(self._local, round_seed(0, 1)).grid(self._encoder.spec)
        reply = TrainReply(
            round=1,
            flat=grid.nearest(np.zeros(self._trained)),
            layout=grid.layout,
            fingerprint=self._encoder.spec.feature_space.fingerprint,
            users=1,
            losses={},
        )
        return content_bytes(encode_reply(reply))

    @cached_property
    def asked(self) -> int:
        """Devices of a round."""
        training = self.config.run.federation
        return min(self.config.size.devices, round(training.cohort * training.over_sampling))

    @property
    def work(self) -> dict[str, float]:
        """Over all rounds, by ``DRIVER`` and ``WORKERS``: in millions, but for start, rounds and steps of chunks."""
        preset, training, size = self._encoder.spec.architecture, self.config.run.federation, self.config.size
        steps, negatives = training.local.steps, training.local.negatives
        first, seen = preset.hidden + preset.width, self._local.shared_rank or size.dim
        counts, is_told = dict.fromkeys((*DRIVER, *WORKERS), 0.0), self._is_summed and training.moments
        for devices, width in self._chunks:
            events, drawn = width + 1, steps * negatives
            block = 12 * preset.width**2 * preset.layers + negatives * preset.width
            within = (events + negatives) * preset.hidden * preset.width
            alike = events * (events + drawn) * seen
            moved = first * (events**2 + events * drawn + negatives * drawn / 2)
            own = first * seen * (events if self._is_summed else events + drawn)
            counts["steps of chunks"] += steps
            counts["rows of items"] += steps * kept_numbers(preset, negatives, width) * devices / 1e6
            counts["products"] += steps * (within + width * block) * devices / 1e6
            counts["products of first matrices"] += (steps * moved + alike + own) * devices / 1e6
            counts["products of moments"] += is_told * (width * devices + size.items / 4) * size.dim**2 / 1e6
            counts["numbers trained"] += steps * (self._trained - first * (seen + 1)) * devices / 1e6
        counts["rounds"] = 1.0
        counts["devices seen"] = (self.config.run.check_ins or size.devices) / 1e6
        counts["devices asked"] = self.asked / 1e6
        received = len(self._chunks) * self._form.length if self._is_summed else self.asked * self._trained
        counts["numbers received"] = received / 1e6
        counts["numbers of the encoder"] = len(self._encoder.flat) / 1e6
        counts["vectors of the catalogue"] = size.items * size.dim * (first + 2 * self._local.shared_rank) / 1e6
        return {**{name: training.rounds * count for name, count in counts.items()}, "start": 1.0}

    @property
    def memory(self) -> dict[str, float]:
        """MiB that are known before, by ``MEMORY``: of the process 1, since nobody knows them."""
        preset, training, size = self._encoder.spec.architecture, self.config.run.federation, self.config.size
        rank = self._local.shared_rank
        of_item = size.dim + (preset.hidden + preset.width) + 2 * rank
        chunks = [
            devices * (kept_numbers(preset, training.local.negatives, width) + self._held_of_device(width))
            for devices, width in self._chunks
        ]
        numbers = {
            "catalogue and events": size.items * of_item + size.devices * size.events,
            "updates of a cohort": 6.0 * self._form.length
            if self._is_summed
            else self.asked * self.bytes_up / NUMBER_BYTES,
            "a chunk": max(chunks),
            "devices": float(size.devices),
        }
        return {"process": 1.0, **{name: NUMBER_BYTES * count / 2**20 for name, count in numbers.items()}}

    def _held_of_device(self, width: int) -> float:
        """Numbers of one device between its steps."""
        local, preset = self.config.run.federation.local, self._encoder.spec.architecture
        first, seen = preset.hidden + preset.width, self._local.shared_rank or self.config.size.dim
        held = (width + 1) * (seen + first) + local.steps * local.negatives * (first + width + 1)
        return held + 3 * (self._trained - first * (seen + 1) if self._is_summed else self._trained)

    @property
    def _is_summed(self) -> bool:
        """Whether the coordinator gets sums, and no single update."""
        return self.config.run.federation.is_masked

    @cached_property
    def _sum_work(self) -> SumWork:
        return SumWork(
            run="0" * 32,
            round=1,
            seed=0,
            parts=("moments", "train") if self.config.run.federation.moments else ("train",),
            encoder=self._encoder,
            weights={device_name(number): 1.0 for number in range(self.asked)},
            settings=self._local,
        )

    @cached_property
    def _form(self) -> VectorForm:
        return VectorForm.of(self._sum_work)

    @cached_property
    def _encoder(self) -> Encoder:
        space = drawn_space(self.config.size.dim)
        spec = EncoderSpec(preset=self.config.run.preset, input_dim=space.dim, feature_space=space)
        return Encoder.initial(spec, self.config.run.seed)

    @cached_property
    def _local(self) -> LocalSettings:
        return self.config.run.federation.local_in(1)

    @cached_property
    def _trained(self) -> int:
        """C."""
        return SharedAdapterSpec(encoder=self._encoder.spec, rank=self._local.shared_rank).layout.size

    @cached_property
    def _chunks(self) -> list[tuple[int, int]]:
        """Of each chunk of a round how many devices it has, and positions of its longest history."""
        preset = self._encoder.spec.architecture
        lengths = drawn_lengths(self.config.size.events, self.asked, rng_for(self.config.run.seed, "planned lengths"))
        rows = cohort_chunks(lengths, preset, self.config.run.federation.local.negatives)
        return [(len(chunk), int(np.minimum(lengths[chunk] - 1, preset.length).max())) for chunk in rows]
