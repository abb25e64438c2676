"""Figures as people write them: units, thousands, ordinals; knows no claim."""

from __future__ import annotations

_COUNTS = {"alliances", "countries", "ranks", "ties", "pacts", "obligations"}


def figure(value: float | None, unit: str, decimals: int) -> str:
    """A figure in its unit: '58.9 %', '8th', '378 alliances', 'US$ 1.6 billion'."""
    if value is None:
        return "no figure"
    value = round(value, decimals) + 0.0  # no -0.0
    if unit == "rank":
        return ordinal(round(value))
    if unit in _COUNTS:
        return f"{value:,.0f} {unit if round(value) != 1 else _singular(unit)}"
    if unit == "US$ billions":
        return f"US$ {value:,.{decimals}f} billion"
    if unit == "percentage points":
        return f"{value:+,.{decimals}f} percentage points"
    return f"{value:,.{decimals}f} {unit}"


def _singular(unit: str) -> str:
    return unit[:-3] + "y" if unit.endswith("ies") else unit.removesuffix("s")


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }".replace(" ", "")


def comparison_text(comparison: str, stated: str, upper: str | None = None) -> str:
    """A stated comparison in words: 'more than 50 %', 'between 60 years and 70 years'."""
    words = {"=": "", ">": "more than ", ">=": "at least ", "<": "less than ", "<=": "at most "}
    return (
        f"between {stated} and {upper}" if comparison == "between" else words[comparison] + stated
    )
