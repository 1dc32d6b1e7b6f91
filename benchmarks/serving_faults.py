"""A service and a coordinator's door under load and faults: what honest callers get, and how long health takes.

    python -m benchmarks.serving_faults OUT [--items 20000] [--json] [--write FILE]

One after the other: 1,000 callers at once, 300 heavy batches, slow senders to the service and to the door, a token file
that cannot be read. The service and the door are processes of their own, and so is whoever asks for health all along.
Exit code 1 where a bar does not hold.
"""

import argparse
import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks.health_times import health_times
from benchmarks.made_up_head import made_up_head
from benchmarks.narrow_tables import narrow_tables
from benchmarks.serving_process import Service, running_service
from client.features.hashing import hashing_space
from client.recommender.served_head import RECORD
from client.serving.journal import JOURNAL, read_journal
from client.store.head_store import HeadStore
from server.coordinator.home import ServerHome, ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard, save_encoder
from shared.serving_api import recommend_pb2 as api
from shared.serving_api import recommend_pb2_grpc
from shared.system.free_port import free_port
from shared.system.open_files import many_open_files
from shared.system.whole_file import write_whole

CALLERS, BATCHES, LISTS, BESIDE, SLOW = 1_000, 300, 100, 100, 300
DEADLINE, BATCH_DEADLINE = 2.0, 10.0
"""seconds of a single caller and of a batch"""
BAR_P99, BAR_MOST = 0.25, 1.0
"""seconds of a health check"""
USERS = 10_000
LATER = {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, 429, 503}
ANSWERED, AWAY = "answered", "turned away"
FLEET = "/v1/fleet/pull-messages"


@dataclass
class Phase:
    """What was found while one thing was done."""

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    """seconds that a caller waited for an outcome"""
    health: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    async def note(self, request: Awaitable[object]) -> str:
        """What came of a request: an answer, turned away, or how it failed."""
        began = time.perf_counter()
        outcome = await _outcome(request)
        self.longest = max(self.longest, time.perf_counter() - began)
        self.outcomes[outcome] += 1
        return outcome

    def row(self) -> dict[str, Any]:
        """As it is shown."""
        failed = {name: count for name, count in self.outcomes.items() if name not in {ANSWERED, AWAY}}
        return {
            "meanwhile": self.name,
            "answered": self.outcomes[ANSWERED],
            "429 or 503": self.outcomes[AWAY],
            "late or failed": ", ".join(f"{count} {name}" for name, count in failed.items()) or 0,
            "longest wait, s": round(self.longest, 2),
            "health checks": len(self.health),
            "health p99, ms": round(1e3 * float(np.quantile(self.health, 0.99)), 1),
            "health max, ms": round(1e3 * max(self.health), 1),
        }


def main() -> None:
    """Print the table, or JSON, and write the page where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the head and the coordinator")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page to write")
    options = parser.parse_args()
    many_open_files()
    facts = measured(options.out, options.items)
    print(json.dumps(facts, indent=1) if options.json else page(facts))
    if options.write:
        options.write.write_text(page(facts), "utf-8")
    sys.exit(0 if holds(facts) else 1)


def measured(out: Path, items: int) -> dict[str, Any]:
    """Every phase, and whether what was acknowledged is in the journal."""
    store = HeadStore(out / "heads")
    if store.stamp(RECORD) is None:
        made_up_head(items, USERS, "small", seed=0).write(store)
    load = os.getloadavg()[0]
    phases: list[Phase] = []
    for phase in chain(service_phases(out), (door_phase(out) for _ in range(1))):
        phases.append(phase)
        print(phase.row(), file=sys.stderr, flush=True)
    journal_ids = {entry.facts["id"] for entry in read_journal(out / "heads" / JOURNAL)}
    acknowledged = set[str]().union(*(phase.acknowledged for phase in phases))
    return {
        "items": items,
        "cores": os.cpu_count(),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "phases": [phase.row() for phase in phases],
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - journal_ids),
    }


def holds(facts: Mapping[str, Any]) -> bool:
    """Whether every bar does."""
    return facts["lost"] == 0 and all(
        row["late or failed"] == 0
        and row["health p99, ms"] <= 1e3 * BAR_P99
        and row["health max, ms"] <= 1e3 * BAR_MOST
        for row in facts["phases"]
    )


def page(facts: Mapping[str, Any]) -> str:
    """What was found, in Markdown."""
    rows = facts["phases"]
    tables = narrow_tables([*rows[0]], [[*row.values()] for row in rows], keys=1, cuts=(5,))
    return f"""# A service and a coordinator's door under load and faults

```sh
python -m benchmarks.serving_faults OUT --write docs/results/serving-faults.md
```

