"""E-mail addresses as they are compared, and what is none."""

import re
import unicodedata

_EMAIL = re.compile(r"[^@\s\"<>(),;:\x00-\x1f\x7f]+@[^@\s\"<>(),;:\x00-\x1f\x7f]+")
_EMAIL_MOST = 100  # the length of emailaddress1..3 on lead and contact


def normal_email(text: str) -> str:
    """The e-mail as we compare it; "" when it is not usable as one."""
    email = unicodedata.normalize("NFC", text).strip().lower()
    return email if _EMAIL.fullmatch(email) and len(email) <= _EMAIL_MOST else ""
