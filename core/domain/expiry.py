"""When the credential of a connection ends, and when to say so."""

from datetime import date

THRESHOLDS = (1, 7, 14, 30)  # days; one warning each


def expiry_threshold(expires_on: date | None, today: date) -> int | None:
    """The nearest threshold that has been passed; None while there is time, or when no date is known."""
    if expires_on is None:
        return None
    left = (expires_on - today).days
    return next((threshold for threshold in THRESHOLDS if left <= threshold), None)
