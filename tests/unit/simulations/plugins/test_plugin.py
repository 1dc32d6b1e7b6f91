"""A plugin file: what it may define, what is refused, and how a fault of its own code is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.sequences import Sequences
from client.scorers.scorer import FitData, HistoryBatch
from client.scorers.table import SCORERS, fit_scorers
from server.aggregation.server_optimiser import Update
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from simulations.config.run_config import RunConfig
from simulations.plugins.plugin import PluginFile
from simulations.plugins.plugin_guards import N_ITEMS, made_up_data

HEAD = """
import numpy as np
import torch
from client.scorers.scorer import Column, Kind

class Ones:
    columns = (Column(name="ones", kind=Kind.COUNT),)
    def __init__(self, data):
        self.n = data.n_items
    def score(self, batch):
        return [torch.ones(len(batch), self.n)]

class Still:
    def __init__(self, config):
        self.config = config
    def step(self, encoder, updates, *, round_number):
        return encoder
"""
LINE = "\n"
HISTORIES = Sequences(offsets=np.array([0, 2]), items=np.array([0, 1], np.int32))


def plugin(folder: Path, body: str) -> PluginFile:
    """The plugin of the two classes above and more lines."""
    file = folder / "own.py"
    file.write_text(HEAD + body)
    return PluginFile.read(str(file))


def data() -> FitData:
    return made_up_data()


def test_joins_the_scorers_of_the_table(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'SCORERS = {"ones": Ones}')
    fitted = fit_scorers(data(), {**SCORERS, **own.load().scorers})
    assert list(fitted.scorers) == [*(name for name in SCORERS if name not in ("shown", "repeat_counts")), "ones"]
    scores = fitted.scorers["ones"].score(HistoryBatch(HISTORIES, N_ITEMS))
    assert scores[0].tolist() == [[1.0] * N_ITEMS]


def test_leaves_a_scorer_out_for_the_reason_that_its_rule_gives(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'SCORERS = {"ones": (Ones, lambda data: "no price" if data.n_items == 80 else None)}')
    assert fit_scorers(data(), own.load().scorers).left_out == {"ones": "no price"}


def test_names_file_digest_and_tables_in_the_config_and_reads_them_back(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'SCORERS = {"ones": Ones}\nAGGREGATIONS = {"still": Still}')
    config = RunConfig.from_dict({"plugin": own.file})
    written = config.to_dict()
    assert written["plugin"] == {
        "file": own.file,
        "sha256": own.sha256,
        "scorers": ["ones"],
        "aggregations": ["still"],
    }
    assert len(own.sha256) == 64
    assert RunConfig.from_dict(written) == config


def test_uses_the_only_aggregation_of_a_plugin_unless_another_is_named(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'AGGREGATIONS = {"still": Still}').file
    assert RunConfig.from_dict({"plugin": own}).aggregation == "still"
    assert RunConfig.from_dict({"plugin": own, "aggregation": "fedavg"}).aggregation == "fedavg"
    assert RunConfig.from_dict({}).aggregation == "fedavg"


def test_wants_one_of_several_aggregations_named(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'AGGREGATIONS = {"still": Still, "also": Still}').file
    with pytest.raises(
        ConfigError, match="aggregation must be named where a plugin has several: fedavg, fedavgm, fedadam, still, also"
    ):
        RunConfig.from_dict({"plugin": own})
    assert RunConfig.from_dict({"plugin": own, "aggregation": "also"}).aggregation == "also"


def test_refuses_an_aggregation_that_nobody_has() -> None:
    with pytest.raises(ConfigError, match="aggregation must be one of fedavg, fedavgm, fedadam; got 'median'"):
        RunConfig.from_dict({"aggregation": "median"})


def test_gives_an_aggregation_the_updates_in_the_order_of_names(tmp_path: Path) -> None:
    body = """
class First(Still):
    def step(self, encoder, updates, *, round_number):
        return np.full(len(encoder), float(ord(updates[0].name[-1])))
AGGREGATIONS = {"first": First}
"""
    own = plugin(tmp_path, body).load().aggregations["first"](RoundsConfig())
    updates = [Update(name=name, difference=np.zeros(2), weight=1.0) for name in ("b", "a")]
    step = own.step(np.zeros(2, np.float32), updates, round_number=1)
    assert step.tolist() == [ord("a"), ord("a")]
    assert step.dtype == np.float32


def test_refuses_a_file_that_changed_since_the_run_began(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'SCORERS = {"ones": Ones}')
    with pytest.raises(ConfigError, match="has changed since the run began"):
        replace(own, sha256="0" * 64).load()


def test_refuses_two_columns_of_one_name(tmp_path: Path) -> None:
    own = plugin(tmp_path, 'SCORERS = {"ones": Ones, "twos": Ones}')
    with pytest.raises(ConfigError, match="scorers 'ones' and 'twos' both have a column 'ones'"):
        fit_scorers(data(), own.load().scorers)


def score(answer: str, kind: str = "COUNT") -> str:
    """A scorer that answers with an expression over ``batch``."""
    return f"""
