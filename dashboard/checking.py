"""What a reader's question is: from the address to a claim file, and from that to the answer.

A question is written as a claim file and read back as one, so that what is evaluated here is what
`milex claim` would evaluate. Knows no widget.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml

from dashboard import queries
from dashboard.database import Database
from pipelines.claims import evaluate
from pipelines.claims.files import Claim, Stated, read_claims
from pipelines.claims.metrics import METRICS
from pipelines.claims.numbers import comparison_text, figure
from pipelines.claims.sentences import stated_text
from pipelines.claims.show import in_front_of
from pipelines.errors import MilexError
from pipelines.models import Model, create
from pipelines.table import Table

COMPARISONS = {
    "exactly": "=",
    "more than": ">",
    "at least": ">=",
    "less than": "<",
    "at most": "<=",
    "between": "between",
}
MOST_DECIMALS = 6
_LARGEST = 1e12
_NUMBER = r"[+\-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_HEAD = """\
# Written by the page "Check a claim" of Milex. `milex claim FILE` evaluates it; in data/claims/ it is
# part of every build. Say in `source` and `locator` where the figure is stated.
"""


@dataclass(frozen=True)
class Kind:
    """A metric as a question: what is asked of the reader, and what is varied besides.

    label: for people, and in the address. asks: dimensions that the reader chooses. varied: those
    of which every other defensible level is evaluated; what the reader names as the subject (a
    country, the years) is not varied. decimals: of the figure as it is compared when the reader
    states none. sentence: with {value} for the figure and {dimension} for each choice. place_is:
    'region' where the place cannot be a country; so its choice is called in the address.
    """

    label: str
    asks: tuple[str, ...]
    varied: tuple[str, ...]
    decimals: int
    sentence: str
    place_is: str = "place"


_SPAN = ("from_year", "to_year")
_SET = ("dataset", "unit", "obligation", "members", "ended_by")
_VARIED_SET = ("dataset", "unit", "formed_from", "ending", "wartime")

KINDS: dict[str, Kind] = {
    "growth": Kind(
        "Growth",
        ("place", *_SPAN, "edition", "prices", "basis"),
        ("edition", "prices", "basis", "coverage", "shift", "place"),
        0,
        "Military expenditure of {place} changed by {value} from {from_year} to {to_year} "
        "({prices} prices, SIPRI edition {edition}).",
    ),
    "share": Kind(
        "Share of a region",
        ("place", "country", "year", "edition", "prices", "basis"),
        ("edition", "prices", "basis", "shift", "place"),
        0,
        "The share of {country} in the military expenditure of {place} was {value} in {year} "
        "({prices} prices, SIPRI edition {edition}).",
        "region",
    ),
    "contribution": Kind(
        "Contribution to a region's growth",
        ("place", "country", *_SPAN, "edition", "basis"),
        ("edition", "basis", "coverage", "shift", "place"),
        0,
        "{country} made up {value} of the increase of military expenditure in {place} from "
        "{from_year} to {to_year} (constant prices, SIPRI edition {edition}).",
        "region",
    ),
    "rank": Kind(
        "Rank in the world",
        ("country", "year", "edition", "prices"),
        ("edition", "prices", "shift"),
        0,
        "{country} ranked {value} in the world by military expenditure in {year} "
        "({prices} prices, SIPRI edition {edition}).",
    ),
    "members_in_top": Kind(
        "Countries among the largest spenders",
        ("place", "top", "year", "edition", "prices"),
        ("edition", "prices", "shift", "place"),
        0,
        "Of the {top} largest military spenders of {year}, {value} are in {place} "
        "({prices} prices, SIPRI edition {edition}).",
        "region",
    ),
    "highest_burden": Kind(
        "Highest military burden",
        ("country", *_SPAN, "edition"),
        ("edition", "shift"),
        1,
        "The military burden of {country} was at most {value} in any year from {from_year} to "
        "{to_year} (SIPRI edition {edition}).",
    ),
    "burden_gap": Kind(
        "Military burden against the world's",
        ("place", "year", "edition"),
        ("edition", "shift", "place"),
        1,
        "The military burden of {place} differed from the world's by {value} in {year} "
        "(SIPRI edition {edition}).",
    ),
    "money": Kind(
        "Conversion to US dollars",
        ("country", "amount", "year", "edition"),
        ("edition", "shift", "series"),
        1,
        "{amount} billion in the currency of {country} came to {value} at the exchange rate that "
        "SIPRI's figures for {year} imply (edition {edition}).",
    ),
    "alliance_lifespan": Kind(
        "Lifespan of alliances",
        (*_SET, "statistic"),
        (*_VARIED_SET, "convention", "statistic"),
        1,
        "The {statistic} lifespan of the alliances of {dataset} signed from 1815 to 1989 that had "
        "ended by {ended_by} was {value} ({set}).",
    ),
    "alliance_count": Kind(
        "Number of alliances",
        _SET,
        (*_VARIED_SET, "counted"),
        0,
        "{dataset} has {value} signed from 1815 to 1989 that had ended by {ended_by} ({set}).",
    ),
}


@dataclass(frozen=True)
class Question:
    """What a reader wants to know. choices: a level for each dimension that its kind asks."""

    metric: str
    choices: Mapping[str, Any]
    stated: Stated | None = None

    @property
    def kind(self) -> Kind:
        """The metric as a question."""
        return KINDS[self.metric]

    @property
    def unit(self) -> str:
        """Unit of the figure."""
        return METRICS[self.metric].unit

    def sentence(self, value: str) -> str:
        """The finding in one sentence. value: the figure with its unit."""
        words = {**self.choices}
        if words.get("place") == "World":
            words["place"] = "the world"
        if "ended_by" in words:
            closing = "the closing of the data"
            words["ended_by"] = closing if words["ended_by"] == "closing" else words["ended_by"]
            words["set"] = (
                f"counted by {words['unit']}; obligation: {words['obligation']}; "
                f"members: {words['members']}"
            )
        if "amount" in words:
            words["amount"] = f"{words['amount']:,g}"
        return self.kind.sentence.format(value=value, **words)


@dataclass(frozen=True)
class Answer:
    """What a question comes to: its row of `claims`, and its specifications."""

    claim: Mapping[str, Any]
    grid: queries.Grid


def stated_in(text: str, comparison: str, metric: str) -> Stated | None:
    """The figure that a reader typed, as precise as it was typed; None for nothing.

    Raises MilexError for what is no figure.
    """
    if not text.strip():
        return None
    unit = METRICS[metric].unit
    one = rf"\s*({_NUMBER})\s*[^\d.,]*"
    pattern = rf"{one}(?:and|to|–|-)\s*({_NUMBER})\s*\D*" if comparison == "between" else one
    found = re.fullmatch(pattern, text)
    numbers = [part.replace(",", "").replace("−", "-") for part in found.groups()] if found else []
    values = [float(number) for number in numbers]
    decimals = max((len(number.partition(".")[2]) for number in numbers), default=0)
    if not values or decimals > MOST_DECIMALS or max(map(abs, values)) > _LARGEST:
        expected = (
            "two figures like 60 and 70" if comparison == "between" else "one like 59 or -3.5"
        )
        raise MilexError(
            f"The stated figure is not a figure that can be compared: write {expected}."
        )
    return Stated(min(values), comparison, decimals, unit, max(values) if len(values) > 1 else None)


def written(question: Question, regions: Collection[str], found: float | None) -> str:
    """The question as a claim file, the same text whenever it is asked.

    regions: names of regions. found: the figure, which stands for the stated one where there is
    none, at the precision of the kind.
    """
    decimals = question.kind.decimals
    stated = question.stated or Stated(
        round(found or 0.0, decimals) + 0.0, "=", decimals, question.unit
    )
    upper = None if stated.upper is None else figure(stated.upper, stated.unit, stated.decimals)
    text = comparison_text(
        stated.comparison, figure(stated.value, stated.unit, stated.decimals), upper
    )
    statement = question.sentence(text)
    content: dict[str, Any] = {
        "id": _id(question, stated),
        "statement": statement,
        "source": "A reader's question",
        "locator": "Milex, page Check a claim",
        "stated": {
            "value": stated.value,
            **({} if stated.upper is None else {"upper": stated.upper}),
            "comparison": stated.comparison,
            "decimals": stated.decimals,
            "unit": stated.unit,
        },
        "metric": question.metric,
        "definition": dict(question.choices),
        "alternatives": alternatives(question, regions),
        "found": question.sentence("{value}"),
    }
    return _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _id(question: Question, stated: Stated) -> str:
    """Words that tell one question from another."""
    text = "-".join(map(str, [question.metric, *question.choices.values(), stated.value]))
    return "check-" + "-".join(re.findall(r"[a-z0-9]+", text.lower()))


def alternatives(question: Question, regions: Collection[str]) -> dict[str, list[Any] | str]:
    """Every other defensible level of what is varied, in the words of a claim file."""
    place = question.choices.get("place")
    found: dict[str, list[Any] | str] = {}
    for name in question.kind.varied:
        if name == "place":
            found[name] = sorted(region for region in regions if region.startswith(f"{place} "))
        elif name == "shift":
            found[name] = [-1]  # what is written in a year often speaks of the year before
        elif name == "unit":
            units = ["alliance", "phase"]
            own = question.choices[name]
            found[name] = [unit for unit in units if unit != own] if own in units else []
        elif name not in ("basis", "coverage") or place in regions:
            found[name] = "every"
    return {name: levels for name, levels in found.items() if levels}


def claim_of(text: str) -> Claim:
    """The claim that a file with this text gives; ClaimError if it gives none."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "question.yaml"
        path.write_text(text, encoding="utf-8")
        (claim,) = read_claims(path)
    return claim


