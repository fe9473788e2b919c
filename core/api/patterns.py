"""What a pattern means, for whoever did not keep to it."""

_ID = "letters a to z, digits and hyphens, 63 at most, not a hyphen first"
_WORDS = {
    r"^[a-z0-9][a-z0-9-]{0,62}$": f"An id is made of {_ID}: such as contoso.",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$": "A batch's id is letters, digits, hyphens and underscores, 63 at most.",
    r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$": (
        "This is no GUID. One looks like 11111111-1111-4111-8111-111111111111; Entra shows it beside the name."
    ),
    r"^[0-9a-f]{32}$": "A receipt is 32 digits and letters a to f, as the capture was answered.",
    r"^[0-9a-f-]{32,60}$": "Give a row's `id` as /logs shows it, or a receipt: 32 digits and letters a to f.",
    r"^[0-9a-f]{16}$": "A cause is 16 digits and letters a to f, as /failures shows it.",
    r"^([0-9a-f]{16})?$": "A cause is 16 digits and letters a to f, as /failures shows it.",
    r"^[a-z][a-z0-9_]{0,127}$": "A column goes by its logical name, in small letters: such as emailaddress1.",
    r"^\d{4}-(0[1-9]|1[0-2])$": "A month looks like 2026-05.",
}


def pattern_in_words(pattern: str) -> str:
    return _WORDS.get(pattern, f"It has to be like {pattern}")
