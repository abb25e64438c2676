"""A claim file says what it says, or its error names the file, the line and what was expected."""

from pathlib import Path

import pytest

from pipelines.claims.files import (
    _FIELDS,
    COMPARISONS,
    MAX_BYTES,
    ClaimError,
    load_claims,
    read_claims,
)
from pipelines.claims.metrics import METRICS
from tests.claims.writing import COUNT, GROWTH, claims_of

ROOT = Path(__file__).resolve().parents[2]


def error_of(folder: Path, text: str) -> str:
    with pytest.raises(ClaimError) as caught:
        claims_of(folder, text)
    return str(caught.value)


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, GROWTH)
    assert claim.id == "my-claim"
    assert claim.paragraph == "A text"
    assert claim.metric is METRICS["growth"]
    assert claim.stated is not None
    assert (claim.stated.value, claim.stated.comparison, claim.stated.decimals) == (59, "=", 0)
    assert dict(claim.definition) == {
        "place": "Asia & Oceania",
        "from_year": 2008,
        "to_year": 2017,
        "shift": 0,
        "edition": 2017,
        "prices": "constant",
        "basis": "published",
        "coverage": "all",
    }
    assert dict(claim.alternatives) == {"edition": "every", "prices": ("current",)}
    assert dict(claim.rolled) == {"from_year": -9, "to_year": 0}
    assert claim.testable
    assert not claim.threshold_is_ours


def test_defaults_and_levels_of_an_alliance_claim(tmp_path: Path) -> None:
    text = COUNT.replace("  dataset: ATOP 3.0\n", "  dataset: ATOP 3.0\n  ended_by: 2001\n")
    (claim,) = claims_of(tmp_path, text)
    assert claim.definition["ended_by"] == "2001"
    assert claim.definition["unit"] == "alliance"
    assert dict(claim.beside) == {"unit": ("lineage",)}


def test_the_own_level_among_the_alternatives_counts_once(tmp_path: Path) -> None:
    text = GROWTH.replace("[current]", "[constant, current, current]")
    (claim,) = claims_of(tmp_path, text)
    assert claim.alternatives["prices"] == ("current",)


def test_a_statement_that_cannot_be_tested_needs_its_reason(tmp_path: Path) -> None:
    head = "".join(GROWTH.splitlines(keepends=True)[:4])
    (claim,) = claims_of(tmp_path, head + "not_testable: No data.\nwould_test: Some data.\n")
    assert not claim.testable
    assert claim.not_testable == "No data."
    assert "would_test: expected a line of text" in error_of(
        tmp_path, head + "not_testable: No data.\n"
    )


def test_several_documents_in_a_file_are_several_claims(tmp_path: Path) -> None:
    both = claims_of(tmp_path, GROWTH + "---\n" + COUNT)
    assert [claim.id for claim in both] == ["my-claim", "my-count"]


