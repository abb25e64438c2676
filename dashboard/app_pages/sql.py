"""SQL: one query on the snapshot, its answer as a table, chart, file and link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from code_editor import code_editor

from dashboard import data_queries, sql_workers
from dashboard import sql_console as console
from dashboard.data import Snapshot, name_of
from dashboard.parts import downloads, picture, rows
from dashboard.text import plain
from pipelines.adhoc.examples import load_examples
from pipelines.errors import MilexError
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.adhoc.pool import Answer

FIRST = "SELECT rank, country, current_usd_m, share_of_world\nFROM top(2017, edition := 2017)"
# Themes of the editor itself; the component's own would fetch a font from the internet.
THEMES = {"light": "github", "dark": "one_dark"}
OPTIONS = {"wrap": True, "showGutter": False}
FRAME = {"style": {"border": "1px solid rgba(138, 143, 152, 0.5)", "borderRadius": "0.5rem"}}
RUN = [
    {
        "name": "Run",
        "feather": "Play",
        "primary": True,
        "hasText": True,
        "showWithIcon": True,
        "alwaysOn": True,
        "commands": ["submit"],
        "style": {"bottom": "0.4rem", "right": "0.4rem"},
    }
]


def ask(sql: str) -> None:
    """Run a query anew; the editor and the address follow."""
    st.session_state["sql"] = sql
    st.session_state["sql answer"] = None
    st.session_state["sql editor"] = st.session_state.get("sql editor", 0) + 1
    st.session_state["sql history"] = console.remembered(
        st.session_state.get("sql history", []), sql
    )
    follow(sql)


def follow(sql: str) -> None:
    """Put a query into the address, unless it is too long for one."""
    if console.link("", sql):
        st.query_params["q"] = sql
    else:
        st.query_params.pop("q", None)


def pick() -> None:
    """Run the example that was chosen."""
    name = st.session_state["sql example"]
    if name:
        ask(load_examples(load_settings())[name].sql)


def editor(snapshot: Snapshot) -> None:
    """The query as it is written; Run or Ctrl-Enter runs it."""
    written = code_editor(
        st.session_state["sql"],
        lang="sql",
        height=[8, 20],
        props={
            "theme": THEMES.get(st.context.theme.type or "", "github"),
            "enableBasicAutocompletion": True,
            "enableLiveAutocompletion": True,
        },
        completions=console.completions(snapshot.path),
        buttons=RUN,
        options=OPTIONS,
        component_props=FRAME,
        key=f"sql editor {st.session_state.get('sql editor', 0)}",
    )
    submission = (written.get("id"), written.get("text")) if written else None
    if (
        written
        and written.get("type") == "submit"
        and submission != st.session_state.get("sql run")
    ):
        st.session_state["sql run"] = submission
        st.session_state["sql"] = written["text"]
        st.session_state["sql answer"] = None
        st.session_state["sql history"] = console.remembered(
            st.session_state.get("sql history", []), written["text"]
        )
        follow(written["text"])


def answered(snapshot: Snapshot) -> Answer | MilexError:
    """The query's answer, kept while the page only changes how it is shown."""
    sql = st.session_state["sql"]
    kept = st.session_state.get("sql answer")
    if kept is None or kept[0] != (snapshot.path, sql):
        with st.spinner("Running"):
            kept = ((snapshot.path, sql), sql_workers.run(snapshot, sql))
        st.session_state["sql answer"] = kept
    return kept[1]


def result(snapshot: Snapshot, answer: Answer) -> None:
    """The rows, and what can be done with them."""
    for warning in answer.warnings:
        st.warning(plain(warning), icon=":material/layers:")
    found = console.displayable(answer.table)
    count = f"{len(found.rows):,} row{'' if len(found.rows) == 1 else 's'}"
    if answer.cut:
        bound = (
            "rows that a query may give" if answer.cut == "rows" else "size that an answer may have"
        )
        st.info(
            f"The first {count}: this is the largest number of {bound} here. There are more."
            if answer.cut == "rows"
            else f"The first {count}: with more it goes beyond the {bound} here, "
            f"{sql_workers.LIMITS.result_mb} MB.",
            icon=":material/content_cut:",
        )
    st.caption(f"{count} in {1000 * answer.seconds:,.0f} ms")
    rows(found, f"The answer: {count}")
    notes = [
        f"Query: {st.session_state['sql']}",
        f"Milex, snapshot {name_of(snapshot)}.",
        *data_queries.provenance(snapshot),
    ]
    with st.container(horizontal=True):
        downloads(answer.table, notes, "milex-query")
        with st.popover("Link", icon=":material/link:", type="tertiary"):
            address = console.link(st.context.url or "", st.session_state["sql"])
            if address:
                st.markdown("This address carries the query, not the answer:")
                st.code(address, language=None, wrap_lines=True)
            else:
                st.markdown("This query is too long for an address. Copy its text instead.")
    chart(snapshot, answer)


