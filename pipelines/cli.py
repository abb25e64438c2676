"""The `milex` command: what each word of it does, said in one place; does nothing itself.

Exit codes: 0 done; 1 it failed, with one message; 2 the command line was not understood.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.errors import MilexError
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.claims.show import Line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Military-spending and alliance claims, recomputed from the editions they were made from.",
    epilog="Start with `milex build`. Settings: MILEX_MIRROR (a folder of publishers' files), "
    "MILEX_DATA (default: data/).",
)

Port = Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)]
Host = Annotated[
    str, typer.Option(help="Address to listen on; anything but loopback is open to the network.")
]


class SqlFormat(StrEnum):
    """Forms of an answer to a query."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    markdown = "markdown"


class ExportFormat(StrEnum):
    """Forms of exported tables."""

    parquet = "parquet"
    csv = "csv"
    xlsx = "xlsx"


@contextmanager
def _one_message() -> Iterator[None]:
    """Errors meant for people become one message and exit code 1."""
    try:
        yield
    except MilexError as error:
        typer.secho(f"milex: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command()
def build(
    force: Annotated[
        bool, typer.Option("--force", help="Materialize every asset even if nothing changed.")
    ] = False,
) -> None:
    """Build everything: files at hand to the published snapshot, then print the claims."""
    from pipelines import build as building

    settings = load_settings()
    with _one_message():
        built = building.build(settings, _say, force=force)
        if not built.changed:
            _say("Nothing changed since the last build: no workbook was read.")
        for check in built.failed_checks:
            _say(f"Check failed (publishing went on): {check}")
        print_claims(settings)
    typer.echo(f"\nDatabase: {_relative(settings.pointer)}  (snapshot {built.snapshot.name})")
    typer.echo("Next: `make dashboard` to look, `make sql` to query, `make dagster` to see how.")


def print_claims(settings: Settings) -> None:
    """The claims table on standard output."""
    from pipelines.claims import show

    lines, excerpt = show.claim_lines(settings)
    if excerpt:
        typer.secho(
            f"These figures rest on the committed excerpt ({excerpt}): full editions go into "
            "data/raw/ or a folder named by MILEX_MIRROR.",
            fg=typer.colors.YELLOW,
        )
    _table(lines)


def _table(lines: list[Line]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.secho(text.rstrip(), bold=number == 0)


@app.command()
def claims() -> None:
    """Print the claims of the current snapshot: stated, recomputed, verdict."""
    with _one_message():
        print_claims(load_settings())


@app.command()
def claim(
    file: Annotated[Path, typer.Argument(help="A claim file (YAML).", exists=True, dir_okay=False)],
    top: Annotated[int, typer.Option(help="How many specifications to list.", min=0)] = 10,
) -> None:
    """Check a claim of your own: verdict, specifications, the SQL and a citation to paste."""
    from pipelines.claims import show

    with _one_message():
        for text in show.check_file(load_settings(), file, top):
            typer.echo(text)


@app.command()
def dashboard(port: Port = 8501, host: Host = "127.0.0.1") -> None:
    """Open the dashboard on the published snapshot."""
    from pipelines import serve

    settings = load_settings()
    with _one_message():
        serve.refuse_busy_port(port, host)
        if warning := serve.exposure(host, port):
            _say(warning)
        typer.echo(f"Dashboard: http://{host}:{port}  (Ctrl-C stops it)")
        code = serve.run(serve.dashboard_command(settings, port, host), settings)
    raise typer.Exit(code)


@app.command()
def dagster(port: Port = 3000, host: Host = "127.0.0.1") -> None:
    """Open the Dagster UI with its run history: the asset graph, checks, Materialize all."""
    from pipelines import serve

    settings = load_settings()
    with _one_message():
        serve.refuse_busy_port(port, host)
        if warning := serve.exposure(host, port):
            _say(warning)
        typer.echo(f"Dagster: http://{host}:{port}  (Ctrl-C stops it)")
        code = serve.run(serve.dagster_command(settings, port, host), settings)
    raise typer.Exit(code)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One SELECT; `-` reads standard input.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="Read the query from a file.", exists=True, dir_okay=False
        ),
    ] = None,
    example: Annotated[str | None, typer.Option(help="Run a worked example.")] = None,
    examples: Annotated[bool, typer.Option("--examples", help="List the worked examples.")] = False,
    form: Annotated[
        SqlFormat | None,
        typer.Option(
            "--format", help="Form of the answer; else by the ending of --output, else a table."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answer to a file, all rows.")
    ] = None,
) -> None:
    """Run one SELECT on the published snapshot; without a query, open DuckDB's shell, read-only.

    The answer goes to standard output, messages go to standard error. Exit code 1: the query failed
    or hit a limit.
    """
    from pipelines.adhoc import terminal
    from pipelines.adhoc.examples import find_example

    settings = load_settings()
    if sum(given is not None for given in (query, file, example)) > 1:
        raise typer.BadParameter("Give one query: as an argument, with --file or with --example.")
    if form is None:
        ending = output.suffix.lower() if output else ""
        form = SqlFormat(terminal.ENDINGS.get(ending, "table"))
    if form is SqlFormat.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is no text: add --output FILE, or pipe it on.")
    with _one_message():
        if examples:
            for line in terminal.list_examples(settings):
                typer.echo(line)
            return
        if file is not None:
            query = file.read_text(encoding="utf-8-sig", errors="replace")
        elif example is not None:
            query = find_example(settings, example).sql
        elif query == "-" or (query is None and not sys.stdin.isatty()):
            query = sys.stdin.read()
        if query is None:
            raise typer.Exit(terminal.shell(settings))
        terminal.ask(settings, query, form.value, output, _say)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must not exist yet.")],
    form: Annotated[
        ExportFormat, typer.Option("--format", help="Form of the files.")
    ] = ExportFormat.parquet,
    with_cow: Annotated[
        bool,
        typer.Option(
            "--with-cow",
            help="COW's alliances too. Their maintainers ask not to repackage them: for yourself only.",
        ),
    ] = False,
) -> None:
    """Write the public tables as files, with datapackage.json: units, keys, sources and licences."""
    from pipelines import export as exporting

    with _one_message():
        for line in exporting.export(load_settings(), folder, form.value, with_cow=with_cow):
            _say(line)


