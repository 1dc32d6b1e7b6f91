"""Bundles of what a platform serves, for other runtimes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from client.agent.private_part import heads_and_key
from client.export.bundle import new_bundle, write_manifest
from client.export.item_vectors import STORES, write_vectors
from client.export.stack_bundle import ONNX, PROGRAMS, write_stack
from client.recommender.served_head import read_served
from client.store.head_store import open_heads
from shared.encoder.provenance import check_line
from shared.errors import ConfigError

VECTORS = "vectors"
FORMATS = (*PROGRAMS, VECTORS)
INT8 = "int8"


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What a bundle holds; raises ConfigError where that cannot be."""

    form: str = ONNX
    """of ``FORMATS``"""
    quantize: str = ""
    """``int8``, or empty for whole precision"""
    store: str = ""
    """of ``STORES``: what item vectors are written for; empty with the other formats"""
    licence: str = ""
    """under which the bundle may be used; empty: not said"""

    def __post_init__(self) -> None:
        if self.form not in FORMATS:
            raise ConfigError(f"format must be one of {', '.join(FORMATS)}; got {self.form!r}")
        if self.quantize not in ("", INT8):
            raise ConfigError(f"quantize must be {INT8}, or not be given; got {self.quantize!r}")
        if self.quantize and self.form != ONNX:
            raise ConfigError(f"quantize goes with the format {ONNX}; got it with {self.form}")
        if self.form == VECTORS and self.store not in STORES:
            raise ConfigError(f"the format {VECTORS} needs --to, one of {', '.join(STORES)}; got {self.store!r}")
        if self.form != VECTORS and self.store:
            raise ConfigError(f"to goes with the format {VECTORS}; got it with {self.form}")
        check_line("licence", self.licence)


@dataclass(frozen=True, kw_only=True)
class MadeBundle:
    """What was written."""

    items: int
    size: int
    """bytes of all its files"""
    digest: str
    """SHA-256 of its manifest, 64 hexadecimal digits"""


def make_bundle(
    agent: Path | None, heads: Path | None, out: Path, options: ExportOptions, *, vault_key: str = ""
) -> MadeBundle:
    """Write what a platform serves as a bundle; users and their histories are not in it.

    Args:
        agent: an agent's folder; None where ``heads`` is given.
        heads: a folder of heads; None where ``agent`` is given.
        out: the folder that is made.
        options: what the bundle holds.
        vault_key: what opens the heads, ``KIND:WHERE``; empty: plain files, or the agent's own key.

    Returns:
        What was written to ``out``.

    Raises:
        ConfigError: if not exactly one folder is given, ``out`` is there or cannot be written, or a package is missing.
        StorageError: if nothing is served, the folder does not open, or a scorer has weight that no bundle knows.
    """
    store = open_heads(*heads_and_key(agent, heads, vault_key))
    with new_bundle(out) as folder:
        served = read_served(store)
        if options.form == VECTORS:
            facts = write_vectors(folder, served, options.store)
        else:
            facts = write_stack(folder, served, options.form, eight_bits=options.quantize == INT8)
        n_items = len(served.items.item_ids)
        about = {"items": n_items, "licence": options.licence, "made": datetime.now(UTC).isoformat(timespec="seconds")}
        digest = write_manifest(folder, {**facts, **about})
        size = sum(path.stat().st_size for path in folder.iterdir())
    return MadeBundle(items=n_items, size=size, digest=digest)
