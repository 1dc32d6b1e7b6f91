"""The old words of docs/glossary.md are gone: from public names, from help texts of options and from documents."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("client", "server", "shared", "simulations", "graft", "benchmarks")
GLOSSARY = ROOT / "docs/glossary.md"
LEFT_OUT = ("CHANGELOG.md", "docs/glossary.md")
"""documents that have the old words; notebooks have them too"""
OTHER_MEANINGS = {
    ("panel", "shared/system/options.py"): "a panel of options in a command's help",
    ("panel", "client/fitting/fit_settings.py"): "the same",
    ("panel", "simulations/report/plots.py"): "one plot of a figure",
    ("panel", "simulations/report/curves.py"): "the same",
    ("pull", "client/guard/gatekeeper.py"): "Flower's function that a process takes its task with",
    ("pull", "simulations/federation/in_process_grid.py"): "Flower's call, by its name",
    ("pull", "simulations/devices/device_grid.py"): "the same",
}
"""Old name and file in which the word means something else."""


@dataclass(frozen=True)
class OldWord:
    """A row of the glossary's second table."""

    old: str
    new: str
    is_name: bool


def old_words(text: str) -> list[OldWord]:
    """The rows of the second table, names of code in backticks and phrases without."""
    table = text.split("## Old words")[1]
    rows = re.findall(r"^\| (?!old |--)(.+?) +\| (.+?) +\|$", table, re.MULTILINE)
    return [OldWord(old.strip("`"), new.strip("`"), is_name=old.startswith("`")) for old, new in rows]


WORDS = old_words(GLOSSARY.read_text("utf-8"))


def words_in(name: str) -> str:
    """A name's words in lower case, between underscores: ``RawPanel`` and ``raw-panel`` are ``_raw_panel_``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("-", "_"))
    return f"_{words.lower().strip('_')}_"


def old_names(name: str) -> Iterator[str]:
    """The old words that a name is made of, in singular or plural; what only the new word holds is none."""
    for word in WORDS:
        rest = words_in(name).replace(words_in(word.new)[:-1], "_")
        if word.is_name and re.search(rf"{words_in(word.old)[:-1]}s?_", rest):
            yield word.old


def old_phrases(text: str) -> Iterator[str]:
    """The old phrases in a text, in singular or plural; a name in backticks is no phrase."""
    prose = re.sub(r"`[^`]*`", "", " ".join(text.split()))
    for word in WORDS:
        first = f"[{word.old[0]}{word.old[0].upper()}]" if len(word.old) > 2 else word.old[0]  # He is a surname
        end = "" if word.old.endswith("s") else "s?"
        if not word.is_name and re.search(rf"(?<![\w-]){first}{re.escape(word.old[1:])}{end}(?![\w-])", prose):
            yield word.old


def public_names(tree: ast.Module) -> Iterator[str]:
    """Functions, classes, methods, parameters, constants and attributes that do not begin with an underscore."""
    places = {id(target) for body in _bodies(tree) for statement in body for target in _targets(statement)}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                names = [name]
            case ast.Name(id=name) if id(node) in places:
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    yield tree.body
    yield from (node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _targets(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(target=target):
            return [target]
    return []


def help_texts(tree: ast.Module) -> Iterator[str]:
    """What options and arguments of commands say of themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("option", "Option", "Argument"):
            for keyword in node.keywords:
                if keyword.arg == "help":
                    texts = [part.value for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)]
                    yield "".join(text for text in texts if isinstance(text, str))


def sources() -> list[Path]:
    """Python files of ours that nothing generates."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in paths if "_pb2" not in path.name]


def pages() -> list[Path]:
    """Documents of today."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    notebooks = ROOT / "docs/notebooks"
    return [path for path in found if notebooks not in path.parents and str(path.relative_to(ROOT)) not in LEFT_OUT]


def names_of_file(path: Path) -> set[str]:
    """The old words in public names of a file, its own name among them."""
    names = (path.stem, *public_names(ast.parse(path.read_text("utf-8"))))
    return {old for name in names for old in old_names(name)}


def old_in_page(text: str) -> set[str]:
    """The old phrases of a document, and the old names in its code; a generated table of former names may have them."""
    prose = re.sub(r"(?ms)^ *```.*?^ *```|^<!-- former names.*?^<!-- end -->", "", text)
    spans = " ".join(re.findall(r"`[^`\n]+`", prose))
    names = {old for name in re.findall(r"[A-Za-z_-]{3,}", spans) for old in old_names(name)}
    return {*old_phrases(prose), *names}


