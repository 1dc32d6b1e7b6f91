"""The enrolled node key says which key signs a platform's part of sums."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import WireError
from shared.secure_sum.endorsement import LONGEST, endorsement, require_endorsed
from tests.secure_sum_world import member

NODE_KEY = ec.derive_private_key(7, ec.SECP384R1())


def test_is_taken_for_this_platform_and_key() -> None:
    found = endorsement(NODE_KEY, member("shop"))
    assert len(found) <= LONGEST
    require_endorsed(member("shop"), NODE_KEY.public_key(), found)


@pytest.mark.parametrize(
    "other", [replace(member("shop"), party="other"), member("shop", "other")], ids=["another name", "another key"]
)
def test_is_refused_for_another(other) -> None:
    with pytest.raises(WireError, match=f"the key of {other.party} for sums to be signed by its enrolled node key"):
        require_endorsed(other, NODE_KEY.public_key(), endorsement(NODE_KEY, member("shop")))


def test_of_another_node_key_is_refused() -> None:
    stranger = ec.derive_private_key(8, ec.SECP384R1())
    with pytest.raises(WireError, match="enrolled node key"):
        require_endorsed(member("shop"), NODE_KEY.public_key(), endorsement(stranger, member("shop")))
