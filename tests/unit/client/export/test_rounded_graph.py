"""A graph whose weights were rounded says nearly the same, whatever the size of what is multiplied."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from client.export.graph import exported, write_onnx


class Chain(nn.Module):
    """Columns of a table, through a matrix, against the table."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("table", torch.randn(64, 300, generator=generator))
        self.register_buffer("matrix", torch.randn(64, 64, generator=generator))
        self.register_buffer("narrow", torch.randn(64, 2, generator=generator))

    def forward(self, places: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """[L, 300 + 2]."""
        mapped = self.table.index_select(1, places).T @ self.matrix * sizes[:, None]
        return torch.cat([mapped @ self.table, mapped @ self.narrow], 1)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    inputs = {"places": torch.tensor([3, 4]), "sizes": torch.ones(2)}
    shapes = {name: {0: torch.export.Dim("events", min=1)} for name in inputs}
    program = torch.export.export(Chain(), (), inputs, dynamic_shapes=shapes)
    for bits in (32, 8):
        write_onnx(program, folder / f"{bits}.onnx", "product", eight_bits=bits == 8)
    return folder


def answer(path, sizes):
    session = onnxruntime.InferenceSession(path)
    return session.run(["product"], {"places": np.arange(len(sizes)) * 40, "sizes": np.array(sizes, np.float32)})[0]


@pytest.mark.parametrize("sizes", [[1.0], [1.0, 1e-4, 1e4], [0.0, 1.0]])
def test_is_near_the_graph_that_was_rounded(graphs, sizes):
    whole, rounded = answer(graphs / "32.onnx", sizes), answer(graphs / "8.onnx", sizes)
    for row, told in zip(whole, rounded, strict=True):
        assert np.abs(told - row).max() <= 0.03 * np.abs(row).max()


def test_large_weights_alone_are_rounded(graphs):
    model = onnx.load(graphs / "8.onnx")
    dtypes = {weights.name: weights.data_type for weights in model.graph.initializer}
    assert dtypes["table.codes"] == dtypes["matrix.codes"] == onnx.TensorProto.INT8
    assert dtypes["narrow"] == onnx.TensorProto.FLOAT
    onnx.checker.check_model(model, full_check=True)


def test_its_numbers_may_be_read_by_who_may_read_it(graphs):
    graph, numbers = graphs / "8.onnx", graphs / "8.onnx.data"
    assert graph.stat().st_mode == numbers.stat().st_mode


def test_a_program_is_followed_for_histories_of_any_length():
    class Sum(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values.sum(0, keepdim=True)

    program = exported(Sum(), {"values": torch.zeros(2)}, "values").module()
    assert [program(values=torch.ones(length)).item() for length in (1, 2, 50)] == [1, 2, 50]