def test_reads_the_table() -> None:
    assert {"panel", "Wish", "log-lift", "surely"} <= {word.old for word in WORDS}
    assert sum(not word.is_name for word in WORDS) >= 8


def test_no_public_name_has_an_old_word() -> None:
    found = {(old, str(path.relative_to(ROOT))) for path in sources() for old in names_of_file(path)}
    assert found == set(OTHER_MEANINGS)


def test_no_help_text_has_an_old_phrase() -> None:
    texts = [text for path in sources() for text in help_texts(ast.parse(path.read_text("utf-8")))]
    assert len(texts) > 100
    assert [text for text in texts if list(old_phrases(text))] == []


def test_no_document_has_an_old_word() -> None:
    assert len(pages()) > 70
    found = {str(path.relative_to(ROOT)): old_in_page(path.read_text("utf-8")) for path in pages()}
    assert {page: old for page, old in found.items() if old} == {}


@pytest.mark.parametrize(
    ("old", "planted"),
    [
        ("panel", "def served(panel): ..."),
        ("panel", "class RawPanels: ..."),
        ("pull", "class Settings:\n    pulls: int = 3"),
        ("pull", "PULLS = (1, 2)"),
        ("lesson", "def draw_lessons(): ..."),
        ("weighting_users", "class World:\n    def weighting_users(self): ..."),
        ("stopping_users", "async def of(*, stopping_users=None): ..."),
        ("StoredHead", "class StoredHead: ..."),
        ("WayOut", "class Guard:\n    def __init__(self):\n        self.way_out = 1"),
        ("relatedness", "class RelatednessSettings: ..."),
        ("helpfulness", "def helpfulness(): ..."),
        ("same_trade", "SAME_TRADE = 1"),
        ("contenders", "class Fit:\n    contenders: int = 1"),
        ("contributing_users", "def contributing_users(): ..."),
        ("final_rate", "class Rounds:\n    final_rate: float = 0.1"),
        ("downloads", "def usual_downloads(): ..."),
        ("asked_of", "def asked_of(task): ..."),
    ],
)
def test_finds_an_old_name(old: str, planted: str) -> None:
    assert [word for name in public_names(ast.parse(planted)) for word in old_names(name)] == [old]


@pytest.mark.parametrize("name", ["early_stopping_users", "early_stopping_share", "pulley", "_panel"])
def test_takes_a_new_name_and_a_private_one(name: str) -> None:
    tree = ast.parse(f"def {name}(): ...")
    assert [word for public in public_names(tree) for word in old_names(public)] == []


@pytest.mark.parametrize(
    ("old", "planted"),
    [
        ("choosing users", "How many choosing\n  users there are."),
        ("log-lift", "Its log-lifts are added."),
        ("stopping users", "Stopping users end it."),
        ("surely", "It is better, surely."),
        ("his", "A user keeps his events."),
        ("panel", "See `RequestPanel`."),
        ("growth", "See `growth.py`."),
        ("server_rate", "Set `--set server-rate=2`."),
        ("downloads", "A TOML file says `downloads = 1`."),
        ("helpfulness", "Weights by helpfulness."),
        ("relatedness", "By relatedness."),
        ("trade", "Shops of one\n  trade."),
        ("far platform", "Beside far platforms."),
        ("contributing users", "Contributing users train it."),
    ],
)
def test_finds_an_old_word_in_a_document(old: str, planted: str) -> None:
    assert old_in_page(planted) == {old}


@pytest.mark.parametrize(
    "planted",
    [
        "Early-stopping users end it.",
        "The metric `choosing users`.",
        "He and McAuley, 2016.",
        "This history.",
        "A trade-off.",
    ],
)
def test_takes_new_words_in_a_document(planted: str) -> None:
    assert old_in_page(planted) == set()


def test_finds_an_old_phrase_in_a_help_text() -> None:
    planted = "x: int = option(3, help='Least choosing ' 'users.')\ny = typer.Option(help=f'Of {n} log-lifts.')"
    assert [list(old_phrases(text)) for text in help_texts(ast.parse(planted))] == [["choosing users"], ["log-lift"]]
