"""A claim's metric call read back, and for every claim a chart and rows that give its figure."""

import pytest

from dashboard import curve, queries, subjects

GROWTH = (
    "SELECT 100 * growth AS value FROM growth('Asia & Oceania', 2008, 2017, edition := 2017, "
    "prices := 'constant', basis := 'published')"
)


def test_a_call_is_read_back():
    (call,) = subjects.calls(GROWTH)
    assert call.metric == "growth"
    assert call.given == ("Asia & Oceania", 2008, 2017)
    assert call.named == {"edition": 2017, "prices": "constant", "basis": "published"}


def test_names_may_hold_quotes_commas_and_brackets():
    (call,) = subjects.calls("SELECT * FROM rank_of('Côte d''Ivoire, (the)', 2017, n := NULL)")
    assert call.given == ("Côte d'Ivoire, (the)", 2017)
    assert call.named == {"n": None}


def claims_of(snapshot, **wanted):
    return [
        claim
        for claim in queries.claims(snapshot)
        if all(claim[name] == value for name, value in wanted.items())
    ]


def test_every_testable_claim_has_a_chart_and_rows(snapshot):
    testable = [claim for claim in queries.claims(snapshot) if claim["sql"]]
    assert len(testable) >= 4
    for claim in testable:
        about = subjects.subject(snapshot, claim)
        assert about.rows.rows or claim["recomputed_value"] == 0, claim["claim_id"]
        if claim["metric"] in subjects._SUBJECTS and about.rows.rows:
            assert about.figure.data, claim["claim_id"]
            assert len(about.figure.data) <= 4
            assert about.takeaway


def test_a_claim_without_a_metric_has_no_chart(snapshot):
    for claim in claims_of(snapshot, verdict="not testable"):
        assert subjects.subject(snapshot, claim) is None


def test_a_metric_without_a_chart_still_shows_what_its_query_returns(snapshot):
    claim = {**claims_of(snapshot, claim_id="asia-growth")[0], "metric": "a new one"}
    about = subjects.subject(snapshot, claim)
    assert about.figure is None
    assert about.rows.columns == ("value",)


def test_the_alliances_shown_are_those_that_are_counted(snapshot):
    (claim,) = claims_of(snapshot, claim_id="alliance-count")
    about = subjects.subject(snapshot, claim)
    assert len(about.rows.rows) == claim["recomputed_value"]
    (lifespan,) = claims_of(snapshot, claim_id="alliance-lifespan")
    spans = subjects.subject(snapshot, lifespan).rows.column("lifespan")
    assert sum(spans) / len(spans) == pytest.approx(lifespan["recomputed_value"])


@pytest.mark.parametrize(
    "changed",
    [
        {"obligation": "defense"},
        {"members": "bilateral"},
        {"ending": "fulfilled or violated"},
        {"wartime": "out"},
        {"unit": "phase", "convention": "exact"},
    ],
)
def test_the_rows_follow_the_metric_under_every_condition(snapshot, changed):
    chosen = {**queries.LIFESPAN_DEFAULTS, "version": "3.0", "ended_by": 2001, **changed}
    given = ", ".join(f"{name} := ?" for name in chosen)
    metric = snapshot.rows(
        f"SELECT n, mean_years FROM alliance_lifespan({given})", *chosen.values()
    ).rows[0]
    spans = queries.alliance_set(snapshot, chosen).column("lifespan")
    assert len(spans) == metric[0]
    assert sum(spans) / len(spans) == pytest.approx(metric[1])


def test_the_share_on_the_bar_is_the_share_of_the_claim(snapshot):
    (claim,) = claims_of(snapshot, claim_id="china-share")
    about = subjects.subject(snapshot, claim)
    assert f"({claim['recomputed_value']:.1f} %)" in about.figure.data[0].text[0]


def test_a_condition_ends_where_its_subquery_does():
    sql = "SELECT count(*) FROM (SELECT x FROM t WHERE a = ')' AND f(b, (c)) > 1) AS q"
    assert subjects.condition(sql, "t") == "a = ')' AND f(b, (c)) > 1"
    assert subjects.condition("SELECT 1", "t") is None


@pytest.mark.parametrize("metric", ["pacts_among_spokes", "hub_multilateral"])
def test_the_pacts_shown_are_those_that_are_counted(snapshot, metric):
    for claim in claims_of(snapshot, metric=metric):
        assert len(subjects.subject(snapshot, claim).rows.rows) == claim["recomputed_value"]


def test_the_pacts_and_ages_shown_give_the_share(snapshot):
    for claim in claims_of(snapshot, metric="pact_share"):
        meets, others = subjects.subject(snapshot, claim).figure.data[0].x
        assert 100 * meets / (meets + others) == pytest.approx(claim["recomputed_value"])
    for claim in claims_of(snapshot, metric="share_reaching_age"):
        ages = subjects.subject(snapshot, claim).rows.column("age")
        assert 100 * sum(age >= 60 for age in ages) / len(ages) == pytest.approx(
            claim["recomputed_value"]
        )


def test_the_figure_by_edition_marks_the_own_one(snapshot):
    (claim,) = claims_of(snapshot, claim_id="asia-growth")
    figure, _ = curve.by_edition(claim, queries.by_edition(snapshot, claim["claim_id"]))
    line, own = figure.data
    assert list(own.x) == [2017]
    assert len(line.x) == len(queries.editions(snapshot).rows)
    assert curve.by_edition(claim, queries.by_edition(snapshot, "no-such-claim")) is None


def test_a_specification_curve_has_few_dots_and_never_loses_the_own_one(snapshot):
    for claim in queries.claims(snapshot):
        if not claim["specifications"]:
            continue
        found = queries.specifications(snapshot, claim["claim_id"])
        assert len(found.dots) <= 2 * queries.MAX_DOTS + 3
        assert sum(bool(dot["own"]) for dot in found.dots) == 1
        assert found.count <= claim["specifications"]
        if claim["distinct_agreeing"]:
            assert any(dot["agrees"] for dot in found.dots)
        figure, takeaway = curve.curve(claim, found)
        assert len(figure.data) <= 4
        assert f"of {claim['specifications']:,}" in takeaway


def test_shares_of_levels_add_up_in_every_bin(snapshot):
    found = queries.specifications(snapshot, "asia-growth")
    order = [name for name, _ in curve.importance(found)]
    blocks: list[list] = [[]]
    for level in curve.levels(found, order):
        if level.name:
            blocks[-1].append(level)
        else:
            blocks.append([])
    for block in blocks:
        assert block[0].own
        for shares in zip(*(level.shares for level in block), strict=True):
            assert sum(shares) == pytest.approx(1)


def test_the_dimension_that_decides_is_named_first():
    levels = [
        {"dimension": name, "level": level, "bin": 0, "specifications": 1, "total": total}
        for name, level, total in (
            ("prices", "constant", 1.0),
            ("prices", "current", 9.0),
            ("basis", "published", 5.0),
            ("basis", "summed", 5.0),
        )
    ]
    found = queries.Specifications([], levels, 2, 2, 16.0, 1, {"prices": "constant", "basis": "a"})
    assert curve.importance(found) == [("prices", 1.0), ("basis", 0.0)]
