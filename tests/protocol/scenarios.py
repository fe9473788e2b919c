"""The stories that are searched: first those that product.md, section 6, names; then one or more for each extension."""

from tests.protocol.bystanders import Deletes, Edits, SetsColumns
from tests.protocol.captures import Action, Delivery
from tests.protocol.rows import Row
from tests.protocol.scenario import Scenario

D = Delivery
OLDEST = Action(newest_wins=False)
BY_EMAIL = Action(by_name=False)
OLDEST_BY_EMAIL = Action(by_name=False, newest_wins=False)
TO_CONTACT = Action(create="contact")
LEADS_ONLY = Action(tables=("lead",), by_name=False)
CONTACTS_ONLY = Action(tables=("contact",), by_name=False, create="contact")
OFF = Action(tables=())
MADE_ELSEWHERE = Action(tables=("contact",), by_name=False)
CREATES_NONE = Action(create="")
WITH_ACCOUNT = Action(by_name=False, account="create")
WITH_ACCOUNT_IF_THERE = Action(by_name=False, account="leave")
IN_CAMPAIGN = Action(by_name=False, campaign="expo", marketing_list="visitors")
SKIPS = Action(skips_without_key=True)
REACTIVATES = Action(by_name=False, reactivates=True)

NAMED_IN_SECTION_6 = (
    Scenario(
        "two new captures of one name with different e-mails",
        (D("d1", "p1", 1, "a", name="N", title="X"), D("d2", "p2", 2, "b", name="N", title="Y")),
        in_flight=1,
    ),
    Scenario(
        "one matches by name and adds an e-mail that the other does not find",
        (D("d1", "p1", 1, "b", name="N", title="X"), D("d2", "p2", 2, "b", name="M", title="Y")),
        (("lead/old1", Row("z", name="N")),),
    ),
    Scenario(
        "one action creates a lead, the other a contact",
        (D("d1", "p1", 1, "a", title="X"), D("d2", "p2", 2, "a", title="Y", action=TO_CONTACT)),
        in_flight=1,
    ),
    Scenario(
        "a crash between write and link, then an edit with a new e-mail",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t"),
            D("d2", "p1", 2, "b", title="Y", submission="s", answers="u"),
        ),
        in_flight=1,
    ),
    Scenario(
        "a reply lost under least recently updated",
        (D("d1", "p1", 1, "a", title="X", action=OLDEST_BY_EMAIL),),
        (("lead/old1", Row("a", modified=1)), ("lead/old2", Row("a", modified=2))),
        workers=2,
        in_flight=1,
    ),
    Scenario(
        "a reply lost under least recently updated, another on the row",
        (
            D("d1", "p1", 1, "a", title="X", remark="r", action=OLDEST_BY_EMAIL),
            D("d2", "p2", 2, "c", name="N", title="Y", action=OLDEST),
        ),
        (("lead/old1", Row("a", name="N", modified=1)), ("lead/old2", Row("a", name="M", modified=2))),
        in_flight=1,
    ),
    Scenario(
        "a reply lost under append",
        (D("d1", "p1", 1, "a", remark="r"), D("d2", "p2", 2, "a", remark="q")),
        (("lead/old1", Row("a")),),
        in_flight=1,
    ),
    Scenario(
        "the newer of two captures crashes",
        (D("d1", "p1", 1, "a", title="X"), D("d2", "p1", 2, "b", title="Y")),
        in_flight=1,
    ),
    Scenario(
        "two people of one batch are one person",
        (
            d1 := D("d1", "p1", 1, "a", title="X", submission="s", answers="t"),
            d2 := D("d2", "p2", 2, "a", title="Y", remark="r", submission="u", answers="v"),
        ),
        batch=((d1, d2),),
        also_singly=True,
        losses=1,
    ),
    Scenario(
        "a bulk create in which one id exists already",
        (d1 := D("d1", "p1", 1, "a", title="X"), d2 := D("d2", "p2", 2, "b", title="Y")),
        batch=((d1,), (d2,)),
        also_singly=True,
        losses=1,
    ),
)

