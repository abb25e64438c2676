"""What metrics of claims are made of: dimensions, their levels, and the call that a user would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NEWEST = 0  # `edition: newest` in a claim file, until the data say which that is


@dataclass(frozen=True)
class Dimension:
    """One parameter: its type, its levels (None: any value), its default (None: must be given)."""

    type: type
    levels: tuple[Any, ...] | None = None
    default: Any = None
    required: bool = False
    values_from: str | None = None  # a query of the values that the data know
    bounds: tuple[float, float] | None = None  # of a number
    pattern: str | None = None  # of a text
    expects: str = ""  # what to write, for people

    @property
    def expected(self) -> str:
        """What a claim file should say."""
        return self.expects or _KINDS[self.type]


_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    dict: "lines `country: rank` below it",
    list: "a list of COW state codes like [2, 740]",
}


PRICES = Dimension(str, ("constant", "current"), "constant")
BASIS = Dimension(str, ("published", "summed"), "published")
COVERAGE = Dimension(str, ("all", "both years"), "all")
SHIFT = Dimension(int, (-1, 0, 1), 0)
YEAR = Dimension(int, required=True, bounds=(1900, 2100), expects="a year like 2017")
EDITION = Dimension(
    int,
    required=True,
    values_from="SELECT edition FROM main.editions ORDER BY 1",
    bounds=(1990, 2100),
    expects="an edition's last data year, like 2017",
)
COUNTRY = Dimension(str, required=True, values_from="SELECT country FROM main.countries ORDER BY 1")
PLACE = Dimension(
    str, required=True, values_from="SELECT DISTINCT place FROM main.place_names ORDER BY 1"
)


DATASETS = "SELECT DISTINCT dataset || ' ' || version FROM main.alliances ORDER BY 1"


@dataclass(frozen=True)
class Metric:
    """A metric as claims use it.

    grid: spending_grid or alliance_grid. unit: of the value. call: the SQL that a user would write
    for one specification, from its parameters.
    """

    name: str
    grid: str
    unit: str
    dimensions: Mapping[str, Dimension]
    call: Callable[[Mapping[str, Any]], str]
