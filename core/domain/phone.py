"""Phone numbers in their international form: `+493012345678`, an extension after it.

Duty: reading what people write, with a country for numbers that name none. No table of area codes is consulted: what
has the form of a number is taken for one. That is a page of code instead of a library of some megabytes.

https://www.itu.int/rec/T-REC-E.164
"""

import re
import unicodedata
from collections.abc import Mapping

# Calling code and countries. Within these the number is dialled with a 0 first, which its international form drops …
_WITH_ZERO = (
    "20:EG 27:ZA 31:NL 32:BE 33:FR 355:AL 353:IE 358:FI 359:BG 373:MD 374:AM 380:UA 381:RS 382:ME 385:HR 386:SI 387:BA "
    "389:MK 40:RO 41:CH 421:SK 423:LI 43:AT 44:GB,GG,IM,JE 46:SE 49:DE 212:MA 213:DZ 218:LY 233:GH 234:NG 249:SD "
    "251:ET 254:KE 255:TZ 256:UG 260:ZM 263:ZW 264:NA 370:LT 51:PE 54:AR 55:BR 58:VE 591:BO 593:EC 595:PY 60:MY 61:AU "
    "62:ID 63:PH 64:NZ 66:TH 81:JP 82:KR 84:VN 855:KH 86:CN 880:BD 886:TW 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM 961:LB "
    "962:JO 963:SY 964:IQ 966:SA 967:YE 971:AE 972:IL 970:PS 976:MN 977:NP 98:IR 994:AZ 995:GE 996:KG"
)
# … within these with nothing or, where it is named after a slash, with something else.
_OTHERS = (
    "1/1:US,CA,PR,DO,JM,BS,BB,TT 7/8:RU,KZ 36/06:HU 375/8:BY 30:GR 34:ES 39:IT,VA 350:GI 351:PT 352:LU 354:IS 356:MT "
    "357:CY 371:LV 372:EE 376:AD 377:MC 378:SM 383:XK 420:CZ 45:DK 47:NO 48:PL 216:TN 221:SN 225:CI 237:CM 244:AO "
    "230:MU 258:MZ 250:RW 267:BW 298:FO 299:GL 502:GT 503:SV 504:HN 505:NI 506:CR 507:PA 52:MX 53:CU 56:CL 57:CO "
    "598:UY 65:SG 679:FJ 852:HK 853:MO 856:LA 960:MV 965:KW 968:OM 973:BH 974:QA 992:TJ 993:TM 998:UZ 673:BN"
)
_EXTENSION = re.compile(r"[\s,;]*(?:ext(?:ension|n)?\.?|x|#|dw\.?|durchwahl)[\s:]*(\d{1,7})$", re.IGNORECASE)
_LAYOUT = re.compile(r"[\s().,/\-\u2010-\u2015\u2212]")
_LEAST, _MOST, _NORTH_AMERICAN = 7, 15, 11  # digits, with the calling code
_LONGEST = 60  # characters


def _plan(text: str) -> Mapping[str, tuple[str, str]]:
    """Calling code and what is dialled first, by country."""
    parts = (part.partition(":") for part in text.split())
    dialled = ((code.partition("/"), countries) for code, _, countries in parts)
    return {country: (code, first) for (code, _, first), countries in dialled for country in countries.split(",")}


_ZERO = {country: (code, "0") for country, (code, _) in _plan(_WITH_ZERO).items()}
_PLAN = {**_ZERO, **_plan(_OTHERS)}
_FIRST = dict(_PLAN.values())
COUNTRIES = frozenset(_PLAN)


def normal_phone(text: str, country: str = "") -> str | None:
    """The number in its international form; None for what cannot be read as one."""
    if len(text) > _LONGEST:
        return None
    said = _ascii_digits(text).strip().removeprefix("tel:")
    extension = _EXTENSION.search(said)
    number = said[: extension.start()] if extension else said
    digits = _international(_LAYOUT.sub("", re.sub(r"\(0\)", "", number)), country)
    if digits is None or not _LEAST <= len(digits) <= _MOST:
        return None
    return f"+{digits}" + (f" ext. {extension[1]}" if extension else "")


def _ascii_digits(text: str) -> str:
    """Digits of every script as ASCII; without the marks that steer the direction of writing."""
    plain = unicodedata.normalize("NFKC", text)
    shown = (sign for sign in plain if unicodedata.category(sign) != "Cf")
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in shown)


def _international(number: str, country: str) -> str | None:
    code, first = _PLAN.get(country, ("", ""))
    abroad = "011" if code == "1" else "00"
    if number.startswith(("+", abroad)):
        return _checked(number.removeprefix("+") if number[0] == "+" else number.removeprefix(abroad))
    if not number.isdigit() or not code:
        return None
    return _checked(code + number.removeprefix(first))


def _checked(digits: str) -> str | None:
    """With a calling code that exists, and without the 0 that is only dialled within the country."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    code = next((digits[:length] for length in (1, 2, 3) if digits[:length] in _FIRST), None)
    if code is None or (code == "1" and len(digits) != _NORTH_AMERICAN):
        return None
    rest = digits[len(code) :]
    return code + (rest.removeprefix("0") if _FIRST[code] == "0" else rest)
