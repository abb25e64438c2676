"""`milex fetch` at a prompt: what it prints, and its exit codes."""

import io
import sys
from dataclasses import replace

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pipelines import cli
from pipelines.progress import TransferBar
from pipelines.sources import errand
from tests.sources.conftest import NAME, PATH, Desk
from tests.sources.publisher import Answer


@pytest.fixture
def prompt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The command works in the desk's folder, and knows the local publisher only."""
    monkeypatch.setattr(cli, "load_settings", lambda: desk.settings)
    monkeypatch.setattr(errand, "load_catalogue", lambda: desk.catalogue)
    monkeypatch.setattr(errand, "PATIENT", desk.limits)
    desk.publisher.on("/databases/milex", f'<a href="{PATH}">all</a>'.encode())
    desk.publisher.on("/data.html", b'<a href="atop_5.1__.csv_.zip">all</a>')
    desk.lists("/atop_5.1__.csv_.zip", "ATOP", "5.1", file_name="atop5_1m.csv")
    return desk


def fetch(*words: str) -> Result:
    return CliRunner().invoke(cli.app, ["fetch", *words])


def test_a_line_a_source_then_the_citation_and_what_comes_next(
    prompt: Desk, workbook: bytes
) -> None:
    prompt.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    prompt.lists(PATH)

    done = fetch("--dataset", "sipri")

    assert done.exit_code == 0, done.output
    assert f"SIPRI 2021    fetched     {NAME}: {len(workbook):,} bytes" in done.stdout
    assert "Cite SIPRI: Cite it." in done.stdout
    assert "Terms: Its terms." in done.stdout
    assert "make build" in done.stdout

    again = fetch("--edition", "2021")
    assert again.exit_code == 0
    assert "unchanged" in again.stdout
    assert "make build" not in again.stdout


def test_one_failure_is_exit_code_1_and_the_others_are_fetched(
    prompt: Desk, workbook: bytes
) -> None:
    prompt.publisher.on(PATH, workbook)
    prompt.lists(PATH)

    done = fetch()

    assert done.exit_code == 1
    assert "ATOP 5.1     failed      atop_5.1__.csv_.zip: " in done.stdout
    assert prompt.workbook.exists()
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("url", "word"), [(None, "not online"), ("/files/old.xlsx", "gone")])
def test_what_is_had_nowhere_fails_only_where_it_was_named(
    prompt: Desk, workbook: bytes, url: str | None, word: str
) -> None:
    """A script that fetches everything goes on; one that needs this very edition is told."""
    prompt.publisher.on(PATH, workbook)
    prompt.lists(PATH)
    prompt.lists("/files/old.xlsx", version="2016")
    prompt.files[-1] = replace(prompt.files[-1], url=url and prompt.publisher.url + url)

    everything = fetch("--dataset", "sipri")
    assert everything.exit_code == 0, everything.output
    assert f"SIPRI 2016    {word:<10}  old.xlsx: " in everything.stdout
    assert "Ask them." in everything.stdout
    assert "Put old.xlsx into data/raw/sipri/." in everything.stdout

    named = fetch("--edition", "2016")
    assert named.exit_code == 1
    assert f"  {word}" in named.stdout


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b"<html>Login</html>"), "expected an .xlsx workbook, found a web page"),
        (
            Answer(b"x" * 100, cut_after=40),
            "{url} was cut off 3 times (IncompleteRead(40 bytes read, 60 more expected)).",
        ),
    ],
)
def test_a_failure_is_told_once_and_plainly(prompt: Desk, answer: Answer, told: str) -> None:
    url = prompt.publisher.on(PATH, answer)
    prompt.lists(PATH)

    (line,) = (line for line in fetch("--edition", "2021").stdout.splitlines() if "failed" in line)

    assert line.startswith(f"SIPRI 2021    failed      {NAME}: {told.format(url=url)}")


def test_a_dataset_of_which_nothing_is_there_any_more_is_a_failure(prompt: Desk) -> None:
    prompt.lists("/cow.csv", "COW", "4.1")

    done = fetch("--dataset", "cow")
    assert done.exit_code == 1
    assert "gone" in done.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (["--edition", "2031"], 1, "SIPRI 2031 is neither in the catalogue nor on"),
        (["--version", "9.9"], 1, "Edition or version 9.9 is neither"),
        (["--dataset", "fao"], 2, "fao"),
        (["--dataset", "atop", "--edition", "2020"], 2, "--edition is SIPRI's"),
        (["--edition", "2020", "--version", "5.1"], 2, "--edition is SIPRI's"),
    ],
)
def test_what_is_not_there_is_one_message(
    prompt: Desk, words: list[str], exit_code: int, says: str
) -> None:
    done = fetch(*words)

    assert done.exit_code == exit_code
    assert says in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output


def test_a_bar_is_shown_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    for terminal in (True, False):
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        bar = TransferBar()
        for so_far in (1000, 2000):
            bar(so_far, 2000)
        bar.close()
        bar.close()
        assert ("2.0/2.0 kB" in screen.getvalue()) == terminal


@pytest.mark.parametrize("command", ["fetch", "doctor"])
def test_the_commands_teach(command: str) -> None:
    shown = CliRunner().invoke(cli.app, [command, "--help"])

    assert shown.exit_code == 0
    assert "Exit code 1" in shown.output


def test_without_fetch_no_request_is_made(prompt: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["--help"], ["fetch", "--help"], ["doctor"]):
        CliRunner().invoke(cli.app, words)

    assert prompt.publisher.asked == []
