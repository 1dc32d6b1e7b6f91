"""The same seed gives the same result.json but for times, in any process; another seed gives another one."""

import json
from pathlib import Path

from simulations.results.result_document import read_result, without_times
from tests.integration.commands import finished, start_anew
from tests.integration.tiny_folders import write_tiny_folder
from tests.small_space import FEATURES

METHODS = ("popularity", "local", "feature", "knowledge", "federated", "pooled")


def test_repeats_a_run_exactly_under_the_same_seeds_which_differ_from_each_other(tmp_path: Path) -> None:
    folder = write_tiny_folder(tmp_path / "tiny")
    options = ["--source", "shop", "--platform", f"shop={folder},users=0-55", "--platform"]
    options += [f"branch={folder},users=55-100", "--report", "branch", "--encoder", "tiny", "--rounds", "1"]
    options += ["--methods", ",".join(METHODS), "--seeds", "2", "--diversity", "0.4", "--features", FEATURES]
    # a set or a hash that decides an order shows itself between two hash seeds
    runs = [start_anew("graft-sim", "run", *options, "--out", tmp_path / str(seed), hash_seed=seed) for seed in (1, 2)]
    ended = [finished(each) for each in runs]
    assert [done.returncode for done in ended] == [0, 0], ended
    first, again = (without_times(read_result(tmp_path / name / "result.json")) for name in ("1", "2"))
    assert json.dumps(first) == json.dumps(again)
    methods = first["platforms"]["branch"]["methods"]
    assert tuple(methods) == (*METHODS, "served")
    by_seed = methods["local"]["per_seed"]["ndcg@10"]
    assert by_seed[0] != by_seed[1]
