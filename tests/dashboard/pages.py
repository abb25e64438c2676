"""Opening one page of the app on a snapshot that nothing else in the process holds."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pipelines.publish import point_to
from pipelines.settings import Settings


def opened(
    app: Callable[..., AppTest], settings: Settings, folder: Path, name: str, **query: str
) -> AppTest:
    """A page at an address.

    DuckDB refuses to open a file in one process with two configurations, and other tests hold the
    snapshot with another one than the dashboard's: the page gets the file under a name of its own.
    """
    own = replace(settings, data=folder)
    own.snapshots.mkdir(parents=True, exist_ok=True)
    source = settings.pointer.resolve()
    target = own.snapshots / source.name
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)
    point_to(own, target)
    test = app(own)
    test.switch_page(f"app_pages/{name}.py")
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()
