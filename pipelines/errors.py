"""The errors a user may meet; each message says what, where, what was expected and what to do."""


class MilexError(Exception):
    """An error whose message is written for the person who reads it, without a traceback."""


class ReadError(MilexError):
    """A publisher's file that cannot be read as what it claims to be."""


class TableError(MilexError):
    """A table that could not be made; the message begins with its name."""
