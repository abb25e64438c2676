"""What the documents take from the project itself: `python -m pipelines.readme` writes it anew.

The claims table of README.md, from a snapshot of the full editions; docs/data-dictionary.md, from
the headers of the models and the same snapshot. Tests hold both against their sources.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines import public, publish
from pipelines.claims.files import load_claims
from pipelines.claims.show import current_or_fail
from pipelines.dictionary import CLAIMS, OWN, described
from pipelines.errors import MilexError
from pipelines.models import Model, entries, load_models
from pipelines.settings import Settings, load_settings
from pipelines.sources.catalogue import load_catalogue

BEGIN = "<!-- claims: written by `python -m pipelines.readme` -->"
END = "<!-- end of claims -->"
_HEADING = ("statement", "stated", "recomputed", "verdict", "from", "chance")


def readme_file(settings: Settings) -> Path:
    """The page that people see first."""
    return settings.home / "README.md"


def dictionary_file(settings: Settings) -> Path:
    """Every public table and metric."""
    return settings.home / "docs" / "data-dictionary.md"


def with_claims(text: str, settings: Settings, snapshot: Path) -> str:
    """A text with the claims of a snapshot between its markers.

    Raises MilexError for a snapshot of excerpts and for a text without the markers.
    """
    _refuse_excerpt(snapshot)
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise MilexError(f"README.md has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{claims(settings, snapshot)}\n\n{END}{after}"


def _refuse_excerpt(snapshot: Path) -> None:
    if excerpt := publish.snapshot_facts(snapshot).get("excerpt"):
        raise MilexError(
            f"The snapshot rests on excerpts ({excerpt}); the documents show the full editions. "
            "Build with MILEX_MIRROR, then run this again."
        )


def claims(settings: Settings, snapshot: Path) -> str:
    """The project's own claims: those of the texts, the packs', and what cannot be tested."""
    files = {claim.id: claim for claim in load_claims([settings.home / "claims"])}
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        rows = connection.execute(
            "SELECT claim_id, stated, recomputed, verdict, edition_or_version, "
            "round(100 * chance)::INTEGER FROM claims WHERE verdict <> 'not testable' "
            "ORDER BY position"
        ).fetchall()
    texts: list[list[str]] = []
    packs: list[list[str]] = []
    for claim_id, *cells, chance in rows:
        if claim_id in files:
            claim = files[claim_id]
            link = f"[{claim.statement}]({claim.path.relative_to(settings.home).as_posix()})"
            line = [link, *cells, "–" if chance is None else f"{chance} %"]
            (packs if "packs" in claim.path.parts else texts).append(line)
    untestable = ", ".join(f"`{claim.id}`" for claim in files.values() if not claim.testable)
    return (
        f"Statements of the two texts:\n\n{_table(_HEADING, texts)}\n\n"
        f"Statements of SIPRI's own fact sheets, as worked examples:\n\n"
        f"{_table(_HEADING, packs)}\n\n"
        f"Recorded as not testable with these data, each with the reason: {untestable}."
    )


def row_counts(settings: Settings, snapshot: Path) -> dict[str, int]:
    """How many rows each public table of a snapshot has.

    Raises MilexError for a snapshot of excerpts.
    """
    _refuse_excerpt(snapshot)
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        return {
            model.name: connection.execute(f"SELECT count(*) FROM {model.table}").fetchall()[0][0]
            for model in public.tables(settings)
        }


def dictionary(settings: Settings, rows: Mapping[str, int]) -> str:
    """Every public table and metric, from the headers of the models.

    rows: of each table, in a snapshot of the full editions.
    """
    tables = described(public.tables(settings), load_models(settings.sql), rows)
    metrics = public.metrics(settings)
    parts = [
        "# Data dictionary",
        "Written by `python -m pipelines.readme` from the headers of the SQL files; do not edit by "
        "hand. Everything here is in schema `main` of the published snapshot. The same words are "
        "the comments of the tables: `SELECT comment FROM duckdb_tables()`. The numbers of rows "
        "are those of the editions and versions of which the README's table was made; a comment "
        "has its own snapshot's.",
        "Tables: " + ", ".join(_link(model) for model in tables) + ".",
        "Metrics: " + ", ".join(_link(model) for model in metrics) + ".",
        "## Sources",
        "A table names whose data it rests on, and the tables between.",
        _sources(),
        "## Tables",
        *map(_describe_table, tables),
        "## Metrics",
        "A metric that returns rows is called as `SELECT … FROM name(…)`, one that returns a value "
        "as `SELECT name(…)`. Arguments with a default are given by name: `edition := 2017`.",
        *(_describe_metric(model) for model in metrics),
    ]
    return "\n\n".join(parts) + "\n"


def _link(model: Model) -> str:
    return f"[`{model.name}`](#{model.name})"


def _sources() -> str:
    published = [
        f"- {name}: [{dataset.title}]({dataset.page}). {dataset.licence}"
        for name, dataset in load_catalogue().datasets.items()
    ]
    own = [
        f"- {CLAIMS}: the statements and their alternatives, in `claims/` and `data/claims/`.",
        f"- {OWN}: made here, such as reviewed names; nobody's figures.",
    ]
    return "\n".join([*published, *own])


def _describe_table(model: Model) -> str:
    return "\n\n".join(
        [
            f"### {model.name}",
            model.description,
            f"Key: {', '.join(f'`{part}`' for part in model.key)}",
            f"Source: {model.notes['source']}",
            f"Rows: {model.notes['rows']}",
            _columns(model),
            f"```sql\n{model.notes['example']}\n```",
        ]
    )


def _describe_metric(model: Model) -> str:
    parts = [f"### {model.name}", model.description, f"`{model.name}({model.arguments})`"]
    if arguments := entries(model.notes.get("arguments", "")):
        parts.append("\n".join(f"- `{name}`: {meaning}" for name, meaning in map(_pair, arguments)))
    for name in ("defaults", "returns"):
        if text := " ".join(model.notes.get(name, "").split()):
            parts.append(f"{name.capitalize()}: {text}")
    if model.columns:
        parts.append(_columns(model))
    if example := model.notes.get("example"):
        parts.append(f"```sql\n{example.strip()}\n```")
    return "\n\n".join(parts)


def _pair(entry: str) -> tuple[str, str]:
    name, _, meaning = entry.partition(":")
    return name, meaning.strip()


def _columns(model: Model) -> str:
    return _table(
        ("column", "type", "unit", "meaning"),
        [[f"`{c.name}`", c.type, c.unit or "", c.meaning] for c in model.columns],
    )


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def main() -> int:
    """Write both documents; returns an exit code."""
    settings = load_settings()
    try:
        page = readme_file(settings)
        text = with_claims(page.read_text(encoding="utf-8"), settings, current_or_fail(settings))
        page.write_text(text, encoding="utf-8")
        rows = row_counts(settings, current_or_fail(settings))
        dictionary_file(settings).write_text(dictionary(settings, rows), encoding="utf-8")
    except MilexError as error:
        sys.stderr.write(f"milex: {error}\n")
        return 1
    sys.stdout.write("Written: README.md, docs/data-dictionary.md\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
