"""What each safeguard is good for: a story that goes wrong without it."""

from collections.abc import Mapping

from tests.protocol.safeguards import Safeguard
from tests.protocol.scenario import Scenario
from tests.protocol.scenarios import SCENARIOS

S = Safeguard
GOES_WRONG_IN: Mapping[Safeguard, str] = {
    S.KEY_VALIDATION: "one matches by name and adds an e-mail that the other does not find",
    S.EMAIL_KEY: "one matches by name and adds an e-mail that the other does not find",
    S.NAME_KEY: "two new captures of one name with different e-mails",
    S.WRITERS_CLAIM: "one matches by e-mail only, two by name, the older row wins",
    S.ACCOUNT_KEY: "two people of one new company",
    S.PROSPECT_VALIDATION: "the newer of two captures crashes",
    S.HELPING: "one matches by name and adds an e-mail that the other does not find",
    S.KEYS_BEFORE_SEARCH: "one matches by name and adds an e-mail that the other does not find",
    S.SAVED_INTENT: "a reply lost under append",
    S.ROW_CLAIM: "a reply lost under least recently updated, another on the row",
    S.CONDITIONAL_CREATE: "one matches by name and adds an e-mail that the other does not find",
    S.IF_MATCH: "one matches by name and adds an e-mail that the other does not find",
    S.LANDED_NO: "a reply lost under least recently updated, another on the row",
    S.LANDED_YES: "one matches by name and adds an e-mail that the other does not find",
    S.EVIDENCE: "a plug-in rewrites what we append",
    S.FINISH_ETAG: "an edit changes the e-mail, another submission has it",
    S.NOTE_ID: "a crash between write and link, then an edit with a new e-mail",
    S.RESPONSE_ID: "campaigns are joined once",
    S.ALIAS: "an edit adds the e-mail",
    S.FALLBACK: "notes are refused",
    S.FALLBACK_ORDER: "responses are refused while a program changes the row",
    S.OPEN_STILL: "a person deletes between two captures",
    S.SAME_INTENT: "a column goes and comes back: without a key",
    S.FOLLOWERS: "two people of one batch are one person",
    S.SINGLY_AFTER_BULK: "a bulk create in which one id exists already",
}


def story_without(safeguard: Safeguard) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == GOES_WRONG_IN[safeguard])
