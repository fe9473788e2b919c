"""The address of an environment: what people paste is understood, and no token goes anywhere but to Dynamics."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.connection import Connection, Pause, authority_of, known_zone, normal_url
from core.errors import InvalidInputError
from tests.builders import EARLIER, LATER, NOON

HOST = "contoso.crm4.dynamics.com"
NORMAL = f"https://{HOST}"
SUFFIXES = (
    ".dynamics.com", ".microsoftdynamics.us", ".appsplatform.us", ".dynamics.cn", ".microsoftdynamics.de",
)  # fmt: skip


@pytest.mark.parametrize(
    ("pasted", "normal"),
    [
        ("https://org123abc.dynamics.com/", "https://org123abc.dynamics.com"),
        (NORMAL, NORMAL),
        (f"{NORMAL}/", NORMAL),
        (HOST, NORMAL),
        (f"  {HOST}/ \n", NORMAL),
        (f"<{NORMAL}/>", NORMAL),
        (f'"{NORMAL}"', NORMAL),
        (f"\u200b{NORMAL}\ufeff\u00a0", NORMAL),
        (f"http://{HOST}", NORMAL),
        (f"HTTPS://{HOST.upper()}/", NORMAL),
        (f"{NORMAL}/main.aspx?appid=1b2&pagetype=dashboard", NORMAL),
        (f"{HOST}/main.aspx?appid=1b2#123", NORMAL),
        (f"{HOST}/main.aspx?from=https://evil.example/", NORMAL),
        (f"{NORMAL}/api/data/v9.2/", NORMAL),
        (f"{NORMAL}:443/", NORMAL),
        (f"{NORMAL}./", NORMAL),
        ("https://contoso.api.crm4.dynamics.com/api/data/v9.2", NORMAL),
        ("contoso.api.crm.dynamics.com", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.dynamics.com", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm21.dynamics.com", "https://contoso.crm21.dynamics.com"),
        ("https://contoso.crm9.dynamics.com", "https://contoso.crm9.dynamics.com"),
        ("contoso.crm.microsoftdynamics.us", "https://contoso.crm.microsoftdynamics.us"),
        ("contoso.api.crm.microsoftdynamics.us", "https://contoso.crm.microsoftdynamics.us"),
        ("contoso.crm.appsplatform.us", "https://contoso.crm.appsplatform.us"),
        ("contoso.crm.dynamics.cn", "https://contoso.crm.dynamics.cn"),
        ("contoso.crm.microsoftdynamics.de", "https://contoso.crm.microsoftdynamics.de"),
    ],
)
def test_what_people_paste(pasted: str, normal: str) -> None:
    """With and without scheme, slash, page, region; the normal form is an origin over HTTPS."""
    assert normal_url(pasted) == normal
    assert normal_url(normal) == normal


REFUSED = [
    "",
    " ",
    "https://",
    "contoso",
    "localhost",
    "dynamics.com",
    ".dynamics.com",
    "https://evil.com/.dynamics.com",
    "https://evil.com?.dynamics.com",
    "https://evil.com#.dynamics.com",
    "https://evil.com;.dynamics.com",
    "https://dynamics.com.evil.com",
    f"https://{HOST}.evil.com",
    "https://evildynamics.com",
    f"https://{HOST}@evil.com",
    f"https://user:pass@{HOST}",
    f"https://user@{HOST}",
    f"https://@{HOST}",
    f"https://:@{HOST}",
    f"https://evil.com\\.{HOST}",
    f"https://evil.com\\@{HOST}",
    f"https:\\\\{HOST}",
    f"https://evil.com%2f.{HOST}",
    f"https://evil.com%23.{HOST}",
    f"https://evil.com%00.{HOST}",
    f"https://evil.com /.{HOST}",
    f"https://con toso.{HOST}",
    f"{NORMAL}:8443",
    f"{NORMAL}:80",
    f"{NORMAL}:abc",
    f"{NORMAL}:443:443",
    "https://20.190.128.1",
    "https://2130706433",
    "https://[::1]",
    "https://[::1",
    f"https://[{HOST}]",
    f"ftp://{HOST}",
    f"javascript://{HOST}/%0aalert(1)",
    f"file://{HOST}/etc/passwd",
    f"//evil.com/{HOST}",
    "https://contoso.crm.dynamıcs.com",
    "https://contoso.crm.dуnamics.com",
    "https://contoso.crm.ｄynamics.com",
    "https://contoso。crm。dynamics。com",
    "https://evil.com℀.dynamics.com",
    "https://evil.com／.dynamics.com",
    "https://\u212aontoso.crm.dynamics.com",
    "https://contoso\u00ad.crm.dynamics.com",
    "https://-contoso.crm.dynamics.com",
    "https://contoso-.crm.dynamics.com",
    "https://con_toso.crm.dynamics.com",
    "https://contoso..dynamics.com",
    f"https://{'x' * 64}.crm.dynamics.com",
    f"https://{'x.' * 130}dynamics.com",
    "https://contoso.dynamics.com.cn",
    "https://contoso.sharepoint.com",
    "https://make.powerapps.com/environments/1b2",
]


@pytest.mark.parametrize("pasted", REFUSED)
def test_everything_else_is_refused(pasted: str) -> None:
    """With the field and an example of what would be accepted; never with another kind of failure."""
    with pytest.raises(InvalidInputError, match=r"https://org123abc\.crm\.dynamics\.com") as refused:
        normal_url(pasted)
    assert refused.value.field == "url"


@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["https://", "http:", "//", "/", "\\", "@", ":", "443", "#", "?", "%2f", ".", "[", "]", "evil.com",
                 "contoso", "crm4", ".api.", ".dynamics.com", "dynamics.com", "\u212a", "／", "℀", " "]
            ),
            max_size=9,
        ).map("".join),
    )
)  # fmt: skip
@example(text="https://contoso.crm.dyna\nmics.com")
def test_whatever_is_accepted_is_microsofts(text: str) -> None:
    """The origin alone, over HTTPS, on a host with a Microsoft suffix, as every client reads it."""
    try:
        normal = normal_url(text)
    except InvalidInputError:
        return
    parts = urlsplit(normal)
    assert parts.scheme == "https"
    assert parts.netloc == parts.hostname
    assert normal == f"https://{parts.netloc}"
    assert parts.netloc.endswith(SUFFIXES)
    assert parts.netloc.isascii()
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    "pasted", ["http://127.0.0.1:7072", "http://127.0.0.1:7072/", "HTTP://127.0.0.1:7072/main.aspx"]
)
def test_an_origin_that_a_setting_allows(pasted: str) -> None:
    """The local stack's own, exactly: scheme, host and port."""
    assert normal_url(pasted, ["http://127.0.0.1:7072/"]) == "http://127.0.0.1:7072"


