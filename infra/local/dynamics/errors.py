"""Refusals, with the codes, statuses and words that Dataverse is documented to use.

Duty: one function per error, so that a code stands in one place. Sources and doubts are in the README.
"""

from http import HTTPStatus

HELP = "https://go.microsoft.com/fwlink/?linkid=2195293"


class DataverseError(Exception):
    """An error answer: `{"error": {"code": …, "message": …}}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class UnauthorizedError(Exception):
    """The token is missing or bad; the answer has no body."""


# --- rows -----------------------------------------------------------------------------------------------------------


def row_missing(schema_name: str, row_id: str, *, status: int = HTTPStatus.NOT_FOUND) -> DataverseError:
    return DataverseError(status, "0x80040217", f"Entity '{schema_name}' With Id = {row_id} Does Not Exist")


def row_missing_by_key(schema_name: str) -> DataverseError:
    message = f"A record with the specified key values does not exist in {schema_name.lower()} entity"
    return DataverseError(404, "0x80060891", message)


def row_exists() -> DataverseError:
    return DataverseError(412, "0x80040237", "A record with matching key values already exists.")


def key_taken(label: str, columns: str) -> DataverseError:
    return DataverseError(
        412,
        "0x80060892",
        f"Entity Key {label} violated. A record with the same value for {columns} already exists. "
        "A duplicate record cannot be created. Select one or more unique values and try again.",
    )


def etag_stale() -> DataverseError:
    message = "The version of the existing record doesn't match the RowVersion property provided."
    return DataverseError(412, "0x80060882", message)


def concurrency_not_enabled(table: str) -> DataverseError:
    return DataverseError(400, "0x8006088d", f"Optimistic concurrency isn't enabled for entity type {table}.")


def duplicate_found(status: int) -> DataverseError:
    message = "A record was not created or updated because a duplicate of the current record already exists."
    return DataverseError(status, "0x80040333", message)


def delete_blocked(table: str) -> DataverseError:
    message = f"The object you tried to delete is associated with another object and cannot be deleted: {table}."
    return DataverseError(405, "0x80040227", message)


# --- privileges -----------------------------------------------------------------------------------------------------


def not_a_member() -> DataverseError:
    return DataverseError(403, "0x80072560", "The user is not a member of the organization.")


def user_disabled(user_id: str) -> DataverseError:
    return DataverseError(403, "0x80040225", f"The specified user(Id = {user_id}) is disabled.")


def no_roles(user_id: str) -> DataverseError:
    return DataverseError(403, "0x80042f09", f"The user with id = {user_id} has not been assigned any roles.")


def privilege_missing(principal: str, *, privilege: str, privilege_id: str, code: int, table: str) -> DataverseError:
    message = f"{principal} is missing {privilege} privilege (Id={privilege_id}) on OTC={code} for entity '{table}'."
    return DataverseError(403, "0x80040220", message)


def owner_lacks_privilege() -> DataverseError:
    return DataverseError(403, "0x80040231", "Target user or team does not hold required privileges.")


def row_access_denied(table: str, row_id: str) -> DataverseError:
    message = f"The caller does not have the access that is needed to the {table} with id {row_id}."
    return DataverseError(403, "0x80048306", message)


def owner_disabled(user_id: str) -> DataverseError:
    return DataverseError(400, "0x80040225", f"The specified user(Id = {user_id}) is disabled.")


def owner_invalid() -> DataverseError:
    return DataverseError(400, "0x80040229", "The owner is neither a user nor a team.")


# --- values ---------------------------------------------------------------------------------------------------------


def payload(set_name: str, reason: str) -> DataverseError:
    return DataverseError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{set_name}', For more information on this "
        f"error please follow this help link {HELP}  ---->  InnerException : Microsoft.OData.ODataException: {reason}",
    )


def unknown_property(set_name: str, table: str, name: str) -> DataverseError:
    return payload(
        set_name,
        f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table}'. "
        "Make sure to only use property names that are defined by the type.",
    )


def unknown_bind(set_name: str, name: str) -> DataverseError:
    return payload(
        set_name,
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value "
        "was found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values.",
    )


def text_too_long(column: str, table: str, limit: int) -> DataverseError:
    message = (
        f"A validation error occurred.  The length of the '{column}' attribute of the '{table}' entity exceeded the "
        f"maximum allowed length of '{limit}'."
    )
    return DataverseError(400, "0x80044331", message)


def text_has_control_characters(column: str, character: str) -> DataverseError:
    message = f"The data in the field {column} has an invalid character: '\\u{ord(character):04x}'."
    return DataverseError(400, "0x80040278", message)


def number_out_of_range(column: str, table: str, *, kind: str, limits: str) -> DataverseError:
    code = "0x8004432f" if kind in {"Integer", "BigInt"} else "0x80044330"
    message = f"A validation error occurred. The value of '{column}' on record of type '{table}' is outside {limits}."
    return DataverseError(400, code, message)


def option_unknown(column: str, table: str, value: object) -> DataverseError:
    message = (
        f"A validation error occurred. The value {value} of '{column}' on record of type '{table}' is outside the "
        "valid range."
    )
    return DataverseError(400, "0x8004431a", message)


def status_mismatch(status: object, state: str, table: str) -> DataverseError:
    message = f"{status} is not a valid status code for state code {state} on {table}."
    return DataverseError(400, "0x80048408", message)


def date_out_of_range() -> DataverseError:
    message = "DateTime is less than minumum value supported by CrmDateTime. Actual value: below 01/01/1753."
    return DataverseError(400, "0x80040239", message)


def required_missing(columns: str) -> DataverseError:
    return DataverseError(400, "0x80040200", f"Required field '{columns}' is missing.")


def invalid_argument(message: str) -> DataverseError:
    return DataverseError(400, "0x80040203", message)


def lookup_written_directly() -> DataverseError:
    message = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
    return DataverseError(400, "0x80060888", message)


# --- addresses and queries ------------------------------------------------------------------------------------------


def segment_unknown(segment: str) -> DataverseError:
    return DataverseError(404, "0x80060888", f"Resource not found for the segment '{segment}'.")


def property_unknown(name: str, table: str) -> DataverseError:
    message = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
    return DataverseError(400, "0x80060888", message)


def query_invalid(message: str) -> DataverseError:
    return DataverseError(400, "0x80060888", message)


def types_differ(left: str, right: str, operator: str) -> DataverseError:
    names = {"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "lt": "LessThan"}
    names |= {"ge": "GreaterThanOrEqual", "le": "LessThanOrEqual"}
    return query_invalid(
        "A binary operator with incompatible types was detected. Found operand types "
        f"'Edm.{left}' and 'Edm.{right}' for operator kind '{names[operator]}'."
    )


def too_many_conditions() -> DataverseError:
    return DataverseError(400, "0x8004430c", "The number of conditions in the query exceeded the limit of 500.")


def method_not_allowed(method: str) -> DataverseError:
    message = f"The requested resource does not support http method '{method}'."
    return DataverseError(405, "0x8006088a", message)


def bad_request(message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> DataverseError:
    return DataverseError(status, "0x8006088a", message)


def table_unknown(name: str) -> DataverseError:
    message = f"The entity with a name = '{name}' was not found in the MetadataCache."
    return DataverseError(404, "0x80060888", message)


def attribute_unknown(name: str, table: str) -> DataverseError:
    return DataverseError(404, "0x80060888", f"The attribute '{name}' was not found on the entity '{table}'.")


def message_unsupported(message: str, table: str) -> DataverseError:
    text = f"The '{message}' method does not support entities of type '{table}'."
    return DataverseError(400, "0x80040800", f"{text} MessageProcessorCache returned MessageProcessor.Empty.")


def message_not_implemented(message: str) -> DataverseError:
    return DataverseError(400, "0x80040216", f"{message} has not yet been implemented.")


def not_simulated(what: str) -> DataverseError:
    """What Dataverse does and this simulator does not: loud, so that nobody takes it for an answer."""
    return DataverseError(501, "", f"The simulator does not carry out {what}.")


# --- actions --------------------------------------------------------------------------------------------------------


def list_member_invalid(message: str) -> DataverseError:
    return DataverseError(400, "0x80040301", message)


def change_tracking_off(table: str) -> DataverseError:
    return DataverseError(400, "0x80072491", f"Change tracking is not enabled for the entity {table}.")