{facts["items"]:,} items, preset `small`, {facts["cores"]} cores, shared with what calls and with others: load average
{facts["load"][0]} before and {facts["load"][1]} after. {facts["day"]}. A list has {DEADLINE:g} seconds, a batch of
{LISTS} lists {BATCH_DEADLINE:g}. Slow senders: {SLOW} connections to the service that trickle headers or a body and
{SLOW // 3} gRPC calls without a message; {SLOW} to the door that never agree on TLS, from another address than the
honest callers.

{tables}
Feedback acknowledged: {facts["acknowledged"]:,} events; of them not in the journal: {facts["lost"]}.

**The bar: health p99 at most {1e3 * BAR_P99:g} ms and never over {BAR_MOST:g} s; nobody late or failed; nothing
acknowledged lost. It {"holds" if holds(facts) else "does NOT hold"}.** Health is asked for every 20 ms by a process of
its own, over HTTP on a new connection and over gRPC in turns.
"""


def service_phases(out: Path) -> Iterator[Phase]:
    """Of one service, one after the other."""
    works = {
        "nothing": quiet,
        "1,000 callers at once over gRPC, each a list and an event": callers_over_grpc,
        "1,000 callers at once over HTTP": callers_over_http,
        "300 batches at once, and single callers": heavy_batches,
        "slow senders to the service, and honest callers": slow_to_the_service,
        "a token file that cannot be read, for three seconds": broken_tokens,
    }
    with running_service(out) as service:
        for number in range(20):
            service.stub.Recommend(api.RecommendRequest(user=f"u{number}"), metadata=service.metadata, timeout=60)
        for name, work in works.items():
            phase = Phase(name)
            with health_times(service.ports[1], service.ports[0]) as phase.health:
                asyncio.run(work(Callers(phase, service), out))
            yield phase


@dataclass(frozen=True)
class Callers:
    """Honest ones, of both protocols."""

    phase: Phase
    service: Service

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[Any]:
        """Of this loop."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.service.ports[0]}") as channel:
            yield recommend_pb2_grpc.RecommenderStub(channel)  # type: ignore[no-untyped-call]

    async def over_grpc(self, stub: Any, number: int, *, reports: bool = True) -> None:
        """A list, then an event whose acknowledgement is noted."""
        list_request = api.RecommendRequest(user=f"u{number}", k=10)
        await self.phase.note(stub.Recommend(list_request, metadata=self.service.metadata, timeout=DEADLINE))
        if reports:
            name = f"{number}-{time.time_ns()}"
            event = api.Feedback(event_id=name, user=f"u{number}", item=str(number), kind="clicked", time=1.7e9)
            request = api.ReportFeedbackRequest(events=[event])
            report = stub.ReportFeedback(request, metadata=self.service.metadata, timeout=DEADLINE)
            if await self.phase.note(report) == ANSWERED:
                self.phase.acknowledged.add(name)

    async def over_http(self, number: int) -> None:
        """A list, on a connection of its own."""
        body = json.dumps({"user": f"u{number}"})
        headers = {"Authorization": self.service.metadata[0][1], "Graft-Timeout-Ms": f"{1e3 * DEADLINE:g}"}
        await self.phase.note(posted(self.service.ports[1], "/v1/recommend", body, headers))

    async def batch(self, stub: Any) -> None:
        """Of as many lists as one may ask for."""
        request = api.RecommendBatchRequest(requests=[api.RecommendRequest(user=f"u{user}") for user in range(LISTS)])
        await self.phase.note(stub.RecommendBatch(request, metadata=self.service.metadata, timeout=BATCH_DEADLINE))


async def quiet(_callers: Callers, _out: Path) -> None:
    """What health takes where nobody asks for anything."""
    await asyncio.sleep(3)


async def callers_over_grpc(callers: Callers, _out: Path) -> None:
    """All at once."""
    async with callers.stub() as stub:
        await asyncio.gather(*(callers.over_grpc(stub, number) for number in range(CALLERS)))


async def callers_over_http(callers: Callers, _out: Path) -> None:
    """All at once."""
    await asyncio.gather(*map(callers.over_http, range(CALLERS)))


async def heavy_batches(callers: Callers, _out: Path) -> None:
    """Single callers come one after the other while the batches last."""
    async with callers.stub() as stub:
        batches = [callers.batch(stub) for _ in range(BATCHES)]
        singles = spread(BATCH_DEADLINE, BESIDE, lambda number: callers.over_grpc(stub, number))
        await asyncio.gather(*batches, *singles)


async def slow_to_the_service(callers: Callers, _out: Path) -> None:
    """Headers and bodies that trickle, and gRPC messages that do not come."""
    head = b"POST /v1/recommend HTTP/1.1\r\nHost: a\r\n"
    body = head + f"Authorization: {callers.service.metadata[0][1]}\r\nContent-Length: 9999\r\n\r\n{{".encode()
    slow = slow_senders(callers.service.ports[1], SLOW, (head, body))
    async with callers.stub() as stub, slow, silent_calls(callers.service):
        over_grpc = spread(5, BESIDE, lambda number: callers.over_grpc(stub, number))
        await asyncio.gather(*over_grpc, *spread(5, BESIDE, callers.over_http))