@pytest.mark.parametrize(
    "pasted", ["https://127.0.0.1:7072", "http://127.0.0.1", "http://127.0.0.1:7073", "http://a@127.0.0.1:7072"]
)
def test_an_origin_beside_the_one_allowed(pasted: str) -> None:
    """Another scheme, port or user is another origin."""
    with pytest.raises(InvalidInputError):
        normal_url(pasted, ["http://127.0.0.1:7072"])


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_known_time_zones(zone: str) -> None:
    """By their names in the tz database."""
    assert known_zone(zone) == zone


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "Europe", "UTC\x00", "x" * 5000])
def test_unknown_time_zones(zone: str) -> None:
    """Refused with an example; a name never becomes a path."""
    with pytest.raises(ValueError, match="Europe/Berlin"):
        known_zone(zone)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        (NORMAL, "https://login.microsoftonline.com"),
        ("https://contoso.crm9.dynamics.com", "https://login.microsoftonline.com"),
        ("https://contoso.crm.microsoftdynamics.us", "https://login.microsoftonline.us"),
        ("https://contoso.crm.appsplatform.us", "https://login.microsoftonline.us"),
        ("https://contoso.crm.dynamics.cn", "https://login.partner.microsoftonline.cn"),
        ("http://127.0.0.1:7072", "https://login.microsoftonline.com"),
    ],
)
def test_a_sovereign_cloud_signs_its_own_applications_in(url: str, authority: str) -> None:
    """Everywhere else it is the authority of the settings."""
    assert authority_of(url, "https://login.microsoftonline.com") == authority


def test_an_erased_credential_leaves_its_name_behind() -> None:
    """The vault may block the name of what was erased for months, so the next one has another; none is too long."""
    guid = "11111111-1111-4111-8111-111111111111"
    connection = Connection(id="c" * 63, name="C", url=NORMAL, tenant_id=guid, client_id=guid)
    again = connection.model_copy(update={"secret_generation": 2})
    assert connection.secret_name != again.secret_name
    assert len(again.secret_name) < 127


def test_a_connection_keeps_its_work_with_its_organisation() -> None:
    """Two connections to one organisation share a partition; before it is known each stands for itself."""
    guid = "1B2C3D4E-0000-4000-8000-000000000001"
    connection = Connection(id="contoso", name="Contoso", url=NORMAL, tenant_id=guid, client_id=guid)
    assert connection.tenant_id == guid.lower()
    assert connection.partition == "unpinned-contoso"
    assert connection.model_copy(update={"organization_id": "org"}).partition == "org"


def test_a_pause_ends_when_it_says() -> None:
    """One without an end lasts until somebody mends it."""
    assert Pause(reason="x").holds_at(LATER)
    assert Pause(reason="x", until=NOON).holds_at(EARLIER)
    assert not Pause(reason="x", until=NOON).holds_at(NOON)