class Own:
    columns = (Column(name="own", kind=Kind.{kind}),)
    def __init__(self, data):
        pass
    def score(self, batch):
        return {answer}
SCORERS = {{"own": Own}}
"""


def step(answer: str) -> str:
    """An aggregation that answers with an expression over ``encoder`` and ``updates``."""
    return f"""
class Own(Still):
    def step(self, encoder, updates, *, round_number):
        return {answer}
AGGREGATIONS = {{"own": Own}}
"""


REFUSED = {
    "no table": ("", "must define SCORERS or AGGREGATIONS, a dict by name; found neither"),
    "a list": ("SCORERS = [Ones]", "SCORERS must be a dict by name; found list"),
    "a name with a space": ('SCORERS = {"my ones": Ones}', "a name in SCORERS must be lower-case letters.*'my ones'"),
    "a taken scorer": ('SCORERS = {"ease": Ones}', "SCORERS may not use the name 'ease', which Graft has already"),
    "a taken aggregation": ('AGGREGATIONS = {"fedadam": Still}', "AGGREGATIONS may not use the name 'fedadam'"),
    "no class": (
        'SCORERS = {"own": 3}',
        "scorer 'own' must be a class or function of one argument .FitData.*found int",
    ),
    "an aggregation that is none": ('AGGREGATIONS = {"own": 3}', "aggregation 'own' must be a class or function"),
    "a syntax error": ("SCORERS = {", r"own.py: the file failed at line \d+: SyntaxError"),
    "an import of nothing": ("import no_such_library", r"the file failed at line \d+: ModuleNotFoundError"),
    "a fault as it is fitted": (
        'SCORERS = {"own": lambda data: 1 / 0}',
        f"scorer 'own' failed at line {1 + HEAD.count(LINE)}: ZeroDivision",
    ),
    "no columns": (
        'SCORERS = {"own": Still}',
        "scorer 'own' failed: AttributeError: 'Still' object has no .*'columns'",
    ),
    "empty columns": (
        'class Own(Ones):\n    columns = ()\nSCORERS = {"own": Own}',
        "scorer 'own' must have columns, a tuple of one Column or more",
    ),
    "a fault as it scores": (score("batch.nothing"), r"scorer 'own' failed at line \d+: AttributeError"),
    "too many tensors": (score("[torch.ones(len(batch), batch.n_items)] * 2"), "its 1 columns; it gave 2 tensors"),
    "another shape": (
        score("[torch.ones(len(batch), 3)]"),
        r"as torch.float32 \[3, 80\]; it gave torch.float32 \[3, 3\]",
    ),
    "another type": (score("[torch.ones(len(batch), batch.n_items).double()]"), "it gave torch.float64"),
    "an array": (score("[np.ones((len(batch), batch.n_items))]"), "it gave ndarray"),
    "not a number": (score("[torch.full((len(batch), batch.n_items), torch.nan)]"), "with finite numbers"),
    "a negative count": (
        score("[-torch.ones(len(batch), batch.n_items)]"),
        "must not score the count column 'own' below 0",
    ),
    "chance": (
        score("[torch.rand(len(batch), batch.n_items)]", "SIMILARITY"),
        "must score the same histories alike; column 'own' changed",
    ),
    "a rule that says yes": (
        'SCORERS = {"own": (Ones, lambda data: True)}',
        "must give a reason or None; it gave bool",
    ),
    "an aggregation that fails": (
        step("updates[1]"),
        "aggregation 'own' must give the next encoder, real numbers",
    ),
    "an aggregation that is not finite": (
        step("encoder / 0"),
        "aggregation 'own' must give finite numbers",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_says_in_one_sentence_what_is_wrong(tmp_path: Path, case: str) -> None:
    body, sentence = REFUSED[case]
    with pytest.raises(ConfigError, match=sentence) as found:
        plugin(tmp_path, body)
    assert str(found.value).startswith("plugin ")
    assert "\n" not in str(found.value)


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.py cannot be read: No such file"):
        PluginFile.read(str(tmp_path / "none.py"))
