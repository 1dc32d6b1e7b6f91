"""A platform specification is read, checked and written back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.data.folder_options import Preparation, SharedPreparation
from client.data.spec import PlatformSpec, parse_folder, parse_platform_spec
from shared.errors import ConfigError


def test_reads_every_option() -> None:
    spec = parse_platform_spec(
        "shop=/data/shop,fraction=.2,max-users=3000,users=0-97.5,items=50-100,min-rating=4,repeats=keep,order=none"
    )
    assert spec == PlatformSpec(
        name="shop",
        path=Path("/data/shop"),
        fraction=0.2,
        max_users=3000,
        users=(0, 97.5),
        items=(50, 100),
        min_rating=4,
        repeats="keep",
        ordered=False,
    )


def test_hands_over_its_options_as_a_preparation() -> None:
    spec = parse_platform_spec("shop=shop,fraction=.5,users=10-20,order=none")
    assert spec.preparation(SharedPreparation(min_user_events=5, min_item_events=4)) == Preparation(
        min_user_events=5, min_item_events=4, fraction=0.5, users=(10, 20), ordered=False
    )


def test_takes_a_folder_with_an_equals_sign() -> None:
    assert parse_platform_spec("shop=/data/year=2024").path == Path("/data/year=2024")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shop", r"a platform must be NAME=DIR\[,option=value...\]; got 'shop'"),
        ("shop=", "expected a folder, DIR.*got none"),
        ("=dir", "a platform's name must be letters"),
        ("../shop=dir", "a platform's name must be letters"),
        ("shop=dir,colour=red", "unknown option 'colour'; options are fraction, train-users, max-users, users, items,"),
        (
            "shop=my,dir",
            r"expected option=value after a comma, found 'dir' \(a folder's path cannot hold a comma\)",
        ),
        ("shop=dir,fraction=.2,fraction=.3", "option fraction is given twice"),
        ("shop=dir,fraction=0", "fraction must be above 0 and at most 1; got 0"),
        ("shop=dir,fraction=1.5", "fraction must be above 0 and at most 1; got 1.5"),
        ("shop=dir,fraction=nan", "fraction must be above 0 and at most 1; got nan"),
        ("shop=dir,fraction=half", "fraction must be a number above 0 and at most 1; got 'half'"),
        ("shop=dir,train-users=9", "train-users must be 10 or more; got 9"),
        ("shop=dir,train-users=few", "train-users must be a whole number; got 'few'"),
        ("shop=dir,train-users=10,fraction=.2", "train-users and fraction both say who is trained on"),
        ("shop=dir,max-users=3.5", "max-users must be a whole number; got '3.5'"),
        ("shop=dir,max-users=0", "max-users must be 1 or more; got 0"),
        ("shop=dir,users=80-20", "users must be A-B in percent with 0 <= A < B <= 100; got 80-20"),
        ("shop=dir,items=50-101", "items must be A-B in percent with 0 <= A < B <= 100; got 50-101"),
        ("shop=dir,time=50-50", "time must be A-B in percent with 0 <= A < B <= 100; got 50-50"),
        ("shop=dir,time=0-50,order=none", "time takes a part of events in time order"),
        ("shop=dir,items=50", "items must be A-B in percent, for example 0-80; got '50'"),
        ("shop=dir,min-rating=inf", "min-rating must be a finite number; got inf"),
        ("shop=dir,repeats=maybe", "repeats must be 'keep'; got 'maybe'"),
        ("shop=dir,order=time", "order must be 'none'; got 'time'"),
    ],
)
def test_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse_platform_spec(text)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", r"a platform must be DIR\[,option=value...\]; got ''"),
        ("data/shop,colour=red", "^data/shop: unknown option 'colour'"),
        ("data/shop,fraction=2", "^data/shop: fraction must be above 0 and at most 1; got 2"),
        ("data/shop,order", "^data/shop: expected option=value"),
    ],
)
def test_a_complaint_about_a_folder_names_it(line: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        parse_folder(line)


_percent = st.floats(0, 100)
_ranges = st.none() | st.tuples(_percent, _percent).filter(lambda part: part[0] < part[1])


@given(
    fraction=st.floats(0.001, 1),
    train_users=st.none() | st.integers(10, 10**6),
    max_users=st.none() | st.integers(1, 10**6),
    users=_ranges,
    items=_ranges,
    time=_ranges,
    min_rating=st.none() | st.integers(-20, 20).map(lambda half_stars: half_stars / 2),
    repeats=st.sampled_from(["first", "keep"]),
    ordered=st.booleans(),
)
def test_reads_back_what_it_writes(**options: object) -> None:
    if not options["ordered"]:
        options["time"] = None
    if options["train_users"]:
        options["fraction"] = 1.0
    spec = PlatformSpec(name="shop", path=Path("data/shop"), **options)  # type: ignore[arg-type]
    assert parse_platform_spec(str(spec)) == spec
