"""What arrives in data/raw/, whole and checked, and what each fault of a publisher leads to."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path

import pytest

from pipelines.errors import MilexError
from pipelines.sources import accept, download
from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.download import Client
from pipelines.sources.find import find_files, sha256_of
from pipelines.sources.manifest import manifest_path
from pipelines.unfinished import unfinished_path
from tests.sources.conftest import NAME, PATH, Desk
from tests.sources.publisher import Answer, everything_below, zipped

HTML = b"<!DOCTYPE html><html><title>Access denied</title></html>"
ATOP_ZIP = "/uploads/atop_5.1__.csv_.zip"
MEMBER_FILE = (
    b"atopid,phase,member,yrent,moent,dayent,yrexit,moexit,dayexit,defense,offense,neutral,"
    b"nonagg,consul,bilat,term,version\n"
    b"1005,0,200,1815,1,1,0,0,0,1,0,0,0,0,1,0,5.1\n1005,0,230,1815,1,1,0,0,0,1,0,0,0,0,1,0,5.1\n"
)


def put_own(desk: Desk, content: bytes) -> None:
    desk.workbook.parent.mkdir(parents=True, exist_ok=True)
    desk.workbook.write_bytes(content)


# --- what arrives --------------------------------------------------------------------------------


def test_a_download_lies_in_its_folder_with_a_manifest(desk: Desk, workbook: bytes) -> None:
    modified = "Wed, 22 Apr 2026 08:00:00 GMT"
    desk.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"', "Last-Modified": modified}))
    desk.lists(PATH)

    outcome = desk.fetch_one()

    assert outcome.state == "fetched", outcome
    assert f"{len(workbook):,} bytes" in outcome.detail
    assert set(everything_below(desk.settings.raw)) == {
        f"sipri/{NAME}",
        f"sipri/{NAME}.fetched.json",
    }
    assert desk.workbook.read_bytes() == workbook
    manifest = json.loads(manifest_path(desk.workbook).read_text())
    assert manifest | {"retrieved_at": ""} == {
        "url": desk.publisher.url + PATH,
        "retrieved_at": "",
        "bytes": len(workbook),
        "sha256": sha256(workbook).hexdigest(),
        "member": None,
        "etag": '"a"',
        "last_modified": modified,
    }


def test_what_was_downloaded_is_of_the_publisher_until_it_is_edited(
    desk: Desk, workbook: bytes, another_workbook: bytes
) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    desk.fetch_one()

    (file,) = find_files(desk.settings)
    assert (file.origin, file.url) == ("publisher", desk.publisher.url + PATH)
    retrieved = json.loads(manifest_path(desk.workbook).read_text())["retrieved_at"]
    assert file.retrieved_at.isoformat() == retrieved

    desk.workbook.write_bytes(another_workbook)
    (file,) = find_files(desk.settings)
    assert (file.origin, file.url) == ("raw", None)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"url": 1}', '{"retrieved_at": "soon"}'])
def test_a_damaged_manifest_says_nothing(desk: Desk, workbook: bytes, damage: str) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    desk.fetch_one()
    manifest_path(desk.workbook).write_text(damage)

    assert [file.origin for file in find_files(desk.settings)] == ["raw"]
    assert desk.fetch_one().state == "fetched"
    assert [file.origin for file in find_files(desk.settings)] == ["publisher"]


def test_the_request_names_the_project_and_wants_no_packing(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    desk.fetch_one()

    (asked,) = desk.asked
    assert asked.headers["User-Agent"].startswith("milex/")
    assert asked.headers["Accept-Encoding"] == "identity"


def test_a_chunked_answer_without_a_length_arrives(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, Answer(workbook, chunked=True))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook


# --- asked again ---------------------------------------------------------------------------------


def test_an_unchanged_file_is_not_sent_again(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    desk.lists(PATH)
    desk.fetch_one()
    before = everything_below(desk.settings.raw)

    outcome = desk.fetch_one()

    assert (outcome.state, outcome.detail) == ("unchanged", "the publisher has nothing newer")
    assert desk.asked[-1].headers["If-None-Match"] == '"a"'
    assert everything_below(desk.settings.raw) == before


def test_a_changed_etag_brings_the_new_file(
    desk: Desk, workbook: bytes, another_workbook: bytes
) -> None:
    desk.publisher.on(
        PATH,
        Answer(workbook, headers={"ETag": '"a"'}),
        Answer(another_workbook, headers={"ETag": '"b"'}),
    )
    desk.lists(PATH)
    desk.fetch_one()

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == another_workbook
    assert json.loads(manifest_path(desk.workbook).read_text())["etag"] == '"b"'


def test_force_downloads_again(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, Answer(workbook, headers={"ETag": '"a"'}))
    desk.lists(PATH)
    desk.fetch_one()

    assert desk.fetch_one(force=True).state == "fetched"
    assert "If-None-Match" not in desk.asked[-1].headers


def test_a_file_that_matches_its_pin_is_not_asked_for(
    desk: Desk, workbook: bytes, pinned: Callable[[Desk], None]
) -> None:
    desk.lists(PATH)
    pinned(desk)
    put_own(desk, workbook)

    assert desk.fetch_one().state == "unchanged"
    assert desk.asked == []


def test_ones_own_copy_is_kept_unless_forced(
    desk: Desk, workbook: bytes, another_workbook: bytes
) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    put_own(desk, another_workbook)
    before = everything_below(desk.settings.raw)

    outcome = desk.fetch_one()

    assert outcome.state == "kept"
    assert "--force" in outcome.detail
    assert everything_below(desk.settings.raw) == before
    assert desk.fetch_one(force=True).state == "fetched"
    assert desk.workbook.read_bytes() == workbook


def test_a_copy_that_equals_the_publishers_is_adopted(desk: Desk, workbook: bytes) -> None:
    """As after a download that was killed before its manifest was written."""
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    put_own(desk, workbook)

    assert desk.fetch_one().state == "fetched"
    assert [file.origin for file in find_files(desk.settings)] == ["publisher"]


# --- checksums -----------------------------------------------------------------------------------


def test_a_wrong_checksum_is_an_error_where_the_hash_is_the_publishers_own(
    desk: Desk, workbook: bytes, another_workbook: bytes, pinned: Callable[[Desk], None]
) -> None:
    desk.publisher.on(PATH, another_workbook)
    desk.lists(PATH)
    pinned(desk)
    put_own(desk, b"the old file")

    outcome = desk.fetch_one()

    assert outcome.state == "failed"
    assert "checksum is wrong" in outcome.detail
    assert md5(workbook).hexdigest() in outcome.detail
    assert sha256(another_workbook).hexdigest() in outcome.detail
    assert everything_below(desk.settings.raw) == {f"sipri/{NAME}": b"the old file"}


def test_another_hash_than_a_known_copys_is_a_remark(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH, sha256="0123456789abcdef" * 4)

    outcome = desk.fetch_one()

    assert outcome.state == "fetched"
    assert "differ from the copy that the catalogue knows (sha256 0123456789ab…)" in outcome.detail


@pytest.mark.parametrize("known", ["its own", None])
def test_a_known_or_unknown_hash_is_no_remark(
    desk: Desk, workbook: bytes, known: str | None
) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH, sha256=sha256(workbook).hexdigest() if known else None)

    assert desk.fetch_one().detail == f"{len(workbook):,} bytes"


# --- faults on the way ---------------------------------------------------------------------------


@pytest.fixture
def old(desk: Desk, another_workbook: bytes) -> dict[str, bytes]:
    """A file that was fetched before, and must survive."""
    desk.publisher.on(PATH, Answer(another_workbook, headers={"ETag": '"old"'}))
    desk.lists(PATH)
    desk.fetch_one()
    desk.publisher.asked.clear()
    return everything_below(desk.settings.raw)


def failed(desk: Desk, old: dict[str, bytes]) -> str:
    """Fetch, expect a failure that left everything as it was; returns what it says."""
    outcome = desk.fetch_one()
    assert outcome.state == "failed", outcome
    assert everything_below(desk.settings.raw) == old
    return outcome.detail


def test_a_cut_transfer_goes_on_where_it_stopped(desk: Desk, workbook: bytes) -> None:
    headers = {"ETag": '"a"'}
    cut = Answer(workbook, headers=headers, cut_after=len(workbook) // 2)
    desk.publisher.on(PATH, cut, Answer(workbook, headers=headers, ranges=True))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook
    asked = desk.asked[1].headers
    assert asked["Range"] == f"bytes={len(workbook) // 2}-"
    assert asked["If-Range"] == '"a"'


def test_a_cut_transfer_begins_again_if_the_file_has_changed(
    desk: Desk, workbook: bytes, another_workbook: bytes
) -> None:
    desk.publisher.on(
        PATH,
        Answer(another_workbook, headers={"ETag": '"a"'}, cut_after=5000),
        Answer(workbook, headers={"ETag": '"b"'}, ranges=True),
    )
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook
    assert json.loads(manifest_path(desk.workbook).read_text())["etag"] == '"b"'


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_a_cut_transfer_begins_again_where_nothing_tells_the_bytes_apart(
    desk: Desk, workbook: bytes, etag: str | None
) -> None:
    headers = {"ETag": etag} if etag else {}
    cut = Answer(workbook, headers=headers, cut_after=5000)
    desk.publisher.on(PATH, cut, Answer(workbook, headers=headers))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook
    assert "Range" not in desk.asked[1].headers


def test_the_wrong_part_of_a_file_is_not_taken(desk: Desk, workbook: bytes) -> None:
    headers = {"ETag": '"a"'}
    wrong = {**headers, "Content-Range": f"bytes 7-{len(workbook) - 1}/{len(workbook)}"}
    desk.publisher.on(
        PATH,
        Answer(workbook, headers=headers, cut_after=5000),
        Answer(workbook[7:], status=206, headers=wrong),
        Answer(workbook, headers=headers),
    )
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook


def test_a_transfer_that_is_cut_every_time_is_an_error(
    desk: Desk, workbook: bytes, old: dict[str, bytes]
) -> None:
    desk.publisher.on(PATH, Answer(workbook, cut_after=100))

    assert "cut off 3 times" in failed(desk, old)


def test_a_publisher_that_says_nothing_is_left_after_a_while(
    desk: Desk, old: dict[str, bytes]
) -> None:
    desk.publisher.on(PATH, Answer(silent=True))

    detail = failed(desk, old)
    assert "cannot be reached" in detail
    assert "timed out" in detail.lower()
    assert len(desk.asked) == 3


def test_a_slow_publisher_gets_a_second_chance(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, Answer(silent=True), Answer(workbook))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"


def test_a_transfer_without_end_is_given_up(
    desk: Desk, workbook: bytes, old: dict[str, bytes]
) -> None:
    desk.publisher.on(PATH, workbook)
    desk.limits = replace(desk.limits, total_s=0)

    assert "did not arrive within 0 s" in failed(desk, old)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_says_where_to_ask_and_where_to_put_it(desk: Desk, status: int) -> None:
    desk.publisher.on(PATH, Answer(HTML, status=status))
    desk.lists(PATH)

    outcome = desk.fetch_one()
    assert outcome.state == "gone"
    assert f"{PATH} is not there ({status})." in outcome.detail
    assert "Ask them." in outcome.detail
    assert f"Put {NAME} into data/raw/sipri/" in outcome.detail
    assert len(desk.asked) == 1
    assert everything_below(desk.settings.raw) == {}


def test_what_is_gone_and_here_is_well_unless_it_is_asked_for_anew(
    desk: Desk, old: dict[str, bytes]
) -> None:
    desk.publisher.on(PATH, Answer(HTML, status=404))

    kept = desk.fetch_one()
    assert kept.state == "unchanged"
    assert "is here." in kept.detail
    assert "404" in kept.detail
    assert desk.fetch_one(force=True).state == "gone"
    assert everything_below(desk.settings.raw) == old


def test_a_page_that_names_what_is_not_there_is_a_failure(
    desk: Desk, old: dict[str, bytes]
) -> None:
    """Of a listed file, and of one that nobody has seen."""
    for newest in (PATH, PATH.replace("2021", "2026")):
        desk.publisher.on("/databases/milex", f'<a href="{newest}">all</a>'.encode())
        desk.publisher.on(newest, Answer(HTML, status=404))
        outcomes = desk.fetch("SIPRI", None, force=True)
        assert outcomes[-1].state == "failed"
        assert "404" in outcomes[-1].detail
        assert everything_below(desk.settings.raw) == old


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_publisher_is_asked_again(desk: Desk, workbook: bytes, status: int) -> None:
    desk.publisher.on(PATH, Answer(HTML, status=status), Answer(workbook))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert len(desk.asked) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_publisher_that_stays_busy_is_left_in_peace(
    desk: Desk, old: dict[str, bytes], status: int
) -> None:
    desk.publisher.on(PATH, Answer(HTML, status=status))

    assert f"answers {status}" in failed(desk, old)
    assert len(desk.asked) == 3


@pytest.mark.parametrize("status", [400, 403, 501])
def test_a_refusal_is_taken_for_an_answer(desk: Desk, old: dict[str, bytes], status: int) -> None:
    desk.publisher.on(PATH, Answer(HTML, status=status))

    detail = failed(desk, old)
    assert f"answers {status}" in detail
    assert "a browser" in detail
    assert len(desk.asked) == 1


@pytest.mark.parametrize(
    ("asked_for", "waited"), [("1", 1.0), ("86400", 1.0), ("Fri, 31 Dec 2100 00:00:00 GMT", 1.0)]
)
def test_the_wait_that_a_publisher_asks_for_is_kept_up_to_a_limit(
    desk: Desk, workbook: bytes, monkeypatch: pytest.MonkeyPatch, asked_for: str, waited: float
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waits.append)
    busy = Answer(HTML, status=429, headers={"Retry-After": asked_for})
    desk.publisher.on(PATH, busy, Answer(workbook))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert sum(waits) == waited


def test_waits_between_attempts_grow(
    desk: Desk, workbook: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    desk.limits = replace(desk.limits, backoff_s=1, attempts=4)
    desk.publisher.on(PATH, Answer(workbook, cut_after=100))
    desk.lists(PATH)
    desk.fetch_one()

    assert waits == [0, 1, 3, 7]


def test_a_redirect_is_followed_to_another_host(desk: Desk, workbook: bytes) -> None:
    elsewhere = desk.publisher.on("/moved.xlsx", workbook).replace("127.0.0.1", "localhost")
    desk.publisher.on(PATH, Answer(status=301, headers={"Location": elsewhere}))
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"
    assert desk.workbook.read_bytes() == workbook


@pytest.mark.parametrize("scheme", ["file://", "ftp://127.0.0.1"])
def test_a_redirect_to_anything_but_the_web_is_refused(
    desk: Desk, old: dict[str, bytes], workbook: bytes, tmp_path: Path, scheme: str
) -> None:
    (tmp_path / "secret.xlsx").write_bytes(workbook)
    target = f"{scheme}{tmp_path}/secret.xlsx"
    desk.publisher.on(PATH, Answer(status=302, headers={"Location": target}))

    assert "neither http nor https" in failed(desk, old)


def test_a_circle_of_redirects_ends(desk: Desk, old: dict[str, bytes]) -> None:
    desk.publisher.on(PATH, Answer(status=302, headers={"Location": PATH}))

    assert "redirects" in failed(desk, old)


def test_without_a_network_the_error_says_so(desk: Desk, old: dict[str, bytes]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    desk.files = [replace(desk.files[0], url=address + PATH)]

    detail = failed(desk, old)
    assert "cannot be reached" in detail
    assert "refused" in detail
    assert "Check the network" in detail


# --- bytes that are not what they should be ------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (HTML, "a web page"),
        (b"%PDF-1.7 something else", "something else"),
        (b"", "an empty file"),
        (zipped({"readme.txt": b"no workbook"}), "without the part"),
        (zipped({"xl/workbook.xml": b"<workbook"}), "list of sheets cannot be parsed"),
        (zipped({"xl/workbook.xml": b"0" * 2**22}), "refused as unsafe"),
    ],
    ids=["web page", "another type", "empty", "no workbook", "half a workbook", "bomb"],
)
def test_what_is_no_workbook_is_refused(
    desk: Desk, old: dict[str, bytes], body: bytes, says: str
) -> None:
    desk.publisher.on(PATH, body)

    detail = failed(desk, old)
    assert says in detail
    assert detail.startswith(NAME)
    assert ".tmp" not in detail


def test_a_truncated_workbook_is_refused_though_its_length_is_right(
    desk: Desk, old: dict[str, bytes], workbook: bytes
) -> None:
    desk.publisher.on(PATH, workbook[:-2000])

    assert "damaged or incomplete" in failed(desk, old)


def test_a_workbook_laid_out_in_a_new_way_is_taken(desk: Desk, tmp_path: Path) -> None:
    """What its sheets hold is the reader's affair, and the user keeps the file."""
    import openpyxl

    openpyxl.Workbook().save(tmp_path / "new.xlsx")
    desk.publisher.on(PATH, (tmp_path / "new.xlsx").read_bytes())
    desk.lists(PATH)

    assert desk.fetch_one().state == "fetched"


