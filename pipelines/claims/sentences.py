"""What was found, in sentences that could be printed: the last step, from verdicts to the table
`claims`. Computes no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from pipelines.claims.files import Claim
from pipelines.claims.metrics import READ
from pipelines.claims.numbers import comparison_text, figure
from pipelines.models import Column, Model
from pipelines.sources.catalogue import load_catalogue
from pipelines.warehouse import first_row, insert_rows

TABLE = Model.of_table(
    "main.claims",
    "One row per statement: stated, recomputed, verdict, and how far it depends on the "
    "specification.",
    ("claim_id",),
    (
        Column("claim_id", "VARCHAR", None, "the claim's name"),
        Column("statement", "VARCHAR", None, "what is stated, in our words"),
        Column("source", "VARCHAR", None, "the text that states it"),
        Column("locator", "VARCHAR", None, "where in the text"),
        Column(
            "stated_value",
            "DOUBLE",
            "the claim's unit",
            "stated figure, in `unit` (of `between`: the lower)",
        ),
        Column("comparison", "VARCHAR", None, "=, >, >=, <, <= or between"),
        Column("unit", "VARCHAR", None, "unit of stated, recomputed and specification values"),
        Column("decimals", "INTEGER", None, "decimals of the stated figure"),
        Column(
            "recomputed_value",
            "DOUBLE",
            "the claim's unit",
            "by the claim's own definition, in `unit`",
        ),
        Column(
            "verdict",
            "VARCHAR",
            None,
            "reproduced, reproduced under another specification, not reproduced, data missing or "
            "not testable; computed, never written down",
        ),
        Column(
            "explanation",
            "VARCHAR",
            None,
            "what was found and why the verdict is what it is, in sentences",
        ),
        Column(
            "specifications",
            "BIGINT",
            None,
            "specifications of the declared grid that have a meaning",
        ),
        Column("agreeing", "BIGINT", None, "how many of them agree with the statement"),
        Column("distinct_samples", "BIGINT", None, "specifications that select different rows"),
        Column("distinct_agreeing", "BIGINT", None, "how many of these agree"),
        Column(
            "chance",
            "DOUBLE",
            "fraction",
            "share of placebo figures within 20 % that this grid would have reproduced",
        ),
        Column(
            "edition_or_version",
            "VARCHAR",
            None,
            "edition or dataset version of the own definition",
        ),
        Column("sql", "VARCHAR", None, "the metric call that gives the recomputed figure"),
        Column("stated_upper", "DOUBLE", "the claim's unit", "upper figure of `between`"),
        Column("stated", "VARCHAR", None, "the stated figure as people write it"),
        Column("recomputed", "VARCHAR", None, "the recomputed figure as people write it"),
        Column("paragraph", "VARCHAR", None, "statements that are considered jointly"),
        Column(
            "threshold_is_ours",
            "BOOLEAN",
            None,
            "the statement gives no figure; the threshold was declared by this project",
        ),
        Column("attribution", "VARCHAR", None, "what the text leaves open and we attributed"),
        Column(
            "agreeing_beyond",
            "BIGINT",
            None,
            "agreeing specifications with more than two changes, which carry no verdict",
        ),
        Column(
            "other_specification",
            "INTEGER",
            None,
            "the agreeing specification with the fewest changes, if not the own",
        ),
        Column(
            "nearest_specification",
            "INTEGER",
            None,
            "the specification whose figure is nearest to the stated one",
        ),
        Column("finding", "VARCHAR", None, "the figure in one sentence that could be printed"),
        Column(
            "today",
            "VARCHAR",
            None,
            "the same window rolled to the newest edition's last year, in one sentence",
        ),
        Column("today_value", "DOUBLE", "the claim's unit", "that figure, in `unit`"),
        Column("definition", "VARCHAR", None, "the own definition, level by level (JSON)"),
        Column("metric", "VARCHAR", None, "the metric that the claim calls"),
        Column("position", "INTEGER", None, "order of the statements"),
    ),
    reads=("claims.statements", "claims.verdicts", "main.editions", "main.specifications"),
)
# What sentences look up besides: why a definition has no figure, and the figures of today.
LOOKED_UP = ("claims.alliance_values", "claims.spending_values", *READ)


def write_claims(connection: duckdb.DuckDBPyConnection, claims: Sequence[Claim]) -> None:
    """Write the table `claims` from verdicts and specifications."""
    connection.execute(TABLE.ddl)
    found = connection.execute(
        "SELECT t.*, v.* EXCLUDE (claim_id) FROM claims.statements AS t "
        "JOIN claims.verdicts AS v ON v.claim_id = t.claim_id ORDER BY t.claim_id"
    )
    names = [entry[0] for entry in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    by_id = {claim.id: claim for claim in claims}
    told = [row | _written(connection, by_id[row["claim_id"]], row) for row in rows]
    insert_rows(
        connection, TABLE.table, [[row[column.name] for column in TABLE.columns] for row in told]
    )


def _written(
    connection: duckdb.DuckDBPyConnection, claim: Claim, row: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns that are words."""
    stated = stated_text(row)
    recomputed = "" if row["recomputed_value"] is None else _figure(row, row["recomputed_value"])
    finding = (
        ""
        if row["recomputed_value"] is None
        else _filled(claim.found, row, row["recomputed_value"])
    )
    today_value, today = _rolled(connection, claim, row)
    return {
        "definition": json.dumps(dict(claim.definition), ensure_ascii=False),
        "stated": stated,
        "recomputed": recomputed,
        "finding": finding,
        "today": today,
        "today_value": today_value,
        "explanation": " ".join(
            part
            for part in (
                finding,
                _verdict(connection, claim, row, stated),
                _share(row),
                _beside(connection, claim, row),
            )
            if part
        ),
    }


