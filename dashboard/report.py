"""The report: one self-contained page with every claim, and the same as Markdown.

Run as `python -m dashboard.report OUTPUT…`, or by `milex report`. Reads the published snapshot alone.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from dashboard import curve, queries, subjects
from dashboard.database import Connected, Database
from dashboard.text import VERDICTS, moment
from pipelines.claims.numbers import figure
from pipelines.claims.show import current_or_fail
from pipelines.errors import MilexError
from pipelines.settings import load_settings

TEMPLATES = Path(__file__).with_name("templates")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>$|&~])")
FORMATS = {".html": "report.html.j2", ".md": "report.md.j2"}


@dataclass(frozen=True)
class Entry:
    """One claim as the report shows it."""

    claim: Mapping[str, Any]
    about: str | None
    about_takeaway: str
    curve: str | None
    curve_takeaway: str
    editions: list[dict[str, Any]]
    revisions: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    citation: str


def write(snapshot: Path, outputs: list[Path]) -> None:
    """Write the report in the format of each output's ending; a file is there whole or not at all.

    Raises ValueError for an ending that is not .html or .md.
    """
    strange = [path.name for path in outputs if path.suffix not in FORMATS]
    if strange:
        raise ValueError(f"{', '.join(strange)}: a report is .html or .md.")
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        content = collect(Connected(connection), snapshot.stem)
    for path in outputs:
        text = _environment(path.suffix == ".html").get_template(FORMATS[path.suffix])
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        unfinished.write_text(text.render(content), encoding="utf-8")
        os.replace(unfinished, path)


def _environment(escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = _plain
    return environment


def _plain(text: object) -> str:
    """Text from data as Markdown that shows it in one line, and stays easy to read as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def collect(db: Database, snapshot: str) -> dict[str, Any]:
    """Everything that the templates show."""
    claims = queries.claims(db)
    facts = queries.facts(db)
    counts = Counter(claim["verdict"] for claim in claims)
    return {
        "snapshot": snapshot,
        "built": moment(facts.get("built_at", "")),
        "written": moment(datetime.now(UTC).isoformat(timespec="minutes")),
        "excerpt": facts.get("excerpt", ""),
        "counts": [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]],
        "entries": [_entry(db, claim) for claim in claims],
        "joint": _joint(db),
        "sources": db.rows(
            "SELECT dataset, version, file_name, origin, sha256, citation, licence "
            "FROM main.sources WHERE error IS NULL AND NOT superseded ORDER BY ALL"
        ).records(),
        "plotly": get_plotlyjs(),
    }


def _entry(db: Database, claim: Mapping[str, Any]) -> Entry:
    about = subjects.subject(db, claim)
    picture, takeaway = None, ""
    if claim["specifications"]:
        drawn, takeaway = curve.curve(claim, queries.specifications(db, claim["claim_id"]))
        picture = _json(drawn)
    return Entry(
        claim=claim,
        about=_json(about.figure) if about and about.figure else None,
        about_takeaway=about.takeaway if about else "",
        curve=picture,
        curve_takeaway=takeaway,
        editions=_editions(db, claim),
        revisions=_revisions(db, claim),
        rules=queries.left_out(db, claim["claim_id"]),
        citation=queries.citation(db, claim["edition_or_version"]),
    )


def _editions(db: Database, claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figure by edition, as people write it."""
    rows = db.rows(
        "SELECT edition, value, agrees, is_own FROM main.claim_editions WHERE claim_id = ? "
        "ORDER BY edition",
        claim["claim_id"],
    ).records()
    return [
        {**row, "figure": figure(row["value"], claim["unit"], claim["decimals"] + 1)}
        for row in rows
    ]


def _revisions(db: Database, claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How the figure moved from edition to edition, with signs."""
    rows = db.rows(
        "SELECT from_edition, to_edition, change, revised_data, revised_deflators, "
        "countries_entering, published_residual FROM main.claim_revisions WHERE claim_id = ? "
        "ORDER BY from_edition",
        claim["claim_id"],
    ).records()
    parts = (
        "change",
        "revised_data",
        "revised_deflators",
        "countries_entering",
        "published_residual",
    )
    return [
        {**row, **{part: "–" if row[part] is None else f"{row[part] + 0.0:+.2f}" for part in parts}}
        for row in rows
    ]


def _joint(db: Database) -> list[dict[str, Any]]:
    """The best single reading of each paragraph."""
    rows = db.rows(
        "SELECT paragraph, reading, satisfied, statements, failing FROM main.joint_specifications "
        "WHERE place_in_paragraph = 1 ORDER BY paragraph"
    ).records()
    return [
        {
            **row,
            "reading": ", ".join(
                f"{name.replace('_', ' ')} {level}"
                for name, level in json.loads(row["reading"]).items()
            )
            or "as stated",
        }
        for row in rows
    ]


def _json(drawn: go.Figure) -> str:
    """A figure for a script element; no text of it can end the element."""
    return drawn.to_json().replace("</", "<\\/").replace("<!--", "<\\u0021--")


def main() -> int:
    """Write the report to the files named on the command line."""
    outputs = [Path(name) for name in sys.argv[1:]]
    try:
        write(current_or_fail(load_settings()), outputs)
    except (MilexError, OSError, ValueError) as error:
        print(f"milex: {error}", file=sys.stderr)
        return 1
    for path in outputs:
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