async def broken_tokens(callers: Callers, out: Path) -> None:
    """Callers are known as before."""
    tokens = out / "tokens"
    before = tokens.read_bytes()
    write_whole(tokens, b"\xff\xfe")
    try:
        async with callers.stub() as stub:
            await asyncio.gather(*spread(3, BESIDE, lambda number: callers.over_grpc(stub, number)))
    finally:
        write_whole(tokens, before)


def door_phase(out: Path) -> Phase:
    """Slow senders to a coordinator's door, beside honest platforms from another address."""
    phase = Phase("slow senders to the coordinator's door, and honest platforms")

    async def work(port: int, trusting: ssl.SSLContext) -> None:
        async with slow_senders(port, SLOW, (b"", b"\x16\x03\x01"), "127.0.0.2"):
            calls = spread(5, BESIDE, lambda _: phase.note(posted(port, FLEET, "x", {}, trusting)))
            await asyncio.gather(*calls)

    with running_door(out) as (port, authority), health_times(port, authority=str(authority)) as phase.health:
        asyncio.run(work(port, ssl.create_default_context(cafile=str(authority))))
    return phase


@contextmanager
def running_door(out: Path) -> Iterator[tuple[int, Path]]:
    """The proxy as the supervisor starts it, without an engine: it answers 503; and what it is trusted by."""
    port, folder = free_port(), out / f"coordinator-{time.time_ns()}"
    space = hashing_space()
    spec = EncoderSpec(preset="nano", input_dim=space.dim, feature_space=space)
    save_encoder(out / "start.safetensors", Encoder.initial(spec, seed=0), EncoderCard())
    settings = ServerSettings(host="127.0.0.1", port=port)
    home: ServerHome = make_coordinator(folder, out / "start.safetensors", settings, now=datetime.now(UTC)).home
    command = [sys.executable, "-m", "server.proxy", str(home.folder), str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while asyncio.run(_outcome(asyncio.open_connection("127.0.0.1", port))) != ANSWERED:
                time.sleep(0.05)
            yield port, home.authority
        finally:
            process.terminate()


@asynccontextmanager
async def slow_senders(
    port: int, count: int, begun: tuple[bytes, ...], source: str = "127.0.0.1"
) -> AsyncIterator[None]:
    """Connections that begin so, and then send a letter a second; one that is closed comes again."""

    async def trickle(number: int) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                writer.write(begun[number % len(begun)])
                while not writer.is_closing():
                    await asyncio.sleep(1)
                    writer.write(b"x")
                    await writer.drain()
            await asyncio.sleep(1)

    senders = [asyncio.create_task(trickle(number)) for number in range(count)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)


@asynccontextmanager
async def silent_calls(service: Service) -> AsyncIterator[None]:
    """Calls of gRPC, with a token and without, whose message does not come."""
    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{service.ports[0]}", (("grpc.use_local_subchannel_pool", 1),)
    ) as channel:
        method = channel.stream_unary("/graft.serving.v1.Recommender/Recommend")
        calls = [method(metadata=service.metadata if number % 2 else None) for number in range(SLOW // 3)]
        await asyncio.gather(*(call.wait_for_connection() for call in calls), return_exceptions=True)
        yield
        for call in calls:
            call.cancel()


def spread(seconds: float, count: int, ask: Callable[[int], Awaitable[object]]) -> list[Awaitable[None]]:
    """As many requests, one after the other in equal steps."""

    async def later(number: int) -> None:
        await asyncio.sleep(seconds * number / count)
        await ask(number)

    return [later(number) for number in range(count)]


async def posted(
    port: int, path: str, body: str, headers: Mapping[str, str], trusting: ssl.SSLContext | None = None
) -> None:
    """Raises _Refused with the status where it is no answer, TimeoutError after the deadline."""
    sent_headers = {**headers, "Host": "a", "Connection": "close", "Content-Length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent_headers.items()), "", body]
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.write("\r\n".join(lines).encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
    if status != 200:
        raise _Refused(status)


class _Refused(Exception):
    """The status of an HTTP answer."""


async def _outcome(request: Awaitable[object]) -> str:
    try:
        await request
    except grpc.RpcError as error:
        return AWAY if error.code() in LATER else str(error.code().name)
    except _Refused as error:
        return AWAY if error.args[0] in LATER else str(error.args[0])
    except Exception as error:  # noqa: BLE001 (it is counted under its name)
        return type(error).__name__
    return ANSWERED


if __name__ == "__main__":
    main()
