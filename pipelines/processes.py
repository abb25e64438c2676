"""Whether another process is still the one that was meant; knows nothing of what it does."""

from __future__ import annotations

# The kernel's times of begin are right to the second only.
PRECISION_SECONDS = 1.0


def lives(pid: int, at: float) -> bool:
    """Whether the process that had a number at a time (in seconds since 1970) is there still.

    A later process of the same number is another; in a container that begins anew, all are.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        begun: float = process.create_time()
        return begun <= at + PRECISION_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
