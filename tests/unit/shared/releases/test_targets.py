import pytest
from tuf.api.metadata import Targets

from shared.errors import ReleaseRefused
from shared.releases.targets import KINDS, STATEMENT_KEY, releases_in, statement_key, target_name, target_of


def listed(*versions: int) -> Targets:
    targets = Targets()
    for version in versions:
        for kind in KINDS:
            targets.targets[target_name(version, kind)] = target_of(version, kind, b"content")
    return targets


def test_lists_each_release_with_its_files():
    releases = releases_in(listed(10, 2))
    assert list(releases) == [2, 10]
    assert releases[2]["manifest"].path == "encoder-2.manifest.json"
    assert releases_in(Targets()) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_a_release_without_one_of_its_files(kind):
    targets = listed(1)
    del targets.targets[target_name(1, kind)]
    with pytest.raises(ReleaseRefused, match=f"release 1: .*found none for {kind}") as refusal:
        releases_in(targets)
    assert refusal.value.code == "metadata"


@pytest.mark.parametrize(
    "custom",
    [None, {}, {"version": 2, "kind": "encoder"}, {"version": True, "kind": "encoder"}, {"version": 1, "kind": 3}],
)
def test_refuses_a_target_that_says_another_version_or_kind(custom):
    targets = listed(1)
    unknown = {} if custom is None else {"custom": custom}
    targets.targets[target_name(1, "encoder")].unrecognized_fields = unknown
    with pytest.raises(ReleaseRefused, match="expected a version and a kind"):
        releases_in(targets)


def test_reads_the_key_of_statements():
    targets = Targets(unrecognized_fields={STATEMENT_KEY: "ab" * 32})
    assert statement_key(targets) == b"\xab" * 32
    for text in (None, 3, "ab" * 31, "zz" * 32):
        with pytest.raises(ReleaseRefused, match="expected 64 hexadecimal digits"):
            statement_key(Targets(unrecognized_fields={STATEMENT_KEY: text}))
