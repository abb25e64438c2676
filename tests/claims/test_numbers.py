"""Figures as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.claims.numbers import comparison_text, figure, ordinal


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (58.862, "%", 1, "58.9 %"),
        (-0.04, "%", 1, "0.0 %"),
        (1234.5, "%", 0, "1,234 %"),
        (0.987, "% of GDP", 2, "0.99 % of GDP"),
        (378.0, "alliances", 1, "378 alliances"),
        (1.0, "alliances", 1, "1 alliance"),
        (1.0, "countries", 1, "1 country"),
        (0.0, "countries", 0, "0 countries"),
        (12345.0, "alliances", 0, "12,345 alliances"),
        (8.0, "rank", 1, "8th"),
        (1.5685, "US$ billions", 2, "US$ 1.57 billion"),
        (0.4, "percentage points", 2, "+0.40 percentage points"),
        (-0.4, "percentage points", 2, "-0.40 percentage points"),
        (10.37, "years", 2, "10.37 years"),
        (None, "%", 1, "no figure"),
    ],
)
def test_a_figure_in_its_unit(value: float | None, unit: str, decimals: int, text: str) -> None:
    assert figure(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th")],
        *[(12, "12th"), (13, "13th"), (21, "21st"), (22, "22nd"), (23, "23rd"), (101, "101st")],
        *[(111, "111th"), (112, "112th"), (113, "113th"), (121, "121st"), (1011, "1011th")],
    ],
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


@given(st.integers(1, 10_000))
def test_an_ordinal_is_its_number_and_two_letters(number: int) -> None:
    found = re.fullmatch(r"(\d+)(st|nd|rd|th)", ordinal(number))
    assert found is not None
    assert int(found[1]) == number
    teen = number % 100 in (11, 12, 13)
    assert found[2] == ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_printed_figure_is_the_figure_to_its_decimals(value: float, decimals: int) -> None:
    text = figure(value, "%", decimals)
    assert text.endswith(" %")
    printed = text.removesuffix(" %").replace(",", "")
    assert not re.fullmatch(r"-0(\.0*)?", printed)
    assert abs(float(printed) - value) <= 0.5 * 10**-decimals * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize(
    ("comparison", "text"),
    [
        ("=", "50 %"),
        (">", "more than 50 %"),
        (">=", "at least 50 %"),
        ("<", "less than 50 %"),
        ("<=", "at most 50 %"),
        ("between", "between 50 % and 60 %"),
    ],
)
def test_comparisons_in_words(comparison: str, text: str) -> None:
    assert comparison_text(comparison, "50 %", "60 %") == text