@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_far_too_large_is_not_stored(
    desk: Desk, old: dict[str, bytes], chunked: bool
) -> None:
    desk.publisher.on(PATH, Answer(b"0" * (5 * 2**20), chunked=chunked))

    assert "larger than" in failed(desk, old)


# --- archives ------------------------------------------------------------------------------------


def atop(desk: Desk, archive: bytes) -> tuple[str, str, dict[str, bytes]]:
    """Fetch the member file of an archive: state, detail, files below data/raw/."""
    desk.publisher.on(ATOP_ZIP, archive)
    if not desk.files:
        desk.lists(ATOP_ZIP, "ATOP", "5.1", file_name="atop5_1m.csv")
    (outcome,) = desk.fetch("ATOP", "5.1")
    return outcome.state, outcome.detail, everything_below(desk.settings.raw)


def test_an_archive_gives_the_members_that_are_read(desk: Desk) -> None:
    archive = zipped({"ATOP 5.1 (.csv)/atop5_1m.csv": MEMBER_FILE, "ATOP/atop5_1ddyr.csv": b"big"})

    state, detail, files = atop(desk, archive)

    assert state == "fetched", detail
    assert set(files) == {"atop/atop5_1m.csv", "atop/atop5_1m.csv.fetched.json"}
    assert files["atop/atop5_1m.csv"] == MEMBER_FILE
    manifest = json.loads(files["atop/atop5_1m.csv.fetched.json"])
    assert manifest["member"] == "ATOP 5.1 (.csv)/atop5_1m.csv"
    assert manifest["sha256"] == sha256(MEMBER_FILE).hexdigest()
    (file,) = find_files(desk.settings)
    assert (file.dataset, file.version, file.level, file.origin) == (
        "ATOP",
        "5.1",
        "member",
        "publisher",
    )


