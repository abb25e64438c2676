"""A file's bytes, never more than a limit; knows no format."""

from pathlib import Path

from pipelines.errors import ReadError


def read_limited(path: Path, limit: int, what: str) -> bytes:
    """The content of `path`; ReadError where it has more than `limit` bytes or cannot be opened.

    The size that the system states is not asked for: a file may grow, and a device has none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be opened ({error.strerror or error}). Check the path and its "
            "permissions."
        ) from error
    if len(content) > limit:
        raise ReadError(
            f"{path}: larger than {limit:,} bytes, the limit for {what}. Check that it is the "
            "publisher's file."
        )
    return content