MALFORMED = {
    "an unknown field": ("locator:", "place:", 4, "place: unknown field. Known: alternatives"),
    "a field that is no text": ("A text", "[a, b]", 3, "source: expected a line of text"),
    "an empty field": ("A text", "", 3, "source: expected a line of text"),
    "an id with capitals": ("my-claim", "My Claim", 1, "id: expected lower-case words"),
    "an unknown metric": ("metric: growth", "metric: grwth", 6, "metric: grwth is unknown. Known"),
    "an unknown dimension": ("  prices", "  currency", 14, "growth has no such dimension. It has"),
    "a dimension of another metric": (
        "  edition: 2017",
        "  country: China",
        11,
        "no such dimension",
    ),
    "an unknown level": ("[current]", "[nominal]", 14, "expected one of constant, current"),
    "a level of the wrong type": ("from_year: 2008", "from_year: '2008'", 9, "a year like 2017"),
    "a year that is a flag": ("from_year: 2008", "from_year: true", 9, "expected a year"),
    "a year that is a fraction": ("from_year: 2008", "from_year: 2008.5", 9, "expected a year"),
    "a year out of all bounds": ("from_year: 2008", "from_year: 208", 9, "expected a year"),
    "a year of many digits": ("from_year: 2008", f"from_year: {10**400}", 9, "expected a year"),
    "years that are turned round": ("2008", "2017", 9, "expected a year before to_year"),
    "a needed dimension left out": ("  place: Asia & Oceania\n", "", 7, "growth needs place"),
    "alternatives that are no list": ("[current]", "current", 14, "expected `every` or a list"),
    "every of what has no known values": (
        "  prices: [current]",
        "  from_year: every",
        14,
        "`every` is for dimensions with known values",
    ),
    "both years of a published total": (
        "  edition: 2017\n",
        "  edition: 2017\n  coverage: both years\n",
        12,
        "`both years` needs `basis: summed`",
    ),
    "a stated figure that is a flag": ("value: 59", "value: true", 5, "expected a number"),
    "a stated figure that is none": ("value: 59", "value: .nan", 5, "expected a number"),
    "an infinite figure": ("value: 59", "value: .inf", 5, "expected a number"),
    "a figure of many digits": ("value: 59", f"value: {10**400}", 5, "expected a number"),
    "a figure as text": ("value: 59", "value: '59'", 5, "expected a number, found '59'"),
    "no stated figure": ("value: 59, ", "", 5, "stated.value: expected a number"),
    "a fraction of a decimal": ("decimals: 0", "decimals: 0.5", 5, "whole number from 0 to 6"),
    "too many decimals": ("decimals: 0", "decimals: 60", 5, "whole number from 0 to 6"),
    "decimals below zero": ("decimals: 0", "decimals: -1", 5, "whole number from 0 to 6"),
    "decimals that are a flag": ("decimals: 0", "decimals: true", 5, "whole number from 0 to 6"),
    "another unit": ('unit: "%"', "unit: years", 5, "growth gives %, not years"),
    "an unknown comparison": ("decimals: 0", "comparison: about", 5, "expected one of = > >="),
    "between without an upper figure": ("decimals: 0", "comparison: between", 5, "stated.upper"),
    "between upside down": (
        "decimals: 0",
        "comparison: between, upper: 50",
        5,
        "expected a figure above value",
    ),
    "an upper figure of nothing": ("decimals: 0", "upper: 60", 5, "only `comparison: between`"),
    "an unknown part of stated": ("decimals: 0", "digits: 0", 5, "stated.digits: unknown field"),
    "a part of stated without a name": ("decimals: 0", "1: 0, x: 0", 5, "unknown field"),
    "a threshold of somebody else": ("metric:", "threshold: theirs\nmetric:", 6, "expected `ours`"),
    "stated as a list": ('{value: 59, decimals: 0, unit: "%"}', "[59]", 5, "expected lines"),
    "rolled by half": ("{from_year: -9, to_year: 0}", "{to_year: 0}", 15, "from_year and to_year"),
    "rolled into the future": ("to_year: 0}", "to_year: 1}", 15, "years before the newest"),
    "rolled by a flag": ("to_year: 0}", "to_year: false}", 15, "years before the newest"),
    "rolled before all data": ("from_year: -9", "from_year: -9000", 15, "years before the newest"),
    "a sentence with an unknown place": ("by {value}.", "by {valu}.", 16, "{valu} is unknown"),
    "a sentence that looks inside": ("{value}.", "{value.x}.", 16, "To be filled in: {number}"),
    "a sentence with an open brace": ("by {value}.", "by {value.", 16, "To be filled in"),
    "a field twice": ("locator: p. 1", "source: Again", 4, "source twice"),
    "a dimension twice": ("  to_year: 2017", "  from_year: 2017", 10, "from_year twice"),
    "a date that is none": ("A text", "2017-13-45", 1, "month must be in 1..12"),
    "what is not YAML": ("p. 1", "p. 1: [", 4, "not YAML"),
    "an open bracket": ("[current]", "[current", 15, "not YAML"),
    "a tab": ("  prices", "\tprices", 14, "not YAML"),
    "a Python object": (
        "A text",
        "!!python/object/apply:os.system [exit]",
        3,
        "could not determine a constructor",
    ),
    "an unknown tag": ("A text", "!secret x", 3, "could not determine a constructor"),
    "an anchor": ("A text", "&a A text", 3, "anchors and aliases"),
    "an alias": ("A text", "*a", 3, "anchors and aliases"),
}


