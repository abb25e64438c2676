"""Figures from plain values: few traces, escaped text, what is spoken of marked."""

import pytest

from dashboard import charts
from dashboard.text import billions, in_chart, moment, plain, verdict_badge, with_code


def texts(figure) -> str:
    return " ".join(
        [figure.layout.title.text, *(note.text or "" for note in figure.layout.annotations)]
    )


def test_a_line_leaves_gaps_and_marks_what_is_spoken_of():
    figure = charts.lines(
        "Rising",
        [charts.Line("Asia", [2000, 2001, 2002], [1.0, None, 3.0])],
        "US$ billions",
        "Source: a",
        marks=[charts.Mark(2002, 3.0, "2002: $3 billion")],
        threshold=(2.0, "stated: 2"),
    )
    line, marks = figure.data
    assert list(line.y) == [1.0, None, 3.0]
    assert line.connectgaps is False
    assert list(marks.x) == [2002]
    for shown in ("Rising", "US$ billions", "Source: a", "2002: $3 billion", "stated: 2"):
        assert shown in texts(figure)


def test_several_lines_are_named_where_they_end_and_differ_without_colour():
    figure = charts.lines(
        "t",
        [charts.Line("A", [1, 2], [1, 2]), charts.Line("B", [1, 2], [2, 3], context=True)],
        "%",
        "s",
    )
    assert {"A", "B"} <= {note.text for note in figure.layout.annotations}
    assert [trace.line.dash for trace in figure.data] == ["solid", "dash"]
    assert figure.layout.showlegend is False


def test_bars_highlight_by_weight_as_well_as_by_colour():
    figure = charts.bars(
        "t", [("China", 2.0, "$2 billion", True), ("Japan", 1.0, "$1 billion", False)], "US$", "s"
    )
    assert list(figure.layout.yaxis.ticktext) == ["<b>China</b>", "Japan"]
    assert len(figure.data) == 1


def test_no_bars_are_a_figure_too():
    assert charts.bars("t", [], "US$", "s").layout.height > 0


def test_a_histogram_counts_every_value_once():
    figure = charts.histogram(
        "t",
        [0, 1, 1.9, 2, 7],
        width=2,
        unit="years",
        source="s",
        counted="number",
        marks=[(2.4, "mean", False), (3.0, "stated", True)],
    )
    assert list(figure.data[0].y) == [3, 1, 0, 1]
    assert [shape.line.dash for shape in figure.layout.shapes] == ["solid", "dash"]


def curve(**changed):
    dots = [
        charts.Dot(1, 10.0, False, False, "low"),
        charts.Dot(2, 20.0, True, False, "right"),
        charts.Dot(3, 30.0, False, True, "own"),
    ]
    levels = [charts.Level("edition 2017", [1, 0, 1], True), charts.Level("", [], False)]
    given = {
        "stated": [20.0],
        "stated_text": "stated: 20",
        "unit": "%",
        "source": "s",
        **changed,
    }
    return charts.specification_curve("t", dots, levels, **given)


def test_a_specification_curve_tells_three_kinds_of_dots_apart_by_shape():
    *dots, strip = curve().data
    assert {trace.name: trace.marker.symbol for trace in dots} == {
        "disagrees": "circle",
        "agrees": "diamond",
        "own definition": "square",
    }
    assert list(strip.z[0]) == [1, 0, 1]


def test_the_stated_figure_is_a_line_and_between_is_two():
    assert len(curve().layout.shapes) == 1
    assert len(curve(stated=[15.0, 25.0]).layout.shapes) == 2


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<a href='javascript:x'>y</a>"])
def test_text_from_data_is_text_in_a_figure(text):
    figure = charts.lines(text, [charts.Line(text, [1, 2], [1, 2])], text, text)
    written = figure.to_json()
    assert "<script" not in written
    assert "<a href" not in written


def test_long_titles_are_broken_into_lines():
    assert in_chart("one two three", 8) == "one two<br>three"


@pytest.mark.parametrize(
    "text", ["**bold**", "[a](b)", "<b>x</b>", "$a$ :red[b]", "`c`", "1. d", "# e", "&lt;"]
)
def test_text_from_data_is_text_on_a_page(text):
    for mark in "*[]<>$:`#&":
        assert plain(text).count(mark) == plain(text).count(f"\\{mark}")


def test_code_in_a_header_stays_code_and_the_rest_is_text():
    assert with_code("`a_b` is **not** <b>`c`") == r"`a_b` is \*\*not\*\* \<b\>`c`"
    assert with_code("one ` alone") == r"one \` alone"


def test_money_is_written_as_people_write_it():
    assert billions(477_123) == "$477 billion"
    assert billions(85_400) == "$85.4 billion"
    assert billions(2_443_000) == "$2.44 trillion"
    assert billions(12) == "$12.0 million"
    assert billions(-300.4) == "$-300 million"


def test_a_verdict_is_a_word_and_an_icon_and_never_colour_alone():
    badge = verdict_badge("not reproduced", 4)
    assert "not reproduced" in badge
    assert ":material/cancel:" in badge
    assert "**4**" in badge


def test_a_moment_is_readable_and_nonsense_stays():
    assert moment("2026-11-22T03:40:57+00:00") == "22 November 2026, 03:40 UTC"
    assert moment("no date") == "no date"
