"""Damaged and hostile claim files give claims or the project's own error."""

import time
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.claims.files import MAX_BYTES, ClaimError, load_claims, read_claims
from pipelines.errors import MilexError
from tests.fuzz.damage import TIMES, YAML_TEXTS, cases, damaged_bytes, outcome

NAME = "claim.yaml"
FOLDER = Path(__file__).resolve().parents[2] / "claims"


@lru_cache(maxsize=1)
def claim_files() -> list[bytes]:
    return [path.read_bytes() for path in sorted(FOLDER.rglob("*.yaml"))]


def test_a_damaged_claim_file_gives_claims_or_an_error() -> None:
    files = claim_files()
    for seed in cases(400):
        content = damaged_bytes(files[seed % len(files)], seed, YAML_TEXTS)
        found = outcome(read_claims, content, NAME)
        assert isinstance(found, MilexError) or all(claim.id for claim in found)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["every", "newest", "ours", "=", "between", "{value}", "{", "x" * 500])
    | st.sampled_from(["!!set {a, b}", "!!omap []", "!!float 1:1", "2001-01-01", "!!binary aGk="])
    | st.sampled_from([f"{'1:' * 700}1.5", "0x" + "f" * 5_000, "9" * 5_000, "<<: {a: b}"])
    | st.text(max_size=10)
)
VALUES = st.recursive(
    SCALARS.map(str),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        )
    ),
    max_leaves=6,
)


@settings(max_examples=round(300 * TIMES), deadline=None, derandomize=True, database=None)
@given(st.data())
def test_any_value_in_any_field_gives_claims_or_an_error(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(claim_files())).decode().splitlines()
    at = data.draw(st.sampled_from([i for i, line in enumerate(lines) if ":" in line]))
    lines[at] = f"{lines[at].partition(':')[0]}: {data.draw(VALUES)}"
    found = outcome(read_claims, "\n".join(lines).encode("utf-8", "replace"), NAME)
    assert isinstance(found, MilexError) or all(claim.id for claim in found)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"--- !!set {id, statement}", "expected `field: value`"),
        (b"id: " + b"59:" * 800 + b"59.5", "line 1"),
        (b"id: " + b"9" * 5_000, "line 1"),
        (b"id: 0x" + b"f" * 5_000, "a value of more than 3,000 characters"),
        (b"? 0x" + b"f" * 2_990 + b"\n: a", "unknown field"),
        *((b"id: !!%b what" % tag, "line 1") for tag in (b"bool", b"timestamp", b"float")),
        *((b"id: !!%b ''" % tag, "line 1") for tag in (b"int", b"float", b"timestamp")),
        (b"id: 2001-99-99", "line 1"),
        (b"id: 2001-01-01 00:00:00 +99:99", "line 1"),
        (b"id: !!python/object/apply:os.system [id]", "not YAML"),
        (b"id: !!binary x", "not YAML"),
        (b"id: \x00", "not YAML"),
        (b"id: \xff", "not UTF-8"),
        (b"? [a, {b: c}]\n: d", "not YAML"),
        (b"id: a\nid: b", "id twice"),
        (b"[" * 5_000, "nested too deeply"),
        (b"a: " * 1, "unknown field"),
        (b"x: " + b"[" * 300 + b"]" * 300, "unknown field"),
        (b"a: &a [x]\nb: *a", "anchors and aliases"),
        (b"#" * (MAX_BYTES + 1), "larger than 64 KB"),
    ],
)
def test_hostile_claim_files_are_refused_with_their_reason(content: bytes, says: str) -> None:
    found = outcome(read_claims, content, NAME)
    assert isinstance(found, ClaimError)
    assert says in str(found)
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    "pattern", ["[", "{a: ", "? ", "- ", "a: b\n", "'", "!!set {a, ", "a ", "|\n ", "--- \n", "a,"]
)
def test_no_claim_file_within_the_limit_takes_long(pattern: str) -> None:
    content = (pattern * MAX_BYTES)[:MAX_BYTES].encode()
    begun = time.monotonic()
    assert isinstance(outcome(read_claims, content, NAME), ClaimError)
    assert time.monotonic() - begun < 60


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ClaimError, match=r"folder\.yaml: cannot be opened"):
        load_claims([tmp_path])
    with pytest.raises(ClaimError, match=r"none\.yaml: cannot be opened"):
        read_claims(tmp_path / "none.yaml")
