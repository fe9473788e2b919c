"""Cells that are safe in a spreadsheet program, and back.

A cell that begins like a formula is run by Excel and its kind when the file is opened. An apostrophe before it makes it
text; so does one more where the text begins with apostrophes itself, so that taking one off gives back what was.
https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

_LIKE_A_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def protected(text: str) -> str:
    return f"'{text}" if _LIKE_A_FORMULA.match(text) else text


def unprotected(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _LIKE_A_FORMULA.match(cell) else cell
