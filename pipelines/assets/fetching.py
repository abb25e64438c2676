"""Fetching as Dagster sees it: a job, a yearly schedule, and sensors for new editions and files.

All of it is off until somebody switches it on: nothing is downloaded unless asked.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from pipelines.assets.raw import ATOP_FILES, COW_FILES, SIPRI_FILES
from pipelines.errors import MilexError
from pipelines.settings import Settings, load_settings
from pipelines.sources.find import possible_files

PUBLISHERS = {"SIPRI": SIPRI_FILES, "ATOP": ATOP_FILES, "COW": COW_FILES}

# SIPRI publishes in April or May; the others' pages are worth a look once in a while.
FRESHNESS = {
    SIPRI_FILES: dg.FreshnessPolicy.cron(
        deadline_cron="0 0 1 6 *", lower_bound_delta=timedelta(days=60)
    ),
    ATOP_FILES: dg.FreshnessPolicy.time_window(fail_window=timedelta(days=400)),
    COW_FILES: dg.FreshnessPolicy.time_window(fail_window=timedelta(days=400)),
}


def with_freshness(specs: Iterable[dg.AssetSpec]) -> list[dg.AssetSpec]:
    """The publishers' datasets with how often they should be fetched."""
    return [spec.replace_attributes(freshness_policy=FRESHNESS[spec.key]) for spec in specs]


_FILES = dg.TableSchema(
    [
        dg.TableColumn("file", "string", "name in data/raw/"),
        dg.TableColumn("bytes", "int", "size"),
        dg.TableColumn("sha256", "string", "SHA-256 of the bytes"),
        dg.TableColumn(
            "url", "string", "where it was downloaded from; empty for a copy of one's own"
        ),
        dg.TableColumn("etag", "string", "the publisher's ETag; empty if there is none"),
        dg.TableColumn("retrieved_at", "string", "when it was downloaded"),
    ]
)


class Errand(dg.Config):
    """What to fetch; by default everything in the catalogue and the newest on the pages."""

    dataset: str | None = Field(default=None, description="SIPRI, ATOP or COW; none for all.")
    version: str | None = Field(default=None, description="An edition or version; none for all.")
    force: bool = Field(default=False, description="Download again, and replace own copies.")


@dg.op(description="What `milex fetch` does: one line in the log for each source.")
def fetch(context: dg.OpExecutionContext, config: Errand) -> None:
    """Fetch, report each dataset that was had, and fail at the end if something was not."""
    from pipelines.sources import errand

    try:
        outcomes = errand.run(
            load_settings(), context.log.info, config.dataset, config.version, config.force
        )
    except MilexError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    failed = errand.failures(outcomes, config.version)
    for name, key in PUBLISHERS.items():
        had = [outcome for outcome in outcomes if outcome.dataset == name]
        if had and not any(outcome in failed for outcome in had):
            lines = "\n".join(f"- {errand.line(outcome)}" for outcome in had)
            files = [dg.TableRecord(facts) for facts in errand.files(had)]
            context.log_event(
                dg.AssetMaterialization(
                    key,
                    metadata={
                        "sources": dg.MetadataValue.md(lines),
                        "files": dg.MetadataValue.table(files, schema=_FILES),
                    },
                )
            )
    if failed:
        raise dg.Failure("\n".join(map(errand.line, failed)), allow_retries=False)


# A job of an op and not assets that can be materialized: "Materialize all" takes every asset there
# is, and must not download anything. The op reports what it fetched as materializations of the
# publishers' assets, so they show when, what and how fresh, like any other asset.
@dg.job(
    description="Download the publishers' files into data/raw/. Launching it is asking for it: "
    "nothing else downloads. The sensor new_files, if it is on, then builds a new snapshot."
)
def fetch_sources() -> None:
    """Fetch what the configuration names."""
    fetch()


every_may = dg.ScheduleDefinition(
    name="every_may",
    job=fetch_sources,
    cron_schedule="0 6 15 5 *",
    description="Fetch once a year, after SIPRI's new edition. Off until switched on.",
)


@dg.sensor(
    job=fetch_sources,
    minimum_interval_seconds=24 * 60 * 60,
    description="Asks SIPRI's and ATOP's pages once a day whether a file is out that is not here, "
    "or has changed since it was fetched, and requests a run that fetches it. Off until switched "
    "on; with new_files on too, a new edition goes all the way to a snapshot.",
)
def new_editions(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request a fetch of what is new; a failed one is requested again in the next week."""
    from pipelines.sources import errand

    news, reasons = errand.news(load_settings())
    for reason in reasons:
        context.log.info(reason)
    if not news:
        return dg.SkipReason(" ".join(reasons))
    week = f"{datetime.now(UTC):%G-W%V}"
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=f"{offer.file_name} {published} {week}",
                run_config=_configured(dataset=offer.dataset, version=offer.version),
                tags={"milex/new": offer.file_name},
            )
            for offer, published in news
        ]
    )


def _configured(**errand: str) -> dict[str, object]:
    return {"ops": {"fetch": {"config": errand}}}


@dg.sensor(
    job_name="everything",
    minimum_interval_seconds=30,
    description="Looks every 30 s at the names, sizes and times of the files in data/raw/ and the "
    "mirror, and requests a build when they have changed and then stayed the same for one look, so "
    "that no file is read while it is being copied. Off until switched on.",
)
def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request a build of files that have not been built yet."""
    seen = _glance(load_settings())
    before = json.loads(context.cursor) if context.cursor else {}
    if seen == before.get("built"):
        return dg.SensorResult(skip_reason="The files are those of the last build requested.")
    if seen != before.get("seen"):
        return dg.SensorResult(
            skip_reason="The files have changed; a build is requested once they stay the same.",
            cursor=json.dumps({**before, "seen": seen}),
        )
    return dg.SensorResult(
        run_requests=[dg.RunRequest()], cursor=json.dumps({"seen": seen, "built": seen})
    )


def _glance(settings: Settings) -> str:
    """A fingerprint of the files at hand that opens none of them."""
    digest = hashlib.sha256()
    for origin, path in possible_files(settings):
        facts = path.stat()
        digest.update(f"{origin} {path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
