"""Changing a connection that has worked, over a real vault and real tables: what does not work changes nothing."""

import base64
from datetime import date

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr

from core.admin.connections import CredentialInput
from core.admin.waiting import waiting
from core.dataverse.certificate import certificate_credential
from core.errors import InvalidInputError, RetryableError
from tests.core.admin.office import ELSEWHERE, HERE, THERE, Office
from tests.infra.test_entra_certificate import make_identity

IDENTITY = make_identity()


def _secret(value: str) -> CredentialInput:
    return CredentialInput(client_secret=SecretStr(value))


async def test_a_new_secret_stands_beside_the_old_one(office: Office) -> None:
    """Two slots: the one in use, and the one before, for hosts that have not heard yet. The one before that goes."""
    first = await office.connect("first")
    await office.connections.replace_credential(office.id, _secret("second"))
    second = await office.connection()
    assert second.previous_secret_version == first.secret_version
    assert await office.usable_versions(first.secret_name) == ["first", "second"]
    await office.connections.replace_credential(office.id, _secret("third"))
    assert await office.usable_versions(first.secret_name) == ["second", "third"]
    await office.connections.drop_previous(office.id)
    assert await office.usable_versions(first.secret_name) == ["third"]
    assert (await office.connection()).previous_secret_version == ""


async def test_a_new_secret_that_does_not_work_leaves_the_old_one_in_use(office: Office) -> None:
    """The finding is the answer; neither the table nor the vault changes, and nothing pauses."""
    before = await office.connect("first")
    with pytest.raises(InvalidInputError, match="Entra does not accept the secret") as refused:
        await office.connections.replace_credential(office.id, _secret("wrong"))
    assert refused.value.field == "client_secret"
    with pytest.raises(InvalidInputError):
        await office.connect("wrong", time_zone="Europe/Berlin")
    setup = await office.configuration.fresh_setup(office.id)
    assert setup is not None
    assert (setup.connection, setup.pause) == (before, None)
    assert await office.usable_versions(before.secret_name) == ["first"]


async def test_what_cannot_be_tried_changes_nothing_either(office: Office) -> None:
    """Dynamics is down: the old secret stays, and the answer says to try again."""
    before = await office.connect("first")
    office.outside.is_down = True
    with pytest.raises(RetryableError):
        await office.connections.replace_credential(office.id, _secret("second"))
    assert await office.connection() == before


async def test_a_connection_that_never_worked_is_kept_as_it_is_given(office: Office) -> None:
    """People do not lose what they typed; the reason stands in the pause."""
    saved = await office.connect("wrong")
    setup = await office.configuration.fresh_setup(office.id)
    assert setup is not None
    assert setup.pause is not None
    assert (saved.organization_id, setup.pause.code) == (None, "AADSTS7000215")
    assert (await office.connect("first")).organization_id == HERE


async def test_renaming_asks_nobody(office: Office) -> None:
    """Settings that cannot stop a connection from working are saved while Dynamics is down."""
    before = await office.connect("first", secret_expires_on="2027-01-01")
    office.outside.is_down = True
    after = await office.connect(None, name="Renamed")  # type: ignore[arg-type]
    assert after == before.model_copy(update={"name": "Renamed"})


async def test_another_organisation_needs_a_word_of_its_own(office: Office) -> None:
    """A changed address that leads to another organisation is refused unless its id is given. What waits for the
    former organisation is counted, and is not forgotten when the connection points back.
    """
    await office.connect("first")
    await office.receive(seconds=1)
    with pytest.raises(InvalidInputError, match=THERE) as refused:
        await office.connect("first", url=ELSEWHERE)
    assert (refused.value.field, refused.value.status) == ("organization_id", 409)
    assert (await office.connection()).organization_id == HERE
    moved = await office.connect("first", url=ELSEWHERE, organization_id=THERE)
    counted = await waiting(office.ledger, moved)
    assert (moved.organization_id, counted.here, counted.elsewhere) == (THERE, 0, {HERE: 1})
    back = await office.connect("first", organization_id=HERE)
    counted = await waiting(office.ledger, back)
    assert (counted.here, counted.elsewhere) == (1, {})


async def test_a_copied_environment_can_be_accepted(office: Office) -> None:
    """The same address, another organisation: nothing happens until somebody names it."""
    await office.connect("first")
    office.outside.organizations["https://contoso.crm4.dynamics.com"] = THERE
    assert (await office.connect("first", organization_id=THERE)).organization_id == THERE