@app.command()
def report(
    output: Annotated[
        list[Path] | None, typer.Argument(help="Files to write, .html or .md.")
    ] = None,
) -> None:
    """Write the report: every claim with its figure, curve, revisions and sources, in one file."""
    from pipelines import serve

    settings = load_settings()
    files = output or [settings.processed / "report.html", settings.processed / "report.md"]
    raise typer.Exit(serve.run(serve.report_command(files), settings))


class DatasetName(StrEnum):
    """The datasets as they are named on the command line."""

    sipri = "sipri"
    atop = "atop"
    cow = "cow"


@app.command()
def fetch(
    dataset: Annotated[DatasetName | None, typer.Option(help="Only this dataset.")] = None,
    edition: Annotated[
        int | None, typer.Option(help="Only SIPRI's edition of this last data year, such as 2023.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Only this version, such as 5.1 of ATOP.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Download again, and replace copies of your own.")
    ] = False,
) -> None:
    """Download the publishers' files into data/raw/: checked, and only what is new.

    Without an option: everything in the catalogue, and the newest file on the publishers' pages.
    Nothing else in Milex downloads anything. Exit code 1 if something failed, or if the publisher
    has no longer what you named by --edition or --version, or anything of a dataset.
    """
    from pipelines.sources import errand

    if edition is not None and (version or dataset not in (None, DatasetName.sipri)):
        raise typer.BadParameter("--edition is SIPRI's; name a version of ATOP or COW by --version")
    named = dataset.upper() if dataset else "SIPRI" if edition is not None else None
    version = str(edition) if edition is not None else version
    with _one_message():
        outcomes = errand.run(load_settings(), typer.echo, named, version, force)
    if any(outcome.state == "fetched" for outcome in outcomes):
        typer.echo("Next: `make build` reads what is new.")
    raise typer.Exit(1 if errand.failures(outcomes, version) else 0)


@app.command()
def doctor() -> None:
    """Say what is here and whether it is well, and what to do about each problem.

    Exit code 1 if there is a problem.
    """
    from pipelines import doctor as consulting

    findings = consulting.examine(load_settings())
    consulting.show(findings)
    raise typer.Exit(1 if any(found.state == "problem" for found in findings) else 0)


@app.command()
def rollback() -> None:
    """Go back to the snapshot before the current one."""
    from pipelines import publish, replicas

    with _one_message():
        settings = load_settings()
        snapshot = publish.rollback(settings)
        if settings.snapshots_url:
            replicas.share(settings, snapshot)
        typer.echo(f"Now at {snapshot.name}")


@app.command()
def excerpt() -> None:
    """Write the committed excerpt from the full files (for maintainers)."""
    from pipelines import excerpt_writer

    with _one_message():
        for line in excerpt_writer.write(load_settings()):
            typer.echo(line)


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> NoReturn:
    """The command as a process, which ends at once.

    To take apart what Dagster has imported, object by object, would take half a second. By now every
    file is closed and every other process has ended.
    """
    try:
        app()
    except SystemExit as end:
        if "dagster" not in sys.modules or not isinstance(end.code, int):
            raise
        with suppress(BrokenPipeError):  # nobody reads on
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code)
    raise AssertionError("the command line ends by itself")


if __name__ == "__main__":
    main()
