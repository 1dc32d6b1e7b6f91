"""The bundle of a platform's stack: the program that scores all items after a history, and the tables it rests on.

n items, F columns that are told outside the program.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from client.device.ragged_rows import texts_in_rows
from client.export.column_tables import column_tables
from client.export.graph import exported, write_onnx, write_program
from client.export.stack_scores import StackScores, scores_without_history
from client.packing.packed_columns import PackedStacks, packed_stacks
from client.recommender.recommender import SCORED
from client.recommender.served_head import ServedHead
from shared.system.array_file import array_file

ONNX, TORCH_EXPORT = "onnx", "torch-export"
PROGRAMS = {ONNX: "scores.onnx", TORCH_EXPORT: "scores.pt2"}
TABLES = "tables.safetensors"
SCORES = "scores"
"""what the program gives"""


def write_stack(folder: Path, served: ServedHead, kind: str, *, eight_bits: bool) -> dict[str, Any]:
    """Write the files of a bundle.

    Args:
        folder: where they go.
        served: the record, all of it in memory.
        kind: of ``PROGRAMS``.
        eight_bits: whether numbers are rounded.

    Returns:
        What the manifest says of them.

    Raises:
        ConfigError: if the packages that write the program are not installed.
        HeadStoreError: if a scorer has weight that no bundle knows.
    """
    stacks = packed_stacks(served)
    module = StackScores(served, stacks)
    program = exported(module, _example(module), "items")
    if kind == ONNX:
        write_onnx(program, folder / PROGRAMS[kind], SCORES, eight_bits=eight_bits)
    else:
        write_program(program, folder / PROGRAMS[kind])
    arrays = {
        "cold": scores_without_history(stacks),
        **texts_in_rows(list(served.items.item_ids)).named("ids"),
        **column_tables(served, stacks, eight_bits=eight_bits),
    }
    (folder / TABLES).write_bytes(array_file(arrays, {}))
    return {
        "kind": kind,
        "bits": 8 if eight_bits else 32,
        "features": served.features,
        "fingerprint": served.space.fingerprint,
        "repeats": served.repeats,
        "longest": SCORED,
        "edges": list(served.head.gaps.edges) if len(stacks.whole.weights) > 1 else [],
        "columns": module.columns,
        "encoders": _encoders(served, stacks),
        "program": {
            "file": PROGRAMS[kind],
            "inputs": {
                "items": "int64 [events], rows of items, oldest first",
                "gap": "int64 [1], 0 where the time since the last event is not known, else 1 + its place in edges",
                "counted": f"float32 [{len(module.counted)}, {module.n_items}], columns of the tables, in their order",
            },
            "output": f"{SCORES}, float32 [{module.n_items}]",
        },
        "shapes": {name: list(array.shape) for name, array in sorted(arrays.items())},
    }


def _example(module: StackScores) -> dict[str, torch.Tensor]:
    """Inputs to follow the module with; of two events, since it may be followed for one alone by other ways."""
    return {
        "items": torch.zeros(2, dtype=torch.int64),
        "gap": torch.zeros(1, dtype=torch.int64),
        "counted": torch.zeros(len(module.counted), module.n_items),
    }


def _encoders(served: ServedHead, stacks: PackedStacks) -> Mapping[str, Any]:
    """Of each sequence part that has weight how many events it reads, how long its vectors are, and what it is of."""
    encoders = {name: part.encoder for name, part in served.parts.encoders.items()}
    if served.parts.own is not None:
        encoders["own"] = served.parts.own.kept.encoder
    return {
        name: {
            "reads": scorer.length,
            "width": int(scorer.table.vectors.shape[1]),
            "encoder": encoders[name].digest if name in encoders else "",
        }
        for name, scorer in stacks.encoders.items()
    }
