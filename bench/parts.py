"""What a build is made of, done by hand in one process without Dagster: what `milex build` adds to.

Calls the readers, the SQL models, the claims and the publisher in the order of their dependencies,
as a script would that keeps no ledger and no history, and says what each part took.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from bench.builds import ROOT, environment

# Parts in the order in which they are begun, with their seconds.
Parts = dict[str, float]
START = "start of Python and import of what the parts need"
CLAIMS = "claims declared, evaluated and told"
DAGSTER = "import of Dagster and of the definitions"
# The two steps between the models that are Python, and what they read.
DECLARED, TOLD = "claims.statements", "main.claims"
BEFORE = {
    DECLARED: ("main.place_names", "main.editions", "main.alliances", "main.countries"),
    TOLD: (DECLARED, "claims.verdicts", "main.specifications", "main.spending_series"),
}


def full(scratch: Path, mirror: Path, runs: int) -> Parts:
    """The parts of a build of everything, each the median of some processes."""
    return _medians([_run("full", scratch / f"parts-{n}", mirror) for n in range(runs)])


def unchanged(data: Path, mirror: Path, runs: int) -> Parts:
    """The parts of a build that finds nothing changed in a folder that was built."""
    return _medians([_run("unchanged", data, mirror) for _ in range(runs)])


def _medians(found: Sequence[Parts]) -> Parts:
    return {part: statistics.median(one[part] for one in found) for part in found[0]}


def _run(what: str, data: Path, mirror: Path) -> Parts:
    begun = time.time()
    run = subprocess.run(
        [sys.executable, "-m", "bench.parts", what, repr(begun)],
        cwd=ROOT,
        env=environment(data, mirror),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"the parts failed:\n{run.stderr[-2000:]}")
    parts: Parts = json.loads(run.stdout.splitlines()[-1])
    return parts


@contextmanager
def _timed(parts: Parts, part: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    parts[part] = parts.get(part, 0.0) + time.perf_counter() - start


def _full(begun: float) -> Parts:
    import pandas  # noqa: F401

    from pipelines import bootstrap, build, checks, ingest, models, names, publish, raw_layer
    from pipelines import warehouse as store
    from pipelines.claims import evaluate, gather, sentences
    from pipelines.settings import load_settings
    from pipelines.sources.find import files_at_hand

    parts: Parts = {START: time.time() - begun}
    settings = load_settings()
    sql = models.load_models(settings.sql)
    with store.open_warehouse(settings.warehouse) as connection:
        with _timed(parts, "files at hand"):
            files = files_at_hand(settings)
            raw_layer.load_files(connection, files)
        with _timed(parts, "workbooks read and inserted"):
            ingest.load_sipri(connection, files)
        with _timed(parts, "treaties read and inserted"):
            ingest.load_alliances(connection, files)
        with _timed(parts, "names resolved"):
            names.write(connection, names.resolve(connection))
        given: list[Any] = []
        of_claims = set(BEFORE)
        for name in _in_order(sql):
            if name in BEFORE:
                with _timed(parts, CLAIMS):
                    if name == DECLARED:
                        given = gather.gather(connection, settings).claims
                        evaluate.declare(connection, given)
                    else:
                        sentences.write_claims(connection, given)
                continue
            model = sql[name]
            if model.schema == "claims" or model.references & of_claims:
                of_claims.add(name)
            with _timed(parts, CLAIMS if name in of_claims else "SQL models"):
                store.with_memory(connection, lambda model=model: models.create(connection, model))
        with _timed(parts, "checks"):
            checks.load_exceptions(connection, settings.sql / "checks" / checks.EXCEPTIONS)
            for check in checks.load_checks(settings.sql / "checks"):
                checks.run_check(connection, check)
            for model in sql.values():
                models.duplicate_keys(connection, model)
        with _timed(parts, "publishing"):
            bootstrap.prepare(connection)
            offered = {**sql, bootstrap.TABLE.table: bootstrap.TABLE}
            store.with_memory(
                connection, lambda: build.publish_snapshot(settings, connection, offered)
            )
    assert publish.current_snapshot(settings) is not None
    with _timed(parts, DAGSTER):
        import pipelines.definitions  # noqa: F401
    return parts


def _in_order(sql: Mapping[str, Any]) -> list[str]:
    """Every model and the two steps of Python, each after what it reads."""
    from pipelines.claims.grid import GRIDS

    needs: dict[str, set[str]] = {
        name: {DECLARED if other in GRIDS else other for other in model.references} - {name}
        for name, model in sql.items()
    }
    needs |= {step: set(before) for step, before in BEFORE.items()}
    # What claims are told with are calls of the metrics.
    needs[TOLD] |= {name for name, model in sql.items() if model.is_macro}
    sorter = TopologicalSorter({name: before & needs.keys() for name, before in needs.items()})
    return list(sorter.static_order())


def _unchanged(begun: float) -> Parts:
    from pipelines import cli  # noqa: F401

    parts: Parts = {START: time.time() - begun}
    with _timed(parts, "fingerprint of code, SQL, claims and files"):
        from pipelines import publish
        from pipelines.fingerprint import at_hand
        from pipelines.settings import load_settings

        settings = load_settings()
        fingerprint = at_hand(settings)
    with _timed(parts, "the snapshot's own fingerprint"):
        snapshot = publish.current_snapshot(settings)
        assert snapshot is not None
        if publish.snapshot_facts(snapshot)["fingerprint"] != fingerprint:
            raise SystemExit("something has changed since the build")
    with _timed(parts, "claims read from the snapshot"):
        from pipelines.claims import show

        show.claim_lines(settings)
    return parts


if __name__ == "__main__":
    wanted = {"full": _full, "unchanged": _unchanged}[sys.argv[1]]
    measured = wanted(float(sys.argv[2]))
    sys.stdout.write(json.dumps(measured) + "\n")
    sys.stdout.flush()
    os._exit(0)  # closing what Dagster has imported is no part of any of them
