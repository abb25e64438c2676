"""`milex claim FILE`: a verdict, or one message that says what is wrong."""

from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from pipelines.cli import app
from tests.claims.writing import COUNT, GROWTH
from tests.conftest import ROOT, BuiltData

VERDICTS = (
    "reproduced",
    "reproduced under another specification",
    "not reproduced",
    "data missing",
    "not testable",
)
PACK = ROOT / "claims" / "packs" / "sipri-fact-sheets"


class Command:
    """Run `milex claim` on a text against a data folder."""

    def __init__(self, built: BuiltData, folder: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("MILEX_HOME", str(ROOT))
        patch.setenv("MILEX_DATA", str(built.settings.data))
        self.path = folder / "mine.yaml"

    def __call__(self, text: str, *more: str) -> Result:
        self.path.write_text(text, encoding="utf-8")
        return self.on(self.path, *more)

    def on(self, path: Path, *more: str) -> Result:
        return CliRunner().invoke(app, ["claim", str(path), *more])


@pytest.fixture
def full(full_data: BuiltData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(full_data, tmp_path, monkeypatch)


@pytest.fixture
def excerpt(excerpt_data: BuiltData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(excerpt_data, tmp_path, monkeypatch)


def refused(result: Result) -> str:
    """The one message of a command that failed."""
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("milex: mine.yaml")
    return lines[0]


def verdict_of(result: Result) -> str:
    assert result.exit_code == 0, result.output
    verdict = result.stdout.splitlines()[0].split(": ", maxsplit=1)[1]
    assert verdict in VERDICTS
    return verdict


def test_a_good_file_gets_verdict_sql_specifications_and_a_citation(excerpt: Command) -> None:
    result = excerpt(GROWTH)
    assert verdict_of(result) == "reproduced"
    assert "SQL: SELECT 100 * growth AS value FROM growth('Asia & Oceania', 2008, 2017" in (
        result.stdout
    )
    assert "own definition" in result.stdout
    assert "Cite: Information from the Stockholm International Peace" in result.stdout
    assert "SIPRI 2017" in result.stdout
    assert "58.9 %" in result.stdout


def test_top_says_how_many_specifications_are_listed(excerpt: Command) -> None:
    listed = [excerpt(GROWTH, "--top", str(n)).stdout.count("\n  agrees") for n in (0, 1)]
    assert listed == [0, 1]
    assert excerpt(GROWTH, "--top", "-1").exit_code == 2


def test_another_figure_gets_another_verdict(excerpt: Command) -> None:
    for stated in (12, 58, 60, 590):
        result = excerpt(GROWTH.replace("value: 59", f"value: {stated}"))
        assert verdict_of(result) != "reproduced"


def test_several_claims_in_a_file_are_all_answered(excerpt: Command) -> None:
    result = excerpt(GROWTH + "---\n" + COUNT)
    assert result.exit_code == 0
    assert "my-claim: " in result.stdout
    assert "my-count: " in result.stdout


def test_a_malformed_file_is_one_message_with_the_line(excerpt: Command) -> None:
    assert "line 6: metric: grwth is unknown" in refused(
        excerpt(GROWTH.replace(": growth", ": grwth"))
    )
    assert "line 5: stated.value: expected a number" in refused(
        excerpt(GROWTH.replace("value: 59", "value: many"))
    )
    assert "line 4: not YAML" in refused(excerpt(GROWTH.replace("p. 1", "p. 1: [")))
    assert "the id my-claim is taken" in refused(excerpt(GROWTH + "---\n" + GROWTH))
    assert "together_with names no claim: nobody" in refused(
        excerpt(COUNT + "together_with: nobody\n")
    )


def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(excerpt: Command) -> None:
    assert excerpt.on(excerpt.path).exit_code == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Atlantis", "place: the data know no 'Atlantis'."),
        ("Asia and Oceanea", "Did you mean Asia & Oceania"),
        ("USA", "Did you mean United States of America?"),
    ],
)
def test_an_unknown_place_says_so(excerpt: Command, name: str, says: str) -> None:
    message = refused(excerpt(GROWTH.replace("place: Asia & Oceania", f"place: {name}")))
    assert says in message
    assert "SELECT DISTINCT place FROM place_names" in message


def test_an_unknown_country_among_ranks_says_so(excerpt: Command) -> None:
    text = yaml.safe_dump(
        {
            "id": "a",
            "statement": "b",
            "source": "c",
            "locator": "d",
            "stated": {"value": 2},
            "metric": "ranks_together",
            "definition": {"ranks": {"Japan": 8, "Atlantis": 1}, "year": 2017, "edition": 2017},
        }
    )
    assert "ranks: the data know no 'Atlantis'" in refused(excerpt(text))


def test_an_edition_that_is_not_at_hand_names_the_file_to_fetch(excerpt: Command) -> None:
    result = excerpt(GROWTH.replace("edition: 2017", "edition: 2018"))
    assert verdict_of(result) == "data missing"
    assert "SIPRI-Milex-data-1949-2018_0.xlsx" in result.stdout
    assert "https://www.sipri.org/databases/milex" in result.stdout
    assert "data/raw/" in result.stdout


def test_an_edition_that_exists_nowhere_says_which_do(excerpt: Command) -> None:
    result = excerpt(GROWTH.replace("edition: 2017", "edition: 2090"))
    assert verdict_of(result) == "data missing"
    assert "no such edition is known: 2015, 2016, 2017" in result.stdout


def test_a_year_outside_the_edition_says_so(excerpt: Command) -> None:
    result = excerpt(GROWTH.replace("to_year: 2017", "to_year: 2020"))
    assert verdict_of(result) == "data missing"
    assert "SIPRI 2017 is at hand, but the edition ends before the year." in result.stdout
    assert "It has the years 1949–2017." in result.stdout
    result = excerpt(GROWTH.replace("from_year: 2008", "from_year: 1901"))
    assert verdict_of(result) == "data missing"
    assert "the edition begins after the year" in result.stdout


def test_a_version_that_is_not_at_hand_names_its_source(excerpt: Command) -> None:
    result = excerpt(COUNT.replace("ATOP 3.0", "ATOP 4.01"))
    assert verdict_of(result) == "data missing"
    assert "ATOP 4.01 is not at hand" in result.stdout


def test_a_window_before_the_newest_edition_has_no_today(excerpt: Command) -> None:
    result = excerpt(GROWTH.replace("from_year: -9", "from_year: -150"))
    assert result.exit_code == 0, result.output
    assert "has no figure for the window" in result.stdout


def test_the_newest_edition_is_named_in_what_is_said(excerpt: Command) -> None:
    result = excerpt(GROWTH.replace("edition: 2017", "edition: newest"))
    assert verdict_of(result) != "data missing"
    assert "edition := 2025" in result.stdout
    assert "SIPRI 2025. Recomputed" in result.stdout
    assert "own definition\n" in result.stdout


@pytest.mark.mirror
def test_a_figure_that_no_edition_has_says_so(full: Command) -> None:
    result = full(GROWTH.replace("place: Asia & Oceania", "place: Korea, North"))
    assert verdict_of(result) == "data missing"
    assert "SIPRI 2017 is at hand, but" in result.stdout
    assert "Get " not in result.stdout


@pytest.mark.mirror
@pytest.mark.parametrize("path", sorted(PACK.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_claim_of_the_pack_has_a_verdict_and_a_figure(full: Command, path: Path) -> None:
    assert verdict_of(full.on(path)) not in ("data missing", "not testable")


@pytest.mark.mirror
def test_a_claim_finds_its_companion_in_another_file(full: Command) -> None:
    (path,) = (ROOT / "claims").rglob("alliance-count.yaml")
    result = full.on(path)
    assert result.exit_code == 0, result.output
    assert "alliance-count: " in result.stdout
    assert "alliance-lifespan: " not in result.stdout


@pytest.mark.mirror
def test_the_command_and_the_build_come_to_the_same(full: Command, full_data: BuiltData) -> None:
    import duckdb

    with duckdb.connect(str(full_data.snapshot), read_only=True) as connection:
        rows = connection.execute(
            "SELECT claim_id, verdict, explanation FROM claims WHERE metric IS NOT NULL"
        ).fetchall()
    files = {path.stem: path for path in (ROOT / "claims").rglob("*.yaml")}
    chosen = [row for row in rows if row[0] in files][::7]
    assert len(chosen) >= 3
    for name, verdict, explanation in chosen:
        result = full.on(files[name])
        assert verdict_of(result) == verdict
        assert explanation in result.stdout


@pytest.mark.mirror
def test_a_country_with_an_apostrophe_is_a_country(full: Command) -> None:
    result = full(GROWTH.replace("place: Asia & Oceania", "place: Cote d'Ivoire"))
    assert verdict_of(result) != "data missing"
    assert "growth('Cote d''Ivoire', 2008, 2017" in result.stdout
