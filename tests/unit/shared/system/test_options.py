"""Options as fields of dataclasses: their keys, checks and former names."""

from dataclasses import dataclass

import pytest

from shared.errors import ConfigError
from shared.system.options import Entry, assigned, check, entries, from_flat, group, option, renamed, to_flat
from simulations.config.generated import former_names_table, option_table


@dataclass(frozen=True, kw_only=True)
class Oven:
    heat: float = option(180.0, above=0, most=300, help="In degrees.")
    colour: str = option(
        "red",
        key="colour",
        choices=("red", "blue"),
        old=("oven-color",),
        old_values={"crimson": "red"},
        help="Of the door.",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    least_cooks: int = option(1, least=1, help="Fewer close it.", see="cooks.md")
    tip: float = option(0.1, least=0, help="For them.")
    open_now: bool = option(True, help="Whether it is.")
    dishes: tuple[str, ...] = option(("soup",), help="What there is.")
    unnamed: int = 3
    oven: Oven = group(Oven, prefix="oven-")

    def __post_init__(self) -> None:
        check(self)


def test_gives_every_option_its_key_those_of_a_group_after_its_prefix() -> None:
    assert [one.key for one in entries(Kitchen)] == ["least-cooks", "tip", "open-now", "dishes", "oven-heat", "colour"]


def test_comes_back_from_the_flat_form_as_it_was() -> None:
    kitchen = Kitchen(least_cooks=2, dishes=("a", "b"), oven=Oven(heat=90.0, colour="blue"))
    assert from_flat(Kitchen, to_flat(kitchen)) == kitchen
    assert from_flat(Kitchen, {"oven-heat": 90}) == Kitchen(oven=Oven(heat=90.0))
    assert from_flat(Kitchen, {"dishes": ["a"]}).dishes == ("a",)


@pytest.mark.parametrize(
    ("flat", "sentence"),
    [
        ({"hot": 1}, "unknown option 'hot'; options are least-cooks, tip, open-now, dishes, oven-heat, colour"),
        ({"least-cooks": 0}, "least-cooks must be 1 or more; got 0"),
        ({"least-cooks": True}, "least-cooks must be a whole number; got True"),
        ({"tip": float("inf")}, "tip must be a finite number; got inf"),
        ({"tip": 10**400}, "tip must be a finite number; got inf"),
        ({"tip": float("nan")}, "tip must be 0 or more; got nan"),
        ({"open-now": 1}, "open-now must be true or false; got 1"),
        ({"dishes": [1]}, "dishes must be a list of texts; got"),
        ({"oven-heat": 0.0}, "oven-heat must be above 0 and at most 300; got 0.0"),
        ({"oven-heat": "hot"}, "oven-heat must be a number; got 'hot'"),
        ({"colour": "green"}, "colour must be one of red, blue; got 'green'"),
    ],
)
def test_names_the_option_as_it_is_written_and_what_it_must_be(flat, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        from_flat(Kitchen, flat)


def test_checks_itself_wherever_it_is_made() -> None:
    with pytest.raises(ConfigError, match="heat must be above 0 and at most 300"):
        Oven(heat=301.0)
    with pytest.raises(ConfigError, match="heat must be above 0"):
        Oven(heat=float("nan"))


def test_takes_a_former_name_and_says_so_and_never_both() -> None:
    said: list[str] = []
    assert renamed(Kitchen, {"oven-color": "red", "least-cooks": 2}, said.append) == {"colour": "red", "least-cooks": 2}
    assert said == ["oven-color is called colour now"]
    assert renamed(Kitchen, {"oven_color": "red"}, said.append) == {"colour": "red"}
    with pytest.raises(ConfigError, match="oven-color is called colour now; got both"):
        renamed(Kitchen, {"oven-color": "red", "colour": "red"})


def test_takes_a_former_name_of_a_choice_and_says_so() -> None:
    said: list[str] = []
    assert renamed(Kitchen, {"oven-color": "crimson", "hot": "crimson"}, said.append) == {
        "colour": "red",
        "hot": "crimson",
    }
    assert assigned(Kitchen, ["colour=crimson"], said.append) == {"colour": "red"}
    assert said == ["oven-color is called colour now", *["colour crimson is called red now"] * 2]


def test_reads_what_is_set_on_the_command_line() -> None:
    said: list[str] = []
    found = assigned(Kitchen, ["least-cooks=3", "open-now=false", "oven-heat=9.5", "oven-color=blue"], said.append)
    assert found == {"least-cooks": 3, "open-now": False, "oven-heat": 9.5, "colour": "blue"}
    assert said == ["oven-color is called colour now"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour=blue", "colour is given twice; got 'colour=blue' too"),
        ("least-cooks", "expected KEY=VALUE with a KEY of colour, dishes, least-cooks"),
        ("hot=1", "expected KEY=VALUE"),
        ("least-cooks=many", "least-cooks must be a whole number; got 'many'"),
        ("open-now=1", "open-now must be true or false; got '1'"),
    ],
)
def test_refuses_what_nothing_can_be_set_to(text, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        assigned(Kitchen, ["oven-color=red", text])


def test_leaves_out_what_a_group_is_asked_to() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Restaurant:
        heat: float = option(20.0, help="Of the room.")
        oven: Oven = group(Oven, without=("heat",))

    assert [one.key for one in entries(Restaurant)] == ["heat", "colour"]
    assert from_flat(Restaurant, {"heat": 21}).heat == 21.0


def test_is_a_table_in_markdown() -> None:
    rows = option_table(Kitchen).splitlines()[2:]
    assert rows[0] == "| `least-cooks` | 1 | 1 or more | Fewer close it. ([why](cooks.md)) |"
    assert rows[2] == "| `open-now` | true |  | Whether it is. |"
    assert len(rows) == len(list(entries(Kitchen)))
    assert former_names_table(Kitchen).splitlines()[2:] == [
        "| `oven-color` | `colour` |",
        "| `colour crimson` | `colour red` |",
    ]


def test_finds_a_value_where_it_stands() -> None:
    heat = next(one for one in entries(Kitchen) if one.key == "oven-heat")
    assert isinstance(heat, Entry)
    assert heat.of(Kitchen(oven=Oven(heat=5.0))) == 5.0
