"""The one error that a user is to read."""


class PeerError(Exception):
    """Says what is missing or went wrong, and what to do about it."""
