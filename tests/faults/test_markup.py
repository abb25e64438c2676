"""A claim file is untrusted text: whatever it holds is shown as text, and runs nowhere."""

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from dashboard import report
from pipelines.exports import to_csv, to_xlsx
from pipelines.settings import Settings
from pipelines.table import Table
from tests.conftest import BuiltData
from tests.dashboard import conftest as dashboard_fixtures
from tests.dashboard.pages import opened
from tests.faults import house

open_app = dashboard_fixtures.app

SCRIPT = "<script>alert(1)</script>"
STATEMENT = (
    f"=HYPERLINK(1) {SCRIPT} [here](javascript:alert) ![x](http://127.0.0.1:9/p.png) $x^2$ "
    "`code` **bold** <b onclick=alert(1)>big</b> :red[loud] | </h3> &lt; --> ]]> ${7*7} {{ 7*7 }}"
)
CLAIM = {
    "id": "evil-claim",
    "statement": STATEMENT,
    "source": f"<img src=x onerror=alert(1)> {SCRIPT}",
    "locator": "=1+1 | $y$ <u>p. 1</u>",
    "stated": {"value": 59, "decimals": 0, "unit": "%"},
    "attribution": f"@SUM(1) {SCRIPT}",
    "metric": "growth",
    "definition": {
        "place": "Asia & Oceania",
        "from_year": 2008,
        "to_year": 2017,
        "edition": 2017,
    },
    "alternatives": {"prices": ["current"]},
    "rolled": {"from_year": -9, "to_year": 0},
    "found": f"It rose by {{value}} {SCRIPT} $z$.",
    "today": f"Then by {{value}} {SCRIPT}.",
}
UNTESTABLE = {
    "id": "evil-words",
    "statement": STATEMENT,
    "source": SCRIPT,
    "locator": "p. 1",
    "not_testable": f"Because {SCRIPT} $a$ [b](http://c).",
    "would_test": f"With {SCRIPT} $a$ [b](http://c).",
}


@pytest.fixture(scope="module")
def evil(excerpt_data: BuiltData, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Everything built with two hostile claim files in the user's own folder."""
    settings = house.copied(excerpt_data.settings, tmp_path_factory.mktemp("evil"))
    (settings.data / "claims").mkdir()
    for claim in (CLAIM, UNTESTABLE):
        path = settings.data / "claims" / f"{claim['id']}.yaml"
        path.write_text(yaml.safe_dump(claim), encoding="utf-8")
    with house.milex(settings, "build") as build:
        _, said = build.communicate(timeout=300)
    assert build.returncode == 0, said
    assert "evil" not in said
    return settings


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, scripts and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)
        else:
            self.text += data


def test_the_report_shows_it_and_runs_nothing(evil: Settings, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    report.write(evil.pointer.resolve(), [path])
    page = Page(path.read_text(encoding="utf-8"))
    assert page.text.count(STATEMENT) == 4  # in the list and over each of the two
    assert "alert(1)" not in "".join(page.scripts[-1:])
    for (tag, given), script in zip(
        [element for element in page.elements if element[0] == "script"], page.scripts, strict=True
    ):
        if given.get("type") == "application/json":
            json.loads(script)
        assert tag == "script"
        assert script.strip() != "alert(1)"
    assert not [given for _, given in page.elements if any(name.startswith("on") for name in given)]
    assert {tag for tag, _ in page.elements} & {"img", "b", "u", "iframe"} == set()
    links = [given["href"] or "" for tag, given in page.elements if tag == "a"]
    assert all(link.startswith("#") for link in links)


def test_the_report_in_markdown_holds_no_element_of_it(evil: Settings, tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    report.write(evil.pointer.resolve(), [path])
    text = path.read_text(encoding="utf-8")
    outside_code = re.sub(r"\\.", "", "".join(text.split("```")[::2]))
    for alive in ("<script", "<img", "<b ", "<u>", "](http", "](java", "**bold**", "`code`", "$x"):
        assert alive not in outside_code
    rows = [line for line in text.splitlines() if line.startswith("| ") and "HYPERLINK" in line]
    assert len(rows) == 2
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)


def live(markdown: str) -> list[str]:
    """What of a hostile text Markdown would act on."""
    said = markdown
    for mark in "\\`*_{}[]()#+-.!|<>~$:&":
        said = said.replace(f"\\{mark}", "")
    return [mark for mark in ("<", "](", "$", "`", "red[", "![") if mark in said]


@pytest.mark.parametrize("query", [{}, {"claim": "evil-claim"}, {"claim": "evil-words"}])
def test_the_pages_show_it_as_text(
    open_app: Callable[..., AppTest], evil: Settings, tmp_path: Path, query: dict[str, str]
) -> None:
    test = opened(open_app, evil, tmp_path, "claims", **query)
    assert not test.exception
    texts: list[Any] = [
        *(part.value for part in (*test.header, *test.markdown, *test.caption, *test.title)),
        *(button.label for button in test.button),
    ]
    hostile = [text for text in texts if "alert" in text or "HYPERLINK" in text]
    assert hostile
    assert [live(text) for text in hostile] == [[]] * len(hostile)


def test_exports_of_it_hold_no_formula(evil: Settings) -> None:
    with duckdb.connect(str(evil.pointer.resolve()), read_only=True) as connection:
        rows = connection.execute(
            "SELECT statement, locator, attribution, source FROM claims WHERE claim_id = 'evil-claim'"
        ).fetchall()
    table = Table(("statement", "locator", "attribution", "source"), rows)
    assert rows[0][0] == STATEMENT
    read = list(csv.reader(io.StringIO(to_csv(table, ["=1+1"]).decode())))
    assert read[0][0].startswith("# ")
    assert all(cell[:1] not in ("=", "+", "-", "@") for row in read for cell in row)
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(table, ["=1+1"])))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert STATEMENT in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert not [cell for cell in cells if cell.hyperlink]