@pytest.mark.parametrize(("old", "new", "line", "expected"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_names_file_line_and_what_was_expected(
    tmp_path: Path, old: str, new: str, line: int, expected: str
) -> None:
    assert old in GROWTH
    message = error_of(tmp_path, GROWTH.replace(old, new, 1))
    assert message.startswith(f"mine.yaml, line {line}: ")
    assert expected in message
    assert len(message) < 500
    assert "\n" not in message


@pytest.mark.parametrize(
    ("metric", "definition", "expected"),
    [
        ("money", "{country: Japan, year: 2015, edition: 2017, amount: true}", "billions of local"),
        ("money", "{country: Japan, year: 2015, edition: 2017, amount: .nan}", "billions of local"),
        ("money", "{country: Japan, year: 2015, edition: 2017, amount: -1}", "billions of local"),
        ("rank", "{country: 7, year: 2015, edition: 2017}", "country: expected text, found 7"),
        ("rank", "{country: Japan, year: 2015, edition: last}", "an edition's last data year"),
        ("rank", "{country: Japan, year: 2015, edition: 2017, shift: 2}", "one of -1, 0, 1"),
        ("rank", "{country: Japan, year: 2015, edition: 2017, shift: true}", "a whole number"),
        ("members_in_top", "{place: World, year: 2015, edition: 2017, top: 0}", "of countries"),
        ("ranks_together", "{ranks: 3, year: 2015, edition: 2017}", "country: rank"),
        ("ranks_together", "{ranks: {}, year: 2015, edition: 2017}", "country: rank"),
        ("ranks_together", "{ranks: {Japan: 8th}, year: 2015, edition: 2017}", "country: rank"),
        ("ranks_together", "{ranks: {Japan: true}, year: 2015, edition: 2017}", "country: rank"),
        ("alliance_count", "{dataset: ATOP}", "ATOP or COW with its version, like ATOP 3.0"),
        ("alliance_count", "{dataset: NATO 3.0}", "ATOP or COW with its version"),
        ("alliance_count", '{dataset: "ATOP 3.0\'"}', "ATOP or COW with its version"),
        ("alliance_count", "{dataset: ATOP 3.0, ended_by: 1998}", "one of 1999, 2000, 2001"),
        ("alliance_count", "{dataset: ATOP 3.0, ended_by: true}", "expected text"),
    ],
)
def test_a_definition_that_means_nothing_is_refused(
    tmp_path: Path, metric: str, definition: str, expected: str
) -> None:
    text = (
        "id: a\nstatement: b\nsource: c\nlocator: d\nstated: {value: 1}\n"
        f"metric: {metric}\ndefinition: {definition}\n"
    )
    message = error_of(tmp_path, text)
    assert message.startswith("mine.yaml, line 7: definition.")
    assert expected in message


def test_what_has_no_edition_is_not_rolled(tmp_path: Path) -> None:
    message = error_of(tmp_path, COUNT + "rolled: {year: 0}\n")
    assert message == "mine.yaml, line 14: rolled: alliance_count has no edition to roll to."


def test_ranks_have_no_alternatives_and_beside_lists_its_levels(tmp_path: Path) -> None:
    text = (
        "id: a\nstatement: b\nsource: c\nlocator: d\nstated: {value: 1}\nmetric: ranks_together\n"
        "definition: {ranks: {Japan: 8}, year: 2015, edition: 2017}\nalternatives:\n  ranks: {}\n"
    )
    assert "line 9: alternatives.ranks: has no alternatives" in error_of(
        tmp_path, text.replace("{}", "[{Japan: 9}]")
    )
    assert "line 13: beside.unit: expected a list" in error_of(
        tmp_path, COUNT.replace("[lineage]", "every")
    )


@pytest.mark.parametrize("text", ["", "# only a remark\n", "---\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, text: str) -> None:
    assert "mine.yaml" in error_of(tmp_path, text)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "42\n"])
def test_a_file_that_is_no_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    assert error_of(tmp_path, text) == "mine.yaml, line 1: expected `field: value`."


def test_bombs_and_giants_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "a: &a {x: 1}\n" + "".join(
        f"{name}: &{name} {{p: *{previous}, q: *{previous}}}\n"
        for previous, name in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu", strict=True)
    )
    assert "anchors and aliases" in error_of(tmp_path, bomb)
    assert "anchors and aliases" in error_of(tmp_path, "a: &a {b: *a}\n")
    assert "nested too deeply" in error_of(tmp_path, "a: " + "[" * 20_000 + "]" * 20_000)
    assert "larger than 64 KB" in error_of(tmp_path, GROWTH + "#" * MAX_BYTES)
    (tmp_path / "bytes.yaml").write_bytes(b"id: \xff\xfe")
    with pytest.raises(ClaimError, match="not UTF-8"):
        read_claims(tmp_path / "bytes.yaml")


def test_two_claims_with_an_id_are_an_error_that_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GROWTH, encoding="utf-8")
    (tmp_path / "b.yml").write_text(GROWTH, encoding="utf-8")
    with pytest.raises(ClaimError, match=r"b\.yml: the id my-claim is taken by a\.yaml"):
        load_claims([tmp_path])


def test_companions_name_a_claim_and_describe_one_set(tmp_path: Path) -> None:
    alone = COUNT + "together_with: my-lifespan\n"
    other = (
        COUNT.replace("my-count", "my-lifespan")
        .replace("alliance_count", "alliance_lifespan")
        .replace("unit: alliances", "unit: years")
    )
    (tmp_path / "a.yaml").write_text(alone, encoding="utf-8")
    with pytest.raises(ClaimError, match=r"a\.yaml: together_with names no claim: my-lifespan"):
        load_claims([tmp_path])
    (tmp_path / "b.yaml").write_text(other, encoding="utf-8")
    assert len(load_claims([tmp_path])) == 2
    (tmp_path / "b.yaml").write_text(other.replace("[out]", "[]"), encoding="utf-8")
    with pytest.raises(ClaimError, match="must be the same"):
        load_claims([tmp_path])


def test_packs_come_after_the_projects_own_claims_and_before_the_users(tmp_path: Path) -> None:
    for name in ("zebra", "packs/one", "apple", "user/mine"):
        path = tmp_path / ("user" if name.startswith("user") else "claims") / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = GROWTH.replace("my-claim", name.replace("/", "-"))
        path.write_text(text, encoding="utf-8")
    found = load_claims([tmp_path / "claims", tmp_path / "user"])
    assert [claim.id for claim in found] == ["apple", "zebra", "packs-one", "user-mine"]


def test_every_claim_file_of_the_project_is_good() -> None:
    claims = load_claims([ROOT / "claims"])
    packs = [claim for claim in claims if "packs" in claim.path.parts]
    assert len(packs) >= 3
    assert claims[-len(packs) :] == packs
    assert all(claim.found for claim in claims if claim.testable)
    assert all(claim.today for claim in claims if claim.rolled)


def test_the_guide_names_every_field_metric_dimension_and_level() -> None:
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    words = [*_FIELDS, *COMPARISONS, *METRICS]
    sections = {part.split("`", maxsplit=2)[1]: part for part in guide.split("\n#### ")[1:]}
    assert sections.keys() == METRICS.keys()
    for name in words:
        assert f"`{name}`" in guide, name
    for name, metric in METRICS.items():
        assert metric.unit in sections[name].splitlines()[0], name
        for dimension, about in metric.dimensions.items():
            shown = [line for line in sections[name].splitlines() if f"`{dimension}`" in line]
            assert len(shown) == 1, (name, dimension)
            assert ("needed" in shown[0]) == about.required, (name, dimension)
            for level in about.levels or ():
                assert f"`{level}`" in shown[0], (name, dimension, level)
            if not about.required:
                default = f"**`{about.default}`**"
                assert default in shown[0], (name, dimension)


def test_the_guides_example_is_a_good_file(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in guide.split("```yaml\n")[1:]]
    assert len(examples) >= 2
    for number, example in enumerate(examples):
        assert claims_of(tmp_path, example, f"{number}.yaml")


def test_no_claim_file_names_a_verdict() -> None:
    verdicts = ("reproduced", "not reproduced", "data missing", "not testable")
    for path in (ROOT / "claims").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8").lower()
        assert not any(verdict in text for verdict in verdicts), path.name
        assert "verdict" not in text, path.name


def test_no_code_names_a_claim() -> None:
    """A verdict is computed for every claim alike: neither the code nor a model knows one of them."""
    ids = [claim.id for claim in load_claims([ROOT / "claims"]) if "-" in claim.id]
    files = [*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "sql").rglob("*.sql")]
    for path in files:
        text = path.read_text(encoding="utf-8")
        named = [i for i in ids if f'"{i}"' in text or f"'{i}'" in text]
        assert not named, f"{path.name} names {named}"
