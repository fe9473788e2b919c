"""The protocol's safeguards, by name: each can be taken out, to see what goes wrong without it."""

from enum import StrEnum


class Safeguard(StrEnum):
    KEY_VALIDATION = "the claim is conditional on the keys' ETags"
    EMAIL_KEY = "e-mails are keys"
    NAME_KEY = "names are keys"
    WRITERS_CLAIM = "e-mails and names are also claimed by who writes them and does not search by them"
    ACCOUNT_KEY = "a new account's name is a key"
    PROSPECT_VALIDATION = "the claim is conditional on the prospect's ETag"
    HELPING = "whoever meets a claim carries out its intent first"
    KEYS_BEFORE_SEARCH = "keys are read before the search"
    SAVED_INTENT = "a retry carries out the intent instead of deciding anew"
    ROW_CLAIM = "the row to be updated is claimed"
    CONDITIONAL_CREATE = "a row is created under If-None-Match"
    IF_MATCH = "a row is updated under If-Match"
    LANDED_NO = "an answer of 412 is looked into: it may have been another's write"
    LANDED_YES = "an answer of 412 is looked into: it may have been our own write"
    EVIDENCE = "the note tells that the update landed, whatever the columns say by now"
    FINISH_ETAG = "the finish is conditional on the delivery's ETag"
    NOTE_ID = "the note's id comes from the submission"
    RESPONSE_ID = "the response's id comes from campaign and prospect"
    ALIAS = "a submission names the prospect it first belonged to"
    FALLBACK = "when a change set is refused, its parts are sent one by one"
    FALLBACK_ORDER = "the person comes before the extras"
    OPEN_STILL = "before a part is sent again by itself, it is looked whether the intent is still open"
    SAME_INTENT = "after a refusal the same intent is carried out without the columns that are no more"
    FOLLOWERS = "the claim is conditional on every delivery that the intent carries out, and marks it"
    SINGLY_AFTER_BULK = "a bulk create that was refused is sent singly, under If-None-Match"


Without = frozenset[Safeguard]
