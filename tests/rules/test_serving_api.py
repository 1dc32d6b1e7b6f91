"""The committed code of the serving interface is what its protobuf file gives."""

from pathlib import Path

import grpc_tools
import pytest
from grpc_tools import protoc

REPOSITORY = Path(__file__).parents[2]
SOURCE = "shared/serving_api/recommend.proto"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    include = Path(grpc_tools.__file__).parent / "_proto"
    outputs = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    code = protoc.main(["protoc", f"-I{REPOSITORY}", f"-I{include}", *outputs, str(REPOSITORY / SOURCE)])
    assert code == 0
    return out / "shared" / "serving_api"


@pytest.mark.parametrize("name", ["recommend_pb2.py", "recommend_pb2.pyi", "recommend_pb2_grpc.py"])
def test_commits_what_the_protobuf_file_gives(made, name):
    assert (made / name).read_text() == (REPOSITORY / "shared" / "serving_api" / name).read_text()
