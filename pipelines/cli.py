"""The `milex` command: what each word of it does, said in one place; does nothing itself.

Exit codes: 0 done; 1 it failed, with one message; 2 the command line was not understood.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
        typer.echo(f"Dagster: http://{host}:{port}  (Ctrl-C stops it)")
        code = serve.run(serve.dagster_command(settings, port, host), settings)
    raise typer.Exit(code)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One SELECT; `-` reads standard input.")
    ] = None,
) -> None:
    """Run one query on the published snapshot, read-only; without a query, open a shell."""
    from pipelines import ask

    with _one_message():
        code = ask.run(load_settings(), sys.stdin.read() if query == "-" else query)
    raise typer.Exit(code)


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


@app.command()
def rollback() -> None:
    """Go back to the snapshot before the current one."""
    from pipelines import publish

    with _one_message():
        typer.echo(f"Now at {publish.rollback(load_settings()).name}")


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


if __name__ == "__main__":
    app()
