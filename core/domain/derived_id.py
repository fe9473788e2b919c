"""Row ids that follow from what a row stands for, so that nobody makes it twice."""

from core.domain.capture import digest


def derived_id(*parts: str) -> str:
    """A UUID of version 8 (RFC 9562): the same parts, the same id."""
    digits = digest(*parts)
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