def value_of(db: Database, claim: Claim) -> float | None:
    """The figure by the claim's own definition, from the metric call alone; None without data."""
    assert claim.metric is not None
    try:
        found = queries.call(db, claim.metric.call(claim.definition)).rows
    except duckdb.InvalidInputException:  # the edition does not go back, or on, that far
        return None
    value = found[0][0] if found else None
    return None if value is None else float(value)


def reason(claim: Mapping[str, Any]) -> str:
    """Why there is no figure, without what the specifications say of a statement."""
    counted = f"{claim['agreeing']:,} of {claim['specifications']:,} specifications agree"
    return str(claim["explanation"]).partition(counted)[0].strip()


def before_evaluation(claim: Claim, value: float | None) -> dict[str, Any]:
    """What a row of `claims` says without its grid: enough for a chart of the figure."""
    assert claim.metric is not None
    assert claim.stated is not None
    row = {
        "claim_id": claim.id,
        "metric": claim.metric.name,
        "definition": json.dumps(dict(claim.definition), ensure_ascii=False),
        "sql": claim.metric.call(claim.definition),
        "unit": claim.metric.unit,
        "decimals": claim.stated.decimals,
        "stated_value": claim.stated.value,
        "stated_upper": claim.stated.upper,
        "comparison": claim.stated.comparison,
        "threshold_is_ours": False,
        "recomputed_value": value,
        "edition_or_version": evaluate.edition_or_version(claim),
    }
    return {**row, "stated": stated_text(row)}