def stated_text(row: Mapping[str, Any]) -> str:
    """The stated figure or threshold in words."""
    if row["stated_value"] is None:
        return ""
    upper = row["stated_upper"]
    return comparison_text(
        row["comparison"],
        figure(row["stated_value"], row["unit"], _stated_decimals(row)).removeprefix("+"),
        None if upper is None else figure(upper, row["unit"], _stated_decimals(row)),
    )


def _stated_decimals(row: Mapping[str, Any]) -> int:
    """A threshold of ours is written without decimals that say nothing."""
    whole = float(row["stated_value"]).is_integer() and row["threshold_is_ours"]
    return 0 if whole else int(row["decimals"])


def _figure(row: Mapping[str, Any], value: float | None) -> str:
    """A recomputed figure, with one decimal more than the stated one has."""
    return figure(value, row["unit"], row["decimals"] + 1)


def _filled(template: str, row: Mapping[str, Any], value: float, **places: Any) -> str:
    """A claim file's sentence with its figure: {value} with the unit, {number} bare."""
    return template.format(value=_figure(row, value), number=f"{value:,.0f}", **places)


def _verdict(
    connection: duckdb.DuckDBPyConnection, claim: Claim, row: Mapping[str, Any], stated: str
) -> str:
    verdict = row["verdict"]
    ours = " (a threshold of ours)" if row["threshold_is_ours"] else ""
    if verdict == "not testable":
        return f"Not testable here: {claim.not_testable} What would test it: {claim.would_test}"
    if verdict == "data missing":
        return f"Data missing: {_missing(connection, claim)}"
    if verdict == "reproduced":
        return f"The statement, {stated}{ours}, is reproduced."
    if verdict == "reproduced under another specification":
        value, parameters = _specification(connection, claim, row["other_specification"])
        return (
            f"The statement, {stated}{ours}, is not reproduced by its own definition; it is under "
            f"another specification ({parameters}: {_figure(row, value)})."
        )
    value, parameters = _specification(connection, claim, row["nearest_specification"])
    return (
        f"The statement, {stated}{ours}, is not reproduced{_miss(row)}. "
        f"{_companion(claim, row)}The nearest of all specifications gives {_figure(row, value)} "
        f"({parameters or 'the own definition'})."
    )


def _companion(claim: Claim, row: Mapping[str, Any]) -> str:
    """Two claims that describe one set agree only together."""
    if claim.together_with is None:
        return ""
    return (
        f"It agrees only if {claim.together_with} agrees under the same specification; taken alone, "
        f"{row['agreeing_alone']:,} specifications give the stated figure. "
    )


def _miss(row: Mapping[str, Any]) -> str:
    if row["comparison"] != "=" or row["unit"] == "rank":
        return ""
    miss = row["recomputed_value"] - row["stated_value"]
    # Two percentages differ by points: "60.5 % higher" would mean something else.
    unit = "percentage points" if row["unit"] == "%" else row["unit"]
    distance = figure(abs(miss), unit, row["decimals"] + 1).removeprefix("+")
    return f": the recomputed figure is {distance} {'higher' if miss > 0 else 'lower'}"


def _specification(
    connection: duckdb.DuckDBPyConnection, claim: Claim, specification_id: int
) -> tuple[float | None, str]:
    """A specification's figure, and what it changes against the own definition."""
    row = first_row(
        connection,
        "SELECT value, parameters FROM main.specifications "
        "WHERE claim_id = ? AND specification_id = ?",
        [claim.id, specification_id],
    )
    assert row is not None
    return row[0], changes_text(json.loads(row[1]), claim.definition)


