"""The report: every claim in one page that needs nothing else, and the same as Markdown."""

from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from dashboard import report
from tests.conftest import BuiltData


@pytest.fixture(scope="module")
def written(excerpt_data: BuiltData, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("report")
    files = (folder / "report.html", folder / "report.md")
    report.write(excerpt_data.snapshot, list(files))
    return files


class Outline(HTMLParser):
    """Section ids, links, and what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section":
            self.sections.append(given["id"] or "")
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag in ("script", "img", "link") and (given.get("src") or given.get("href")):
            self.fetched.append(str(attrs))


def outline(html: Path) -> Outline:
    found = Outline()
    found.feed(html.read_text(encoding="utf-8"))
    return found


def test_every_claim_has_a_section_and_every_link_leads_somewhere(
    written: tuple[Path, Path], excerpt_db: duckdb.DuckDBPyConnection
) -> None:
    page = outline(written[0])
    claims = [
        row[0]
        for row in excerpt_db.execute("SELECT claim_id FROM claims ORDER BY position").fetchall()
    ]

    assert page.sections == claims
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(claims)


def test_it_fetches_nothing(written: tuple[Path, Path]) -> None:
    assert outline(written[0]).fetched == []


def test_it_names_the_excerpt_the_sources_and_how_to_cite(written: tuple[Path, Path]) -> None:
    for file in written:
        text = file.read_text(encoding="utf-8")
        for needed in ("committed excerpt", "doi.org/10.55163/CQGC9685", "sha256", "58.9 %"):
            assert needed in text, (file.name, needed)


def test_verdicts_are_those_of_the_snapshot(
    written: tuple[Path, Path], excerpt_db: duckdb.DuckDBPyConnection
) -> None:
    text = written[1].read_text(encoding="utf-8")
    for claim_id, verdict in excerpt_db.execute("SELECT claim_id, verdict FROM claims").fetchall():
        assert f"### {claim_id}: {verdict}\n" in text


def test_text_from_claims_is_escaped() -> None:
    template = report._environment(escape=True).from_string("<p>{{ text }}</p>")

    assert template.render(text="<script>alert(1)</script>") == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )


def test_a_figure_cannot_end_its_script_element() -> None:
    import plotly.graph_objects as go

    inside = report._json(go.Figure(layout={"title": {"text": "</script><!-- <b>"}}))

    assert "</" not in inside
    assert "<!--" not in inside


def test_another_ending_is_refused_before_anything_is_written(
    excerpt_data: BuiltData, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"report\.pdf"):
        report.write(excerpt_data.snapshot, [tmp_path / "report.html", tmp_path / "report.pdf"])

    assert list(tmp_path.iterdir()) == []