BEYOND = (
    Scenario(
        "one delivery run by three workers",
        (D("d1", "p1", 1, "a", name="N", title="X", submission="s", answers="t"),),
        workers=3,
        in_flight=1,
    ),
    Scenario(
        "one person, two prospects",
        (D("d1", "p1", 1, "a", name="N", title="X"), D("d2", "p2", 2, "a", name="N", title="Y")),
        in_flight=1,
    ),
    Scenario(
        "three captures, chained keys",
        (D("d1", "p1", 1, "a", name="N"), D("d2", "p2", 2, "b", name="N"), D("d3", "p3", 3, "b", name="M")),
        losses=0,
    ),
    Scenario(
        "twins found by different keys",
        (
            D("d1", "p1", 1, "a", title="X", action=BY_EMAIL),
            D("d2", "p1", 2, "b", title="Y", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a", name="N", modified=1)), ("lead/old2", Row("b", name="N", modified=2))),
        in_flight=1,
    ),
    Scenario(
        "twins that were there before, and deliveries that share no key",
        (
            D("d1", "p1", 1, "b", title="X", action=BY_EMAIL),
            D("d2", "p2", 2, name="M", company="C", action=Action(account="create")),
            D("d3", "p3", 3, "b", title="Z", company="C", action=WITH_ACCOUNT_IF_THERE),
        ),
        (("lead/old1", Row("b", name="M", modified=1)), ("lead/old2", Row("b", name="O", modified=2))),
        losses=0,
        unattainable="date tie-breaks use the dates that were read in the turn (outside the promise, 5)",
    ),
    Scenario(
        "one prospect, two actions with separate tables",
        (
            D("d1", "p1", 1, "a", title="X", action=LEADS_ONLY),
            D("d2", "p1", 2, "b", title="Y", action=CONTACTS_ONLY),
        ),
        in_flight=1,
    ),
    Scenario(
        "several e-mails overlap",
        (
            D("d1", "p1", 1, "a", "b", title="X", action=BY_EMAIL),
            D("d2", "p2", 2, "b", "c", title="Y", action=BY_EMAIL),
            D("d3", "p3", 3, "c", title="Z", action=BY_EMAIL),
        ),
        losses=1,
    ),
    Scenario(
        "a person deletes between two captures",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t"),
            D("d2", "p2", 2, "a", title="Y", submission="u", answers="v"),
        ),
        bystanders=(Deletes("a"),),
        calmly=True,
        in_flight=1,
    ),
    Scenario(
        "a person deletes while a create is on its way",
        (D("d1", "p1", 1, "a", title="X"), D("d2", "p2", 2, "a", title="Y")),
        bystanders=(Deletes("a"),),
        losses=0,
        in_flight=1,
        unattainable="Dynamics cannot refuse a late create whose id was deleted meanwhile (outside the promise, 2)",
    ),
    # --- the rules of matching ---
    Scenario(
        "rows are made in a table that is not searched: edits of one submission",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=MADE_ELSEWHERE),
            D("d2", "p1", 2, "a", title="Y", submission="s", answers="u", action=MADE_ELSEWHERE),
        ),
        in_flight=1,
    ),
    Scenario(
        "rows are made in a table that is not searched, beside an action that searches it",
        (
            D("d1", "p1", 1, "a", title="X", action=MADE_ELSEWHERE),
            D("d2", "p1", 2, "a", title="Y", action=MADE_ELSEWHERE),
            D("d3", "p2", 3, "a", title="Z", action=LEADS_ONLY),
        ),
    ),
    Scenario(
        "matching is off: repeats and edits of one submission",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=OFF),
            D("d2", "p1", 2, "a", title="Y", submission="s", answers="u", action=OFF),
        ),
        in_flight=1,
    ),
    Scenario(
        "matching is off beside an action that matches",
        (D("d1", "p1", 1, "a", title="X", action=OFF), D("d2", "p1", 2, "a", title="Y")),
        in_flight=1,
    ),
    Scenario(
        "matching is off beside two that match, the older row wins",
        (
            D("d1", "p1", 1, "a", title="X", action=OFF),
            D("d2", "p2", 2, "a", title="Y", action=OLDEST_BY_EMAIL),
            D("d3", "p3", 3, "a", title="Z", action=OLDEST_BY_EMAIL),
        ),
        losses=0,
    ),
    Scenario(
        "one matches by e-mail only, two by name, the older row wins",
        (
            D("d1", "p1", 1, "a", name="N", title="X", action=BY_EMAIL),
            D("d2", "p2", 2, "b", name="N", title="Y", action=OLDEST),
            D("d3", "p3", 3, "c", name="N", title="Z", action=OLDEST),
        ),
        losses=0,
    ),
    Scenario(
        "one submission handled by two actions",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=OFF),
            D("d2", "p1", 2, "a", title="Y", submission="s", answers="t", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a")),),
        in_flight=1,
    ),
    Scenario(
        "create none beside one that creates",
        (D("d1", "p1", 1, "a", title="X", action=CREATES_NONE), D("d2", "p2", 2, "a", title="Y")),
        in_flight=1,
    ),
    Scenario(
        "without a key: created or skipped",
        (
            D("d1", "p1", 1, title="X", action=SKIPS),
            D("d2", "p1", 2, title="Y"),
            D("d3", "p1", 3, "a", title="Z"),
        ),
        losses=1,
    ),
    Scenario(
        "a merged row and its survivor",
        (D("d1", "p1", 1, "a", title="X", remark="r"), D("d2", "p2", 2, "b", title="Y", remark="q")),
        (("lead/old1", Row("a", is_active=False, goes_to="lead/old2")), ("lead/old2", Row("b"))),
        in_flight=1,
    ),
    Scenario(
        "a qualified lead and the contact it became",
        (
            D("d1", "p1", 1, "a", title="X", remark="r"),
            D("d2", "p2", 2, "b", title="Y", action=CONTACTS_ONLY),
            D("d3", "p3", 3, "a", title="Z", action=LEADS_ONLY),
        ),
        (("lead/old1", Row("a", is_active=False, goes_to="contact/old2")), ("contact/old2", Row("b"))),
        losses=1,
    ),
    Scenario(
        "an inactive row, ignored by one and reactivated by the other",
        (D("d1", "p1", 1, "a", title="X", action=REACTIVATES), D("d2", "p2", 2, "a", title="Y", action=BY_EMAIL)),
        (("lead/old1", Row("a", is_active=False)),),
        in_flight=1,
    ),
    # --- accounts, campaigns, notes ---
    Scenario(
        "two people of one new company",
        (
            D("d1", "p1", 1, "a", company="C", action=WITH_ACCOUNT),
            D("d2", "p2", 2, "b", company="C", submission="s", answers="t", action=WITH_ACCOUNT),
        ),
        in_flight=1,
    ),
    Scenario(
        "a new company: created by one, only linked by the other",
        (
            D("d1", "p1", 1, "a", title="X", company="C", action=WITH_ACCOUNT),
            D("d2", "p2", 2, "b", title="Y", company="C", action=WITH_ACCOUNT_IF_THERE),
        ),
        (("contact/old1", Row("b")),),
        in_flight=1,
    ),
    Scenario(
        "a company is only linked, a row is found by name, and a third creates",
        (
            D("d1", "p1", 1, "a", name="N", company="C", action=WITH_ACCOUNT),
            D("d2", "p2", 2, "b", name="N", company="E", action=WITH_ACCOUNT_IF_THERE._replace(by_name=True)),
            D("d3", "p3", 3, "c", company="E", action=WITH_ACCOUNT),
        ),
        losses=0,
    ),
    Scenario(
        "two accounts of one name",
        (D("d1", "p1", 1, "a", company="C", action=WITH_ACCOUNT),),
        (("account/old1", Row(name="C")), ("account/old2", Row(name="C"))),
        workers=2,
        in_flight=1,
    ),
    Scenario(
        "campaigns are joined once",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=IN_CAMPAIGN),
            D("d2", "p1", 2, "a", title="X", action=IN_CAMPAIGN),
        ),
        (("lead/old1", Row("a")),),
        in_flight=1,
    ),
    Scenario(
        "only the note is new",
        (D("d1", "p1", 1, "a", submission="s", answers="t"), D("d2", "p1", 2, "a", submission="s", answers="u")),
        (("lead/old1", Row("a")),),
        in_flight=1,
    ),
    Scenario(
        "notes are refused",
        (
            D("d1", "p1", 1, "a", title="X", remark="r", submission="s", answers="t", action=IN_CAMPAIGN),
            D("d2", "p2", 2, "a", title="Y", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a")),),
        refused=frozenset({"note"}),
        losses=1,
        in_flight=1,
    ),
    Scenario(
        "responses are refused, the note is taken",
        (
            D("d1", "p1", 1, "a", title="X", remark="r", submission="s", answers="t", action=IN_CAMPAIGN),
            D("d2", "p2", 2, "a", title="Y", remark="q", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a")),),
        refused=frozenset({"response"}),
        losses=1,
        in_flight=1,
    ),
    Scenario(
        "responses are refused while a program changes the row",
        (D("d1", "p1", 1, "a", remark="r", submission="s", answers="t", action=IN_CAMPAIGN),),
        (("lead/old1", Row("a")),),
        bystanders=(Edits("lead/old1", (("title", "F"),)),),
        refused=frozenset({"response"}),
        workers=2,
        losses=1,
    ),
    Scenario(
        "accounts are refused",
        (
            D("d1", "p1", 1, "a", title="X", company="C", submission="s", answers="t", action=WITH_ACCOUNT),
            D("d2", "p2", 2, "a", title="Y", company="C", action=WITH_ACCOUNT),
        ),
        refused=frozenset({"account"}),
        losses=1,
        in_flight=1,
    ),
    # --- columns that others change between our write and our record of it ---
    Scenario(
        "a plug-in rewrites what we append",
        (D("d1", "p1", 1, "a", remark="r", submission="s", answers="t"),),
        (("lead/old1", Row("a")),),
        normalises=True,
        workers=2,
        in_flight=1,
    ),
    Scenario(
        "a program changes our columns, and there is a twin",
        (D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=OLDEST_BY_EMAIL),),
        (("lead/old1", Row("a", modified=1)), ("lead/old2", Row("a", modified=2))),
        bystanders=(Edits("lead/old1", (("title", "F"),)),),
        workers=2,
        in_flight=1,
    ),
    Scenario(
        "a program changes our columns under an edit",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=OLDEST_BY_EMAIL),
            D("d2", "p1", 2, "a", title="Y", submission="s", answers="u", action=OLDEST_BY_EMAIL),
        ),
        (("lead/old1", Row("a", modified=1)), ("lead/old2", Row("a", modified=2))),
        bystanders=(Edits("lead/old1", (("title", "F"),)),),
        losses=2,
    ),
    Scenario(
        "a plug-in rewrites what we append, without a note",
        (D("d1", "p1", 1, "a", remark="r"),),
        (("lead/old1", Row("a")),),
        normalises=True,
        losses=1,
        unattainable="without a note nothing tells that the update landed (outside the promise, 3)",
    ),
    # --- captures without a prospect id ---
    Scenario(
        "an edit adds the e-mail",
        (
            D("d1", "", 1, name="N", title="X", submission="s", answers="t", action=BY_EMAIL),
            D("d2", "", 2, "a", name="N", title="Y", submission="s", answers="u", action=BY_EMAIL),
        ),
        in_flight=1,
    ),
    Scenario(
        "an edit changes the e-mail, another submission has it",
        (
            D("d1", "", 1, "a", title="X", submission="s", answers="t", action=BY_EMAIL),
            D("d2", "", 2, "b", title="Y", submission="s", answers="u", action=BY_EMAIL),
            D("d3", "", 3, "b", title="Z", submission="v", answers="w", action=BY_EMAIL),
        ),
        losses=1,
    ),
    Scenario(
        "the same submission with a prospect id and without",
        (
            D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=BY_EMAIL),
            D("d2", "", 2, "b", title="Y", submission="s", answers="t", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a")), ("lead/old2", Row("b"))),
        in_flight=1,
    ),
    # --- what Dynamics refuses ---
    Scenario(
        "a column goes",
        (D("d1", "p1", 1, "a", title="X", remark="r"), D("d2", "p2", 2, "a", title="Y", remark="q")),
        bystanders=(SetsColumns(frozenset({"title"})),),
        losses=1,
        in_flight=1,
    ),
    Scenario(
        "a column goes and comes back: without a key",
        (D("d1", "p1", 1, title="X"),),
        bystanders=(SetsColumns(frozenset({"title"})), SetsColumns(frozenset())),
        in_order=True,
        workers=2,
        in_flight=1,
    ),
    Scenario(
        "a column goes and comes back: twins",
        (D("d1", "p1", 1, "a", title="X", remark="r", submission="s", answers="t", action=OLDEST_BY_EMAIL),),
        (("lead/old1", Row("a", modified=1)), ("lead/old2", Row("a", modified=2))),
        bystanders=(SetsColumns(frozenset({"title"})), SetsColumns(frozenset())),
        in_order=True,
        workers=2,
        losses=1,
        in_flight=1,
    ),
    Scenario(
        "a column goes when the row is made already, and another waits",
        (
            D("d1", "p1", 1, "a", name="N", title="X", action=BY_EMAIL),
            D("d2", "p2", 2, "a", name="M", action=BY_EMAIL),
        ),
        bystanders=(SetsColumns(frozenset({"title"})),),
    ),
    Scenario(
        "a column goes, and another takes one of the twins",
        (
            D("d1", "p1", 1, "a", name="N", title="X", remark="r", action=OLDEST_BY_EMAIL),
            D("d2", "p2", 2, "a", name="M", action=OLDEST_BY_EMAIL),
        ),
        (("lead/old1", Row("a", modified=1)), ("lead/old2", Row("a", modified=2))),
        bystanders=(SetsColumns(frozenset({"title"})),),
    ),
    Scenario(
        "a column goes when the row is changed already, and another waits",
        (
            D("d1", "p1", 1, "a", "b", name="N", title="X", action=BY_EMAIL),
            D("d2", "p2", 2, "b", name="M", action=BY_EMAIL),
        ),
        (("lead/old1", Row("a")),),
        bystanders=(SetsColumns(frozenset({"title"})),),
        in_flight=1,
    ),
    # --- messages of many ---
    Scenario(
        "a folded message beside a capture of the same person",
        (
            d1 := D("d1", "p1", 1, "a", title="X", submission="s", answers="t", action=WITH_ACCOUNT),
            d2 := D("d2", "p2", 2, "a", title="Y", company="C", action=WITH_ACCOUNT),
            D("d3", "p3", 3, "a", title="Z", company="C", action=WITH_ACCOUNT),
        ),
        batch=((d1, d2),),
        in_flight=1,
    ),
    Scenario(
        "a folded message whose parts go to different rows",
        (
            d1 := D("d1", "p1", 1, "a", name="N", title="X", remark="r"),
            d2 := D("d2", "p2", 2, "b", name="N", title="Y", remark="q"),
        ),
        (("lead/old1", Row("b", name="O")),),
        batch=((d1, d2),),
        batch_workers=2,
        in_flight=1,
    ),
)
SCENARIOS = (*NAMED_IN_SECTION_6, *BEYOND)