@dataclass(frozen=True)
class _Bench:
    """The workbench as a database; its cursors would not see what it made."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str, *parameters: Any) -> Table:
        found = self.connection.execute(sql, list(parameters))
        return Table(tuple(entry[0] for entry in found.description or []), found.fetchall())


def answer(connection: duckdb.DuckDBPyConnection, text: str, models: dict[str, Model]) -> Answer:
    """Evaluate a claim file's text over the snapshot that a connection has open."""
    claim = claim_of(text)
    (snapshot,) = connection.execute("SELECT current_database()").fetchall()[0]
    with in_front_of(connection, snapshot) as bench:
        evaluate.evaluate(bench, [claim], models)
        create(bench, models["main.claim_editions"])
        db = _Bench(bench)
        (row,) = queries.claims(db)
        return Answer(row, queries.grid(db, claim.id))


def address(
    question: Question, words: Mapping[str, Mapping[str, str]]
) -> dict[str, str | list[str]]:
    """The question as the parameters of the page's address, none left out.

    words: of dimensions whose levels stand in an address as they stand on the page.
    """
    said: dict[str, str | list[str]] = {"metric": question.kind.label}
    for name, value in question.choices.items():
        if name not in _SPAN:
            said[parameter(question.kind, name)] = words.get(name, {}).get(value) or _plainly(value)
    if "from_year" in question.choices:
        said["years"] = [str(question.choices[name]) for name in _SPAN]
    stated = question.stated
    if stated is not None:
        ends = [stated.value, *(() if stated.upper is None else (stated.upper,))]
        said["stated"] = " and ".join(f"{end:.{stated.decimals}f}" for end in ends)
        signs = {sign: word for word, sign in COMPARISONS.items()}
        said["comparison"] = signs[stated.comparison]
    return said


def parameter(kind: Kind, dimension: str) -> str:
    """A dimension's name in the address, where other pages have the same choice."""
    return {"dataset": "data", "place": kind.place_is}.get(dimension, dimension)


def _plainly(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def question_of(claim: Mapping[str, Any]) -> Question | None:
    """The question that a published claim answers; None where this page cannot ask it."""
    kind = KINDS.get(claim["metric"] or "")
    if kind is None:
        return None
    definition = json.loads(claim["definition"])
    dimensions = METRICS[claim["metric"]].dimensions
    if any(
        definition[name] != dimension.default
        for name, dimension in dimensions.items()
        if name not in kind.asks
    ):
        return None
    return Question(
        claim["metric"],
        {name: definition[name] for name in kind.asks},
        Stated(
            claim["stated_value"],
            claim["comparison"],
            claim["decimals"],
            claim["unit"],
            claim["stated_upper"],
        ),
    )