def changes_text(parameters: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    """The dimensions in which a specification differs, in words."""
    changed = {name: value for name, value in parameters.items() if value != definition[name]}
    return ", ".join(_change(name, value) for name, value in changed.items())


def _change(name: str, value: Any) -> str:
    if name == "shift":
        return f"years shifted by {value:+d}"
    return f"{name.replace('_', ' ')} {value}"


def _share(row: Mapping[str, Any]) -> str:
    if not row["specifications"]:
        return ""
    chance = (
        ""
        if row["chance"] is None
        else (
            f"; of placebo figures within 20 %, {100 * row['chance']:.0f} % would have been reproduced"
        )
    )
    return (
        f"{row['agreeing']:,} of {row['specifications']:,} specifications agree "
        f"({row['distinct_agreeing']:,} of {row['distinct_samples']:,} that select different rows)"
        f"{chance}."
    )


def _beside(connection: duckdb.DuckDBPyConnection, claim: Claim, row: Mapping[str, Any]) -> str:
    """Figures that are shown beside the grid and carry no verdict."""
    found = connection.execute(
        "SELECT value, parameters FROM main.specifications "
        "WHERE claim_id = ? AND NOT carries_verdict ORDER BY specification_id DESC",
        [claim.id],
    ).fetchall()
    shown = [
        f"{changes_text(json.loads(parameters), claim.definition)}: {_figure(row, value)}"
        for value, parameters in found
    ]
    return f"Beside it, without a verdict: {'; '.join(shown)}." if shown else ""


def _missing(connection: duckdb.DuckDBPyConnection, claim: Claim) -> str:
    """What the data lack: a file to fetch and where to put it, or a figure that no file has."""
    found = first_row(
        connection,
        "SELECT left_out FROM (SELECT claim_id, specification_id, left_out FROM claims.spending_values "
        "UNION ALL SELECT claim_id, specification_id, left_out FROM claims.alliance_values) "
        "WHERE claim_id = ? AND specification_id = 0",
        [claim.id],
    )
    reason = (found[0] if found else None) or "no alliance is in the set"
    if "edition" in claim.definition:
        dataset, version = "SIPRI", str(claim.definition["edition"])
        at_hand = first_row(
            connection,
            "SELECT first_year, last_year, is_excerpt FROM main.editions WHERE edition = ?",
            [claim.definition["edition"]],
        )
        if at_hand is not None and (not at_hand[2] or "the year" in reason):
            return (
                f"{dataset} {version} is at hand, but {reason}. "
                f"It has the years {at_hand[0]}–{at_hand[1]}."
            )
    else:
        dataset, version = str(claim.definition["dataset"]).split()
        if reason != "the dataset, version or unit is not at hand":
            return f"{dataset} {version} is at hand, but {reason}."
    catalogue = load_catalogue()
    about = catalogue.datasets[dataset]
    names = ", ".join(dict.fromkeys(file.file_name for file in catalogue.of(dataset, version)))
    if not names:
        known = dict.fromkeys(file.version for file in catalogue.files if file.dataset == dataset)
        return (
            f"{dataset} {version} is not at hand, and no such edition is known: {', '.join(known)}. "
            f"If {about.page} has it, put it into data/raw/ and run `make build`."
        )
    return (
        f"{dataset} {version} is not at hand or lacks the figures. Get {names} from {about.page}, "
        "put it into data/raw/ and run `make build`."
    )


def _rolled(
    connection: duckdb.DuckDBPyConnection, claim: Claim, row: Mapping[str, Any]
) -> tuple[float | None, str]:
    """The claim as of today, by the same metric.

    Its window is moved to the newest edition's last year, or its set is taken from the newest
    version of its dataset, up to that version's closing.
    """
    if claim.metric is None or not claim.rolled:
        return None, ""
    places = (
        _newest_version(connection, claim)
        if "dataset" in claim.rolled
        else _newest_window(connection, claim)
    )
    if places is None:
        return None, ""
    definition = {**claim.definition, **places}
    try:
        found = first_row(connection, claim.metric.call(definition))
    except duckdb.InvalidInputException:  # the edition does not go back, or on, that far
        found = None
    value = None if found is None or found[0] is None else float(found[0])
    if value is None:
        if "edition" in places:
            window = f"the window up to {places['to_year']}"
            return None, f"Edition {places['edition']} has no figure for {window}."
        return None, f"{places['dataset']} has no figure for it."
    return value, _filled(claim.today, row, value, **places)


def _newest_window(connection: duckdb.DuckDBPyConnection, claim: Claim) -> dict[str, Any] | None:
    """The claim's years counted from the newest edition's last year, and that edition."""
    newest = first_row(
        connection, "SELECT edition, last_year FROM main.editions ORDER BY edition DESC LIMIT 1"
    )
    if newest is None:
        return None
    edition, last_year = newest
    window = {name: last_year + offset for name, offset in claim.rolled.items()}
    return {"to_year": last_year, **window, "edition": edition}


def _newest_version(connection: duckdb.DuckDBPyConnection, claim: Claim) -> dict[str, Any] | None:
    """The newest version of the claim's dataset, and its closing as the end."""
    name = str(claim.definition["dataset"]).split()[0]
    newest = first_row(
        connection, "SELECT max(version) FROM main.alliances WHERE dataset = ?", [name]
    )
    if newest is None or newest[0] is None:
        return None
    closing = {"ended_by": "closing"} if "ended_by" in claim.definition else {}
    return {"dataset": f"{name} {newest[0]}", **closing}
