"""The dashboard's frame: pages, which snapshot is shown, and what to do when there is none."""

import gc
from pathlib import Path

import duckdb
import streamlit as st

from dashboard import data, filters, parts, queries, sql_workers
from dashboard.text import moment, plain

NEW_SNAPSHOT_EVERY = "5s"

# A file of our own: an icon by name would be fetched from the internet.
ICON = str(Path(__file__).with_name("icon.svg"))

st.set_page_config(page_title="Milex", page_icon=ICON, layout="wide")


def nothing_yet() -> None:
    """What is shown before the first build."""
    st.title("Nothing has been published yet")
    st.markdown(
        "The dashboard shows a snapshot that the pipeline publishes, and there is none. "
        "Run this in the project's folder; then this page fills by itself."
    )
    st.code("make build", language="bash")


@st.cache_resource(max_entries=20, show_spinner=False)
def settled(page: str) -> None:
    """Once a page and server: what its modules and caches hold is left out of later collections.

    Streamlit collects garbage after every rerun, which keeps memory down and, over everything that a
    server holds, takes longer than the rerun.
    """
    gc.collect()
    gc.freeze()


@st.fragment(run_every=NEW_SNAPSHOT_EVERY)
def watch(shown: str | None) -> None:
    """Show a newly published snapshot in a session that is open."""
    now = data.current()
    if (now.path if now else None) != shown:
        st.rerun(scope="app")


snapshot = data.current()
watch(snapshot.path if snapshot else None)
if snapshot is None:
    st.navigation([st.Page(nothing_yet, title="Milex", default=True)], position="hidden").run()
    st.stop()

st.session_state["snapshot"] = snapshot
page = st.navigation(
    [
        st.Page("app_pages/claims.py", title="Claims", icon=":material/fact_check:", default=True),
        st.Page(
            "app_pages/check.py", title="Check a claim", icon=":material/rule:", url_path="check"
        ),
        st.Page(
            "app_pages/spending.py",
            title="Spending",
            icon=":material/show_chart:",
            url_path="spending",
        ),
        st.Page("app_pages/region.py", title="Region", icon=":material/map:", url_path="region"),
        st.Page(
            "app_pages/ranking.py",
            title="Ranking",
            icon=":material/leaderboard:",
            url_path="ranking",
        ),
        st.Page(
            "app_pages/revisions.py",
            title="Revisions",
            icon=":material/history:",
            url_path="revisions",
        ),
        st.Page("app_pages/alliances.py", title="Alliances", icon=":material/handshake:"),
        st.Page("app_pages/security.py", title="Security structure", icon=":material/hub:"),
        st.Page("app_pages/sql.py", title="SQL", icon=":material/terminal:", url_path="sql"),
        st.Page("app_pages/data.py", title="Data", icon=":material/database:", url_path="data"),
    ],
    position="top",
)
try:
    facts = queries.facts(snapshot)
    if facts.get("excerpt"):
        st.info(
            f"This runs on the committed excerpt for {plain(facts['excerpt'])}: the figures that "
            "the statements need and no others. Put the publishers' files into `data/raw/` and run "
            "`make build` for the full editions.",
            icon=":material/content_cut:",
        )
    filters.recall(page.title)
    page.run()
    filters.remember()
    built = moment(facts.get("built_at", ""))
    st.divider()
    parts.picture_format()
    st.caption(f"Snapshot {plain(data.name_of(snapshot))}, built {plain(built)}.")
    settled(page.title)
    sql_workers.pool()  # once a server, and when its first page is there
except duckdb.Error as error:
    st.error(
        "This snapshot does not answer what the page asks; it may be older than the code. "
        "Run `make build`.",
        icon=":material/error:",
    )
    st.code(str(error), language=None, wrap_lines=True)