def test_an_unchanged_archive_is_not_sent_again(desk: Desk) -> None:
    desk.lists(ATOP_ZIP, "ATOP", "5.1", file_name="atop5_1m.csv")
    answer = Answer(zipped({"atop5_1m.csv": MEMBER_FILE}), headers={"ETag": '"z"'})
    desk.publisher.on(ATOP_ZIP, answer)

    assert [desk.fetch("ATOP", "5.1")[0].state for _ in range(2)] == ["fetched", "unchanged"]


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        (HTML, "found a web page"),
        (b"Rar!", "found something else"),
        (zipped({"atop5_1m.csv": MEMBER_FILE})[:-30], "damaged or incomplete"),
        (zipped({"readme.txt": b"moved"}), "expected one member atop5_1m.csv, found 0"),
        (zipped({"a/atop5_1m.csv": b"1", "b/atop5_1m.csv": b"2"}), "found 2"),
        (zipped({"../../atop5_1m.csv": MEMBER_FILE}), "points out of the archive"),
        (zipped({"/etc/atop5_1m.csv": MEMBER_FILE}), "points out of the archive"),
        (zipped({"..\\atop5_1m.csv": MEMBER_FILE}), "points out of the archive"),
        (zipped({"atop5_1m.csv": HTML}), "is a web page"),
        (zipped({"atop5_1m.csv": b"a,b\n1,2\n"}), "not the columns of any ATOP file"),
        (zipped({"atop5_1m.csv": MEMBER_FILE[:-20]}), "may be cut off"),
    ],
    ids=[
        "web page",
        "another type",
        "truncated",
        "lacks the member",
        "has it twice",
        "climbs out",
        "absolute",
        "climbs out on Windows",
        "holds a web page",
        "holds another table",
        "holds half a table",
    ],
)
def test_an_archive_that_is_not_as_it_should_be_changes_nothing(
    desk: Desk, archive: bytes, says: str
) -> None:
    atop(desk, zipped({"atop5_1m.csv": MEMBER_FILE}))
    before = everything_below(desk.settings.raw)

    state, detail, files = atop(desk, archive)

    assert state == "failed"
    assert says in detail
    assert files == before


