"""A claim file, read and checked: what is stated, by which metric, under which alternatives.

A file is YAML; an error names the file, the line and what was expected. Knows no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from pathlib import Path
from re import fullmatch
from string import Formatter
from typing import Any

import yaml

from pipelines.claims.dimensions import NEWEST, Dimension, Metric
from pipelines.claims.metrics import METRICS
from pipelines.errors import MilexError

COMPARISONS = ("=", ">", ">=", "<", "<=", "between")
MAX_BYTES = 64 * 1024
MAX_VALUE = 3_000  # characters; a number with more digits could not even be shown
_SHOWN = 200
_MAPPING = "tag:yaml.org,2002:map"  # and not !!set, which is written like one
_YEARS = ("year", "from_year", "to_year")
_FIGURES = {"value", "number"}
_FIELDS = {
    "id",
    "statement",
    "source",
    "locator",
    "paragraph",
    "stated",
    "threshold",
    "attribution",
    "metric",
    "definition",
    "alternatives",
    "beside",
    "together_with",
    "rolled",
    "found",
    "today",
    "not_testable",
    "would_test",
}


class ClaimError(MilexError):
    """A claim file that cannot be used as it is."""


@dataclass(frozen=True)
class Stated:
    """The figure of the statement: value (and upper for `between`), comparison, decimals, unit."""

    value: float
    comparison: str
    decimals: int
    unit: str
    upper: float | None = None


@dataclass(frozen=True)
class Claim:
    """One testable part of a statement, or a statement recorded as not testable.

    definition: a value for every dimension of the metric. alternatives: further values of some.
    beside: specifications that are shown and carry no verdict. rolled: the definition's years
    counted from the newest edition's last year.
    """

    id: str
    statement: str
    source: str
    locator: str
    path: Path
    paragraph: str
    stated: Stated | None = None
    threshold_is_ours: bool = False
    attribution: str | None = None
    metric: Metric | None = None
    definition: Mapping[str, Any] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[Any, ...] | str] = field(default_factory=dict)
    beside: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    together_with: str | None = None
    rolled: Mapping[str, int] = field(default_factory=dict)
    found: str = ""
    today: str = ""
    not_testable: str | None = None
    would_test: str | None = None

    @property
    def testable(self) -> bool:
        """Whether a metric can say anything about it."""
        return self.metric is not None


def load_claims(folders: Iterable[Path]) -> list[Claim]:
    """Every claim file below the folders, in the order of their paths, packs last.

    Raises ClaimError for a file that cannot be used, and for an id that two files give.
    """
    claims: dict[str, Claim] = {}
    for folder in folders:
        files = [*folder.rglob("*.yaml"), *folder.rglob("*.yml")]
        for path in sorted(files, key=lambda path: ("packs" in path.parts, path)):
            add_claims(claims, read_claims(path))
    check_companions(claims)
    return list(claims.values())


def add_claims(claims: dict[str, Claim], more: Iterable[Claim]) -> None:
    """Put claims under their ids; an id that is taken is an error."""
    for claim in more:
        if claim.id in claims:
            raise ClaimError(
                f"{claim.path.name}: the id {claim.id} is taken by {claims[claim.id].path.name}. "
                "Give this claim another."
            )
        claims[claim.id] = claim


def check_companions(claims: Mapping[str, Claim]) -> None:
    """Claims that describe one set name each other's id and give the same set."""
    for claim in claims.values():
        other = claims.get(claim.together_with or claim.id)
        if other is None:
            raise ClaimError(
                f"{claim.path.name}: together_with names no claim: {claim.together_with}"
            )
        if other.alternatives != claim.alternatives or other.definition != claim.definition:
            raise ClaimError(
                f"{claim.path.name}: {claim.id} and {other.id} describe one set, so their "
                "definition and alternatives must be the same."
            )