def chart(snapshot: Snapshot, answer: Answer) -> None:
    """A quick chart of two columns."""
    numbers = console.numeric(answer)
    names = list(answer.table.columns)
    if not numbers or len(names) < 2 or len(answer.table.rows) < 2:
        return
    kind = st.segmented_control("Chart", ["Line", "Bar"], key="sql chart")
    if not kind:
        return
    source = f"Own query. Milex, snapshot {name_of(snapshot)}."
    across, up, split = st.columns(3)
    if kind == "Line":
        over = [name for name in numbers if name == "year"] + [n for n in numbers if n != "year"]
        x = across.selectbox("Horizontal", over, key=f"sql x {over}")
        values = [name for name in numbers if name != x] or numbers
        y = up.selectbox("Vertical", values, key=f"sql y {values}")
        rest = [name for name in names if name not in (x, y)]
        each = split.selectbox("A line for each", rest, index=None, key=f"sql each {rest}")
        figure = console.quick_lines(answer.table, x, y, each, source)
    else:
        labels = [name for name in names if name not in numbers] or names
        x = across.selectbox("Bars", labels, key=f"sql bars {labels}")
        values = [name for name in numbers if name != x] or numbers
        y = up.selectbox("Length", values, key=f"sql length {values}")
        figure = console.quick_bars(answer.table, x, y, source)
    picture(figure, alt=f"{y} by {x}, from the query above", key="sql-chart")


def schema(snapshot: Snapshot) -> None:
    """What can be named: tables with their columns, metrics with their arguments."""
    found = {row["table_name"]: row for row in console.tables(snapshot).records()}
    table = st.selectbox(f"Tables ({len(found)})", list(found), index=None, key="sql table")
    if table in found:
        st.caption(f"{plain(found[table]['meaning'] or '')} {found[table]['rows']:,} rows.")
        rows(console.columns(snapshot, table), f"The columns of {table}")
    known = {metric.name: metric for metric in console.metrics()}
    metric = st.selectbox(f"Metrics ({len(known)})", list(known), index=None, key="sql metric")
    if metric in known:
        st.caption(plain(known[metric].meaning))
        st.code(known[metric].signature, language="sql", wrap_lines=True)
        st.code(known[metric].example, language="sql", wrap_lines=True)


shown: Snapshot = st.session_state["snapshot"]
asked = st.query_params.get("q")
if asked is not None and asked != st.session_state.get("sql"):
    ask(asked)
elif "sql" not in st.session_state:
    st.session_state["sql"] = FIRST

st.title("SQL")
st.markdown(
    "One SELECT over the snapshot, read-only; Ctrl-Enter runs it. `spending` holds every edition and "
    "`alliances` every version: name one, or read `spending_latest` and `alliances_latest`."
)
query, offered = st.columns([2, 1], gap="medium")
with query:
    examples = load_examples(load_settings())
    st.selectbox(
        "Examples",
        list(examples),
        index=None,
        format_func=lambda name: examples[name].question,
        placeholder="A worked example",
        label_visibility="collapsed",
        key="sql example",
        on_change=pick,
    )
    editor(shown)
    outcome = answered(shown)
    if isinstance(outcome, MilexError):
        st.error("No answer.", icon=":material/error:")
        st.code(str(outcome), language=None, wrap_lines=True)
    else:
        result(shown, outcome)
with offered:
    schema(shown)
    history = st.session_state.get("sql history", [])
    if history:
        st.caption("Last queries of this session")
        for number, sql in enumerate(history):
            st.button(
                plain(sql if len(sql) <= 80 else f"{sql[:79]}…"),
                key=f"sql history {number}",
                type="tertiary",
                wrap=True,
                on_click=ask,
                args=(sql,),
            )
