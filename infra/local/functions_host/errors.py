"""The one failure that this host speaks of to a person."""


class HostError(Exception):
    """The app cannot be started as it is; the message is for the person who wrote it."""