def test_a_member_that_unpacks_without_end_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "MAX_MEMBER_BYTES", 2**20)

    state, detail, files = atop(desk, zipped({"atop5_1m.csv": b"0" * (2**20 + 1)}))

    assert state == "failed"
    assert "unpacks to more than" in detail
    assert files == {}


def test_a_member_that_lies_about_its_size_is_refused(desk: Desk) -> None:
    honest = zipped({"atop5_1m.csv": b"0" * 1000})
    lying = honest.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest

    state, detail, files = atop(desk, lying)

    assert state == "failed"
    assert "damaged" in detail
    assert files == {}


def test_an_archive_of_countless_members_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "MAX_MEMBERS", 2)

    _, detail, files = atop(desk, zipped({f"{n}.csv": b"" for n in range(3)}))

    assert "beyond the limit" in detail
    assert files == {}


# --- a full disk, and a killed download ----------------------------------------------------------

FULL_DISK = """
import resource, sys
from pathlib import Path
from pipelines.errors import MilexError
from pipelines.sources.download import Client, Limits
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    Client(Limits()).download(sys.argv[1], Path(sys.argv[2]), lambda so_far, expected: None)
except MilexError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_named(desk: Desk, workbook: bytes) -> None:
    url = desk.publisher.on(PATH, workbook)
    target = unfinished_path(desk.settings.raw / NAME)
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, url, str(target)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert f"{target.parent} cannot take {NAME}: File too large. Free some space" in run.stdout


@pytest.mark.parametrize("step", ["download", "unpack", "put", "manifest"])
def test_a_full_disk_leaves_the_old_files(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    atop(desk, zipped({"atop5_1m.csv": MEMBER_FILE}))
    before = everything_below(desk.settings.raw)
    revised = MEMBER_FILE.replace(b"1815", b"1816")

    def full(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    where = {
        "download": "pipelines.sources.download._Transfer.receive",
        "unpack": "pipelines.sources.accept._unpack",
        "put": "pipelines.sources.fetch.os.fsync",
        "manifest": "pipelines.sources.manifest.Path.write_text",
    }[step]
    with monkeypatch.context() as patched:
        patched.setattr(where, full)
        state, detail, files = atop(desk, zipped({"atop5_1m.csv": revised}))

    assert state == "failed"
    assert "No space left on device" in detail
    if step == "manifest":  # the new file is whole and in place; the next fetch tells of it
        before["atop/atop5_1m.csv"] = revised
    assert files == before
    assert atop(desk, zipped({"atop5_1m.csv": revised}))[0] == "fetched"
    assert [file.origin for file in find_files(desk.settings)] == ["publisher"]


def test_what_a_killed_download_left_is_cleared_and_never_read(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists(PATH)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = desk.workbook.with_name(f".{NAME}.{gone.pid}.tmp")
    others = desk.workbook.with_name(".DS_Store")
    left.parent.mkdir(parents=True)
    left.write_bytes(workbook[:500])
    others.write_bytes(b"")

    assert find_files(desk.settings) == []
    assert desk.fetch_one().state == "fetched"
    assert not left.exists()
    assert others.exists()


# --- which sources -------------------------------------------------------------------------------


def test_what_one_source_does_wrong_stops_no_other(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, workbook)
    desk.publisher.on("/databases/milex", f'<a href="{PATH}">all</a>'.encode())
    desk.publisher.on("/data.html", b"nothing here")
    desk.lists("/files/gone.xlsx", version="2015")
    desk.lists("/files/page.xlsx", version="2016")
    desk.publisher.on("/files/page.xlsx", HTML)
    desk.lists(PATH)
    desk.files.append(replace(desk.files[0], version="2014", url=None, file_name="old.xlsx"))

    outcomes = desk.fetch(None, None)

    assert [(outcome.version, outcome.state) for outcome in outcomes] == [
        ("2015", "gone"),
        ("2016", "failed"),
        ("2021", "fetched"),
        ("2014", "not online"),
        ("newest", "failed"),
    ]
    assert "has no link of the form" in outcomes[-1].detail
    assert "Put old.xlsx into data/raw/sipri/" in outcomes[3].detail


def test_only_what_is_named_is_downloaded(desk: Desk, workbook: bytes) -> None:
    desk.publisher.on(PATH, workbook)
    desk.lists("/files/other.xlsx", version="2015")
    desk.lists(PATH)
    desk.fetch()

    assert {asked.path for asked in desk.publisher.asked} == {PATH, "/databases/milex"}


def test_a_file_that_is_not_online_and_here_is_well(desk: Desk, workbook: bytes) -> None:
    desk.lists(PATH)
    desk.files[0] = replace(desk.files[0], url=None)
    put_own(desk, workbook)

    assert desk.fetch_one().state == "unchanged"


def test_the_next_edition_is_found_on_the_page(desk: Desk, workbook: bytes) -> None:
    newest = "/files/SIPRI-Milex-data-1949-2026.xlsx"
    desk.publisher.on(PATH, workbook)
    desk.publisher.on(newest, workbook)
    desk.publisher.on(
        "/databases/milex", f'<a href="{PATH}">2021</a><a href="{newest}">2026</a>'.encode()
    )
    desk.lists(PATH)

    outcomes = desk.fetch("SIPRI", None)
    assert [(outcome.version, outcome.state) for outcome in outcomes] == [
        ("2021", "fetched"),
        ("2026", "fetched"),
    ]
    (again,) = desk.fetch("SIPRI", "2026")
    assert again.name == "SIPRI-Milex-data-1949-2026.xlsx"


def test_a_revision_of_a_listed_edition_is_found_on_the_page(desk: Desk, workbook: bytes) -> None:
    revised = PATH.replace(".xlsx", "_v1.1.xlsx")
    desk.publisher.on(PATH, workbook)
    desk.publisher.on(revised, workbook)
    desk.publisher.on("/databases/milex", f'<a href="{revised}">revised</a>'.encode())
    desk.lists(PATH)

    assert [outcome.name for outcome in desk.fetch()] == [
        "SIPRI-Milex-data-1949-2021.xlsx",
        "SIPRI-Milex-data-1949-2021_v1.1.xlsx",
    ]


def test_the_next_version_of_the_alliances_is_found_on_the_page(desk: Desk) -> None:
    name = "atop_5.2__.csv_.zip"
    levels = {f"atop5_2{level}.csv": MEMBER_FILE for level in ("a", "ap", "m")}
    desk.publisher.on("/data.html", f'<a href="/uploads/{name}?17">5.2</a>'.encode())
    desk.publisher.on(f"/uploads/{name}?17", zipped(levels))

    (outcome,) = desk.fetch("ATOP", "5.2")

    assert outcome.state == "fetched", outcome
    assert [path.name for path in outcome.paths] == list(levels)


def test_what_nobody_has_is_an_error(desk: Desk) -> None:
    desk.publisher.on("/databases/milex", f'<a href="{PATH}">2021</a>'.encode())

    with pytest.raises(MilexError, match="2031 is neither in the catalogue nor on"):
        desk.fetch("SIPRI", "2031")
    with pytest.raises(MilexError, match="no dataset 'FAO'; there are SIPRI, ATOP, COW"):
        desk.fetch("FAO", None)


def test_progress_goes_up_to_the_whole(desk: Desk, workbook: bytes, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    url = desk.publisher.on(PATH, workbook)
    Client(desk.limits).download(url, tmp_path / "x", lambda *step: seen.append(step))

    assert seen == sorted(seen)
    assert seen[-1] == (len(workbook), len(workbook))


# --- the publishers' own files -------------------------------------------------------------------


@pytest.mark.mirror
def test_the_real_files_pass_and_one_changed_byte_does_not(desk: Desk, mirror: Path) -> None:
    """As the catalogue knows them, from a server that is the publishers'."""
    paths = {path.name: path for path in mirror.rglob("*.*")}
    listed = [
        entry
        for entry in load_catalogue().files
        if entry.url
        and entry.file_name in paths
        and (entry.sha256 == sha256_of(paths[entry.file_name]) or not entry.sha256)
        and entry.version != "2025"  # the copy at hand is not the publisher's own
    ]
    assert {entry.dataset for entry in listed} == {"SIPRI", "ATOP", "COW"}
    for number, entry in enumerate(listed):
        assert entry.url
        content = paths[entry.file_name].read_bytes()
        path = f"/{number}/{entry.url.rsplit('/', 1)[-1]}"
        desk.publisher.on(path, zipped({entry.member: content}) if entry.member else content)
        desk.files.append(replace(entry, url=desk.publisher.url + path))
    desk.publisher.on("/databases/milex", b'<a href="SIPRI-Milex-data-1949-2019.xlsx">all</a>')
    atop = next(entry for entry in desk.files if entry.dataset == "ATOP")
    desk.publisher.on("/data.html", f'<a href="{atop.url}">all</a>'.encode())

    outcomes = desk.fetch(None, None)
    assert {outcome.state for outcome in outcomes} == {"fetched"}, outcomes
    assert len(outcomes) == len(listed)
    assert not [outcome for outcome in outcomes if "differ" in outcome.detail]
    assert {file.origin for file in find_files(desk.settings)} == {"publisher"}

    pin = next(number for number, entry in enumerate(listed) if entry.pin)
    content = paths[listed[pin].file_name].read_bytes()
    desk.publisher.on(f"/{pin}/{listed[pin].file_name}", content + b"\0")
    (outcome,) = desk.fetch("SIPRI", listed[pin].version, force=True)
    assert outcome.state == "failed"
    assert outcome.paths[0].read_bytes() == content
