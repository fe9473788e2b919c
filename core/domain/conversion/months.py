"""The months' names and their usual abbreviations, in the languages that forms are filled in most."""

from collections.abc import Mapping

_NAMES = (
    "january jan januar jänner jän janvier janv enero ene gennaio gen januari janeiro januar",
    "february feb februar février févr fév fevrier febrero febbraio febr februari fevereiro fev",
    "march mar märz mär mrz mars marzo maart mrt março",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set sett setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro",
)
MONTHS: Mapping[str, int] = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
