"""A torch module as a program that other runtimes take: torch.export's own, or an ONNX graph."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from client.export.rounded_graph import round_weights
from shared.errors import ConfigError

EXTRA = "pip install 'graft[export]'"


def exported(module: nn.Module, inputs: dict[str, torch.Tensor], longest: str) -> torch.export.ExportedProgram:
    """The program of a module, for histories of any length.

    Args:
        module: that takes these inputs; it is not to be trained any more.
        inputs: an example of each, by the parameter's name; of two events at least.
        longest: the name of the input whose first size is the history's length.

    Returns:
        The program.
    """
    shapes = {name: {0: torch.export.Dim("events", min=1)} if name == longest else None for name in inputs}
    with torch.no_grad(), _silent():
        return torch.export.export(module.eval().requires_grad_(False), (), inputs, dynamic_shapes=shapes)


def write_program(program: torch.export.ExportedProgram, path: Path) -> None:
    """Write a program as torch.export reads it.

    Args:
        program: of a module.
        path: the file, which ends in ``.pt2``.
    """
    with _silent():
        torch.export.save(program, path)


def write_onnx(program: torch.export.ExportedProgram, path: Path, result: str, *, eight_bits: bool) -> None:
    """Write a program as an ONNX graph, its numbers in a file beside it (``.data``).

    Args:
        program: of a module.
        path: the file, which ends in ``.onnx``.
        result: what its output is called.
        eight_bits: whether large weights are rounded.

    Raises:
        ConfigError: if the packages that write ONNX are not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  # which torch asks for
    except ImportError as error:
        raise ConfigError(f"ONNX graphs need the extra export ({EXTRA}); {error.name} is missing") from error
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, torch.no_grad(), _silent():
        whole = Path(folder) / path.name
        written = torch.onnx.export(program, dynamo=True, output_names=[result], verbose=False)
        if written is None:
            raise ConfigError("torch gave no ONNX graph")
        written.save(whole, external_data=True)
        model = onnx.load(whole)
        if eight_bits:
            round_weights(model)
        numbers = path.with_name(f"{path.name}.data")
        onnx.save(model, path, save_as_external_data=True, location=numbers.name)
        shutil.copymode(path, numbers)  # onnx lets nobody else read the numbers


@contextmanager
def _silent() -> Iterator[None]:
    """Without what torch and its exporter say of their own ways on stderr."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