def read_claims(path: Path) -> list[Claim]:
    """The claims of one file: one mapping, or several YAML documents."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ClaimError(f"{path.name}: cannot be opened ({error.strerror}).") from None
    if len(content) > MAX_BYTES:
        raise ClaimError(f"{path.name}: larger than {MAX_BYTES // 1024} KB; a claim file is short.")
    return list(_claims_in(path, content))


@lru_cache(maxsize=256)
def _claims_in(path: Path, content: bytes) -> tuple[Claim, ...]:
    """A build asks for every claim twice, and most of the time goes into reading YAML."""
    try:
        nodes = list(yaml.compose_all(content.decode("utf-8"), Loader=_PlainLoader))
        claims = [_Reader(path, node).claim() for node in nodes if node is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", error)).partition("\n")[0]
        raise ClaimError(f"{path.name}{where}: not YAML: {problem[:_SHOWN]}") from None
    except UnicodeDecodeError:
        raise ClaimError(f"{path.name}: not UTF-8 text.") from None
    except RecursionError:
        raise ClaimError(f"{path.name}: nested too deeply for a claim file.") from None
    if not claims:
        raise ClaimError(f"{path.name}: empty; expected `field: value`.")
    return tuple(claims)


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors and aliases, which a claim file does not need and a bomb does."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases (& and *) are not allowed",
                problem_mark=event.start_mark,  # type: ignore[arg-type]
            )
        if len(getattr(event, "value", "")) > MAX_VALUE:
            raise yaml.MarkedYAMLError(
                problem=f"a value of more than {MAX_VALUE:,} characters",
                problem_mark=event.start_mark,  # type: ignore[arg-type]
            )
        return super().compose_node(parent, index)


class _Reader:
    """One YAML document, with the lines of its fields for the messages."""

    def __init__(self, path: Path, node: yaml.Node) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        if not isinstance(node, yaml.MappingNode) or node.tag != _MAPPING:
            raise ClaimError(
                f"{path.name}, line {node.start_mark.line + 1}: expected `field: value`."
            )
        self._note_lines(node, "")
        self.first_line = node.start_mark.line + 1
        try:
            self.content: dict[str, Any] = yaml.SafeLoader("").construct_document(node)
        except (ValueError, OverflowError) as error:  # no date, a float too great
            raise ClaimError(f"{path.name}, line {self.first_line}: {error}") from None
        except (AttributeError, LookupError, TypeError):  # what the library makes of !!bool what
            raise ClaimError(
                f"{path.name}, line {self.first_line}: a value is not what its tag (!!) says."
            ) from None

    def _note_lines(self, node: yaml.MappingNode, prefix: str) -> None:
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            if name in self.lines:
                raise ClaimError(f"{self.path.name}, line {key.start_mark.line + 1}: {name} twice.")
            self.lines[name] = key.start_mark.line + 1
            if isinstance(value, yaml.MappingNode):
                self._note_lines(value, f"{name}.")

    def fail(self, where: str, expected: str) -> ClaimError:
        line = (
            self.lines.get(where)
            or self.lines.get(where.split(".", maxsplit=1)[0])
            or self.first_line
        )
        return ClaimError(f"{self.path.name}, line {line}: {where}: {expected}")

    def text(self, name: str, required: bool = True) -> str:
        value = self.content.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.strip():
            raise self.fail(name, "expected a line of text.")
        return " ".join(value.split())

    def claim(self) -> Claim:
        unknown = self.content.keys() - _FIELDS
        if unknown:
            name = sorted(map(str, unknown))[0]
            raise self.fail(name, f"unknown field. Known: {', '.join(sorted(_FIELDS))}.")
        common: dict[str, Any] = {
            "id": self._id(),
            "statement": self.text("statement"),
            "source": self.text("source"),
            "locator": self.text("locator"),
            "paragraph": self.text("paragraph", required=False) or self.text("source"),
            "path": self.path,
        }
        if "not_testable" in self.content:
            return Claim(
                **common,
                not_testable=self.text("not_testable"),
                would_test=self.text("would_test"),
            )
        metric = self._metric()
        definition = self._definition(metric)
        return Claim(
            **common,
            stated=self._stated(metric),
            threshold_is_ours=self._threshold(),
            attribution=self.text("attribution", required=False) or None,
            metric=metric,
            definition=definition,
            alternatives=self._alternatives(metric, definition, "alternatives"),
            beside={
                name: values
                for name, values in self._alternatives(metric, definition, "beside").items()
                if not isinstance(values, str)
            },
            together_with=self.text("together_with", required=False) or None,
            rolled=self._rolled(metric),
            found=self._sentence("found", _FIGURES),
            today=self._sentence(
                "today", {*_FIGURES, "edition", "to_year", *self._mapping("rolled")}
            ),
        )

    def _sentence(self, name: str, places: set[str]) -> str:
        """A sentence to be filled in; its {places} are known."""
        text = self.text(name, required=False)
        known = ", ".join(f"{{{place}}}" for place in sorted(places))
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise self.fail(name, f"{error}. To be filled in: {known}.") from None
        for _, place, form, conversion in parts:
            if place is not None and (place not in places or form or conversion):
                raise self.fail(name, f"{{{place}}} is unknown. To be filled in: {known}.")
        return text

    def _id(self) -> str:
        value = self.text("id")
        if not all(part.isalnum() for part in value.split("-")) or value != value.lower():
            raise self.fail("id", "expected lower-case words joined by hyphens, like asia-growth.")
        return value

    def _threshold(self) -> bool:
        value = self.content.get("threshold")
        if value not in (None, "ours"):
            raise self.fail("threshold", "expected `ours`, or no such line.")
        return value == "ours"

    def _metric(self) -> Metric:
        name = self.text("metric")
        if name not in METRICS:
            raise self.fail("metric", f"{name} is unknown. Known: {', '.join(METRICS)}.")
        return METRICS[name]

    def _mapping(self, name: str, required: bool = False) -> dict[str, Any]:
        value = self.content.get(name)
        if value is None and not required:
            return {}
        if not isinstance(value, dict):
            raise self.fail(name, "expected lines `  dimension: value` below it.")
        return value

    def _stated(self, metric: Metric) -> Stated:
        content = self._mapping("stated", required=True)
        unknown = content.keys() - {"value", "upper", "comparison", "decimals", "unit"}
        if unknown:
            known = "value, upper, comparison, decimals, unit"
            raise self.fail(
                f"stated.{sorted(map(str, unknown))[0]}", f"unknown field. Known: {known}."
            )
        comparison = content.get("comparison", "=")
        if comparison not in COMPARISONS:
            raise self.fail("stated.comparison", f"expected one of {' '.join(COMPARISONS)}.")
        decimals = content.get("decimals", 0)
        if not isinstance(decimals, int) or isinstance(decimals, bool) or not 0 <= decimals <= 6:
            raise self.fail("stated.decimals", "expected a whole number from 0 to 6.")
        unit = content.get("unit", metric.unit)
        if unit != metric.unit:
            raise self.fail(
                "stated.unit", f"{metric.name} gives {metric.unit}, not {str(unit)[:60]}."
            )
        value = self._number(content, "value")
        upper = self._number(content, "upper") if comparison == "between" else None
        if upper is None and "upper" in content:
            raise self.fail("stated.upper", "only `comparison: between` has an upper figure.")
        if upper is not None and upper < value:
            raise self.fail("stated.upper", "expected a figure above value.")
        return Stated(value, comparison, decimals, metric.unit, upper)

    def _number(self, content: Mapping[str, Any], name: str) -> float:
        value: Any = content.get(name)
        if not _is_number(value):
            raise self.fail(f"stated.{name}", f"expected a number, found {_shown(value)}.")
        return float(value)

    def _definition(self, metric: Metric) -> dict[str, Any]:
        content = self._mapping("definition", required=True)
        self._known(metric, content, "definition")
        chosen = {}
        for name, dimension in metric.dimensions.items():
            if name not in content and dimension.required:
                raise self.fail("definition", f"{metric.name} needs {name}.")
            chosen[name] = self._level(
                metric, name, content.get(name, dimension.default), "definition"
            )
        if "from_year" in chosen and chosen["from_year"] >= chosen["to_year"]:
            raise self.fail("definition.from_year", "expected a year before to_year.")
        if chosen.get("coverage") == "both years" and chosen["basis"] == "published":
            raise self.fail("definition.coverage", "`both years` needs `basis: summed`.")
        return chosen

    def _known(self, metric: Metric, content: Mapping[str, Any], section: str) -> None:
        unknown = sorted(map(str, content.keys() - metric.dimensions.keys()))
        if unknown:
            raise self.fail(
                f"{section}.{unknown[0]}",
                f"{metric.name} has no such dimension. It has: {', '.join(metric.dimensions)}.",
            )

    def _level(self, metric: Metric, name: str, value: Any, section: str) -> Any:
        dimension = metric.dimensions[name]
        if (name, value) == ("edition", "newest"):
            return NEWEST
        if name == "ended_by" and type(value) is int:
            value = str(value)
        if dimension.type is float and _is_number(value):
            value = float(value)
        if type(value) is not dimension.type or not _usable(dimension, value):
            raise self.fail(
                f"{section}.{name}", f"expected {dimension.expected}, found {_shown(value)}."
            )
        if dimension.levels is not None and value not in dimension.levels:
            levels = ", ".join(map(str, dimension.levels))
            raise self.fail(f"{section}.{name}", f"expected one of {levels}, found {value!r}.")
        return value

    def _alternatives(
        self, metric: Metric, definition: Mapping[str, Any], section: str
    ) -> dict[str, tuple[Any, ...] | str]:
        content = self._mapping(section)
        self._known(metric, content, section)
        found: dict[str, tuple[Any, ...] | str] = {}
        for name, values in content.items():
            if metric.dimensions[name].type in (dict, list):
                raise self.fail(f"{section}.{name}", "has no alternatives.")
            if values == "every" and section == "beside":
                raise self.fail(f"{section}.{name}", "expected a list like [a, b].")
            if values == "every":
                if (
                    metric.dimensions[name].values_from is None
                    and not metric.dimensions[name].levels
                ):
                    raise self.fail(
                        f"{section}.{name}", "`every` is for dimensions with known values."
                    )
                found[name] = "every"
                continue
            if not isinstance(values, list):
                raise self.fail(f"{section}.{name}", "expected `every` or a list like [a, b].")
            levels = tuple(self._level(metric, name, value, section) for value in values)
            found[name] = tuple(dict.fromkeys(v for v in levels if v != definition[name]))
        return found

    def _rolled(self, metric: Metric) -> dict[str, int]:
        content = self._mapping("rolled")
        years = [name for name in _YEARS if name in metric.dimensions]
        if content == {"dataset": "newest"} and "dataset" in metric.dimensions:
            return {"dataset": NEWEST}
        if content and "edition" not in metric.dimensions:
            raise self.fail("rolled", f"{metric.name} has no edition to roll to.")
        if content and content.keys() != set(years):
            raise self.fail("rolled", f"expected {' and '.join(years) or 'no such lines'}.")
        for name, value in content.items():
            if type(value) is not int or not -200 <= value <= 0:
                raise self.fail(f"rolled.{name}", "expected years before the newest, like -9 or 0.")
        return content


def _is_number(value: Any) -> bool:
    """A finite number; whole ones are bounded, so that they fit everywhere."""
    if type(value) is int:
        return abs(value) < 10**15
    return type(value) is float and isfinite(value)


def _usable(dimension: Dimension, value: Any) -> bool:
    """Whether a value of the right type can mean anything."""
    if isinstance(value, list):
        return bool(value) and all(type(code) is int and 0 < code < 10_000 for code in value)
    if isinstance(value, dict):
        return bool(value) and all(
            type(name) is str and type(rank) is int and 0 < rank < 1000
            for name, rank in value.items()
        )
    if isinstance(value, str):
        return dimension.pattern is None or fullmatch(dimension.pattern, value) is not None
    low, high = dimension.bounds or (value, value)
    return bool(low <= value <= high)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
