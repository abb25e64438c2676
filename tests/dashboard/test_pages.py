"""Every page as the server would run it: default, odd and impossible addresses, no snapshot, a new one."""

import shutil
from dataclasses import replace

import duckdb
import pytest

from dashboard import data, queries
from pipelines.publish import point_to
from pipelines.settings import load_settings


def shown(test) -> str:
    parts = [*test.title, *test.header, *test.markdown, *test.caption, *test.code, *test.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def buttons(test) -> str:
    return "\n".join(button.label for button in test.button).replace("\\", "")


def test_the_claims_are_listed_with_their_verdicts(app, full_data):
    test = app(full_data.settings)
    assert not test.exception
    assert "Do the figures hold?" in shown(test)
    assert "Military spending in Asia and Oceania rose by 59 %" in buttons(test)
    assert "reproduced" in shown(test)
    assert full_data.settings.pointer.resolve().stem in shown(test)
    assert not test.info


def test_choosing_a_claim_opens_it_and_the_way_back_closes_it(app, full_data):
    test = app(full_data.settings)
    test.button(key="open asia-growth").click().run()
    assert not test.exception
    assert "58.9 %" in [metric.value for metric in test.metric]
    test.button[0].click().run()
    assert "Do the figures hold?" in shown(test)


def test_an_address_opens_each_claim(app, full_data):
    with duckdb.connect(str(full_data.snapshot), read_only=True) as connection:
        claims = queries.claims(data.Connected(connection))
    for claim in claims:
        test = app(full_data.settings, claim=claim["claim_id"])
        assert not test.exception, claim["claim_id"]
        assert not test.error
        assert claim["statement"] in shown(test)
        if claim["sql"]:
            assert claim["sql"] in [code.value for code in test.code]
            assert len(test.get("plotly_chart")) >= 1
        else:
            assert "What would test it" in shown(test)


@pytest.mark.parametrize(
    "query",
    [
        {"claim": "no-such-claim"},
        {"claim": "<script>alert(1)</script>"},
        {"claim": "asia-growth' OR 1=1 --"},
        {"claim": ""},
        {"verdict": "wonderful"},
        {"claim": "x" * 5000},
        {"unknown": "1", "claim": "*"},
    ],
)
def test_an_impossible_address_shows_the_default(app, full_data, query):
    test = app(full_data.settings, **query)
    assert not test.exception
    assert not test.error
    assert "Do the figures hold?" in shown(test)
    assert "script" not in shown(test)


def test_verdicts_filter_the_list(app, full_data):
    test = app(full_data.settings, verdict="not testable")
    assert not test.exception
    assert "The region holds 12,000 nuclear warheads." in buttons(test)
    assert "rose by 59 %" not in buttons(test)


def test_the_data_page_names_editions_and_terms(app, full_data):
    test = app(full_data.settings)
    test.switch_page("app_pages/data.py").run()
    assert not test.exception
    assert "SIPRI" in shown(test)
    assert 2017 in test.dataframe[0].value["edition"].tolist()


def test_the_excerpt_says_that_it_is_one(app, excerpt_data):
    test = app(excerpt_data.settings)
    assert not test.exception
    assert "excerpt" in test.info[0].value
    for claim in ("asia-growth", "alliance-count"):
        opened = app(excerpt_data.settings, claim=claim)
        assert not opened.exception
        assert "excerpt" in opened.info[0].value


def test_without_a_snapshot_the_page_says_what_to_run(app, tmp_path):
    test = app(replace(load_settings(), data=tmp_path))
    assert not test.exception
    assert "make build" in [code.value for code in test.code]


def test_a_new_snapshot_appears_in_an_open_session(app, full_data, tmp_path):
    settings = replace(full_data.settings, data=tmp_path)
    settings.snapshots.mkdir(parents=True)
    first = settings.snapshots / "milex-000001-a.duckdb"
    second = settings.snapshots / "milex-000002-b.duckdb"
    shutil.copy(full_data.snapshot, first)
    shutil.copy(full_data.snapshot, second)
    point_to(settings, first)
    test = app(settings, claim="asia-growth")
    assert "milex-000001-a" in shown(test)
    with duckdb.connect(str(second)) as connection:
        connection.execute("UPDATE claims SET recomputed = '61.2 %'")
    point_to(settings, second)
    first.unlink()
    test.run()
    assert not test.exception
    assert "milex-000002-b" in shown(test)
    assert "61.2 %" in [metric.value for metric in test.metric]


def test_a_snapshot_that_is_older_than_the_code_is_a_message(app, full_data, tmp_path):
    settings = replace(full_data.settings, data=tmp_path)
    settings.snapshots.mkdir(parents=True)
    path = settings.snapshots / "milex-000001-a.duckdb"
    shutil.copy(full_data.snapshot, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE claims")
    point_to(settings, path)
    test = app(settings)
    assert not test.exception
    assert "make build" in test.error[0].value


def test_text_in_the_data_cannot_act_on_the_page(app, full_data, tmp_path):
    settings = replace(full_data.settings, data=tmp_path)
    settings.snapshots.mkdir(parents=True)
    path = settings.snapshots / "milex-000001-a.duckdb"
    shutil.copy(full_data.snapshot, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE claims SET statement = '<img src=x onerror=alert(1)> [a](javascript:b) $x$'"
        )
    point_to(settings, path)
    for query in ({}, {"claim": "asia-growth"}):
        test = app(settings, **query)
        assert not test.exception
        written = "\n".join(
            [*(e.value for e in [*test.markdown, *test.header]), *(b.label for b in test.button)]
        )
        assert "<img" not in written.replace("\\<img", "")
        assert "[a](" not in written.replace("\\[a\\]\\(", "")


def test_a_snapshot_cannot_be_written_nor_lead_to_other_files(full_data, tmp_path):
    connection = duckdb.connect(str(full_data.snapshot), read_only=True, config=data.GUARD)
    try:
        for sql in (
            "CREATE TABLE x AS SELECT 1",
            f"COPY (SELECT 1) TO '{tmp_path}/x.csv'",
            "SELECT * FROM read_text('/etc/hostname')",
            "SET memory_limit = '9GB'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
    finally:
        connection.close()
