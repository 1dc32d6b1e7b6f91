"""What is served until now competes with the encoder that has come since."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from client.fitting.served_fit import previous_release
from client.recommender.served_head import RECORD
from client.recommender.served_parts import ServedParts
from client.scorers.encoder_scorers import KeptEncoder
from client.store.head_store import HeadStore, StoredRecord
from tests.small_space import SPACE
from tests.unit.client.recommender.served_world import drawn_encoder, drawn_own, served_world

SERVED, RECEIVED = drawn_encoder(1), drawn_encoder(8)


@pytest.fixture
def store(tmp_path):
    return HeadStore(tmp_path)


def serve(store, part="received", **changes):
    served = served_world()
    kept = KeptEncoder(encoder=SERVED, head=drawn_own(len(served.items.item_ids)).kept.head)
    if part in ("received", "federated", "previous"):
        kept = replace(kept, head=None)
    changes = {"origin": SERVED.digest} | changes
    replace(served, parts=ServedParts(encoders={part: kept}, own=None), **changes).write(store)


def found(store, received=RECEIVED, space=None):
    return previous_release(store, RECORD, space or SPACE, received)


def test_is_the_encoder_of_the_record_with_what_came_with_it(store):
    serve(store, released={"linear": {}}, seen=False)
    previous = found(store)
    assert np.array_equal(previous.encoder.flat, SERVED.flat)
    assert (previous.seen, previous.released) == (False, {"linear": {}})


@pytest.mark.parametrize("part", ["federated", "tuned", "coral-tuned", "previous"])
def test_keeps_in_mind_whose_users_have_made_it(store, part):
    serve(store, part, seen=True)
    assert found(store).seen


@pytest.mark.parametrize(("part", "seen"), [("received", False), ("federated", True)])
def test_tells_by_its_name_what_a_record_of_before_does_not_say(store, part, seen):
    serve(store, part)
    stored = store.read(RECORD)
    facts = {name: value for name, value in stored.facts.items() if name not in ("seen", "released", "origin")}
    store.write(RECORD, StoredRecord(arrays=stored.arrays, facts=facts))
    assert found(store).seen is seen


def test_is_none_where_nothing_of_the_kind_is_served(store):
    assert found(store) is None
    serve(store, "student")
    assert found(store) is None
    replace(served_world(), parts=ServedParts(encoders={}, own=None)).write(store)
    assert found(store) is None


def test_is_none_where_the_same_encoder_comes_again_or_texts_are_read_otherwise(store):
    serve(store)
    assert found(store, received=drawn_encoder(1)) is None
    assert found(store, space=replace(SPACE, fingerprint="other")) is None


def test_a_tuned_form_of_the_encoder_that_comes_again_does_not_compete(store):
    serve(store, "tuned", origin=RECEIVED.digest)
    assert found(store) is None
    serve(store, "tuned", origin=drawn_encoder(4).digest)
    assert found(store).origin == drawn_encoder(4).digest


def test_what_cannot_be_read_does_not_stop_a_fit_and_is_told(store, caplog):
    store.write(RECORD, StoredRecord(arrays={"weights": np.zeros(2)}, facts={"fingerprint": SPACE.fingerprint}))
    with caplog.at_level(logging.WARNING, logger="graft.client"):
        assert found(store) is None
    assert "what was served before does not compete" in caplog.text
