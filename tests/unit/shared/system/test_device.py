import pytest

from shared.errors import ConfigError
from shared.system.device import ComputeDevice, used_device
from tests.devices import needs_cuda, needs_no_cuda


def test_cpu_is_the_cpu_everywhere():
    assert used_device("cpu") == "cpu"


@needs_no_cuda
def test_auto_takes_the_cpu_where_there_is_no_gpu():
    assert used_device("auto") == "cpu"


@needs_no_cuda
def test_refuses_a_gpu_that_is_not_there_in_one_sentence():
    with pytest.raises(ConfigError, match=r"^device cuda needs a GPU that torch \S+ can use; it sees none here$"):
        used_device("cuda")


@needs_cuda
@pytest.mark.parametrize("choice", ["auto", "cuda"])
def test_takes_the_gpu_where_there_is_one(choice):
    assert used_device(choice) == "cuda"


def test_refuses_what_is_no_device():
    with pytest.raises(ConfigError, match="device must be one of auto, cpu, cuda; got 'tpu'"):
        ComputeDevice(device="tpu")