async def test_revoking_needs_the_connections_name(office: Office) -> None:
    """A slip erases nothing."""
    connection = await office.connect("first")
    with pytest.raises(InvalidInputError) as refused:
        await office.revocation.revoke(office.id, confirm="yes")
    assert refused.value.field == "confirm"
    assert await office.usable_versions(connection.secret_name) == ["first"]


async def test_a_revoked_connection_comes_back_with_a_new_secret(office: Office) -> None:
    """The credential is gone for good, the connection holds still; reconnecting uses another name in the vault."""
    connection = await office.connect("first")
    await office.receive(seconds=1)
    assert await office.revocation.revoke(office.id, confirm=office.id) == "purged"
    assert await office.revocation.revoke(office.id, confirm=office.id) == "absent"
    setup = await office.configuration.fresh_setup(office.id)
    assert setup is not None
    hold = setup.hold(office.now)
    assert hold is not None
    assert (hold.code, hold.until) == ("revoked", None)
    renamed = await office.connect(None, name="Renamed")  # type: ignore[arg-type]
    assert renamed.revoked_at is not None
    with pytest.raises(InvalidInputError):
        await office.connections.replace_credential(office.id, _secret("wrong"))
    assert (await office.connection()).revoked_at is not None
    await office.connections.replace_credential(office.id, _secret("second"))
    again = await office.connection()
    assert (again.revoked_at, again.organization_id) == (None, HERE)
    assert again.secret_name != connection.secret_name
    assert (await waiting(office.ledger, again)).here == 1


async def test_a_certificate_takes_the_place_of_a_secret(office: Office) -> None:
    """It is kept in the vault as PEM; its thumbprint and its end are told."""
    stored = certificate_credential(IDENTITY.pem.decode()).value
    office.outside.good.add(stored)
    await office.connect("first")
    given = CredentialInput(client_certificate=SecretStr(IDENTITY.pem.decode()))
    await office.connections.replace_credential(office.id, given)
    connection = await office.connection()
    assert (connection.credential, connection.secret_expires_on) == ("certificate", date(2035, 12, 30))
    assert len(connection.certificate_thumbprint) == 40
    assert await office.vault.secret(connection.secret_name, connection.secret_version) == stored
    assert "PRIVATE" not in connection.model_dump_json()


@pytest.mark.parametrize("password", ["", "pässword"])
def test_a_pkcs12_file_is_a_certificate_too(password: str) -> None:
    """As .pfx files come, with and without a password, in lines or in one."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    raw = pkcs12.serialize_key_and_certificates(b"demo", IDENTITY.key, IDENTITY.certificate, None, encryption)
    read = certificate_credential(base64.encodebytes(raw).decode(), password)
    assert read == certificate_credential(IDENTITY.pem.decode())
    assert "PRIVATE" not in repr(read)


OTHER = make_identity()
CERTIFICATE = IDENTITY.certificate.public_bytes(serialization.Encoding.PEM).decode()
LOCKED = (
    OTHER.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"right")
    ).decode()
    + CERTIFICATE
)


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("CANARY", ""),
        (base64.b64encode(b"CANARY").decode(), ""),
        ("-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----", ""),
        (CERTIFICATE, ""),
        (LOCKED, ""),
        (LOCKED, "wrong"),
        (OTHER.pem.decode().split("-----BEGIN CERT")[0] + CERTIFICATE, ""),
    ],
    ids=["text", "base64", "broken key", "no key", "no password", "wrong password", "another's key"],
)
def test_what_is_no_certificate_is_refused_without_being_quoted(text: str, password: str) -> None:
    """With the field, and what would be accepted."""
    with pytest.raises(InvalidInputError) as refused:
        certificate_credential(text, password)
    assert refused.value.field == "client_certificate"
    assert "CANARY" not in f"{refused.value}{refused.value.__cause__}"


async def test_only_one_credential_at_a_time(office: Office) -> None:
    """Two would leave open which of them counts."""
    given = CredentialInput(client_secret=SecretStr("second"), client_certificate=SecretStr(IDENTITY.pem.decode()))
    await office.connect("first")
    with pytest.raises(InvalidInputError, match="not both"):
        await office.connections.replace_credential(office.id, given)
    with pytest.raises(InvalidInputError, match="client_certificate"):
        await office.connections.replace_credential(office.id, CredentialInput())
