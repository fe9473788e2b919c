"""How Dataverse refuses: a status, its own code, and words. One function for each refusal, named for its cause.

https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
"""


class Refusal(Exception):  # noqa: N818  # it is the service's ordinary answer
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def row_missing(table: str, row_id: str) -> Refusal:
    return Refusal(404, "0x80040217", f"Entity '{table.capitalize()}' With Id = {row_id} Does Not Exist")


def bind_target_missing(table: str, row_id: str) -> Refusal:
    return Refusal(400, "0x80040217", f"Entity '{table.capitalize()}' With Id = {row_id} Does Not Exist")


def row_exists() -> Refusal:
    return Refusal(412, "0x80040237", "A record with matching key values already exists.")


def stale_etag() -> Refusal:
    words = "The version of the existing record doesn't match the RowVersion property provided."
    return Refusal(412, "0x80060882", words)


def unknown_segment(segment: str) -> Refusal:
    return Refusal(404, "0x80060888", f"Resource not found for the segment '{segment}'.")


def unknown_property(name: str, table: str) -> Refusal:
    words = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
    return Refusal(400, "0x80060888", words)


def bad_query(words: str) -> Refusal:
    return Refusal(400, "0x80060888", words)


def too_many_conditions() -> Refusal:
    return Refusal(400, "0x8004430c", "Number of conditions in query exceeded maximum limit.")


def bad_payload(set_name: str, words: str) -> Refusal:
    return Refusal(
        400, "0x80048d19", f"Error identified in Payload provided by the user for Entity :'{set_name}', {words}"
    )


def unknown_payload_property(set_name: str, table: str, name: str) -> Refusal:
    words = f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table}'."
    return bad_payload(set_name, words)


def not_writable(column: str, table: str) -> Refusal:
    return Refusal(400, "0x80040203", f"Attribute '{column}' of entity '{table}' is not valid for this operation.")


def too_long(column: str, table: str, most: int) -> Refusal:
    return Refusal(
        400,
        "0x80044331",
        f"A validation error occurred.  The length of the '{column}' attribute of the '{table}' entity exceeded the "
        f"maximum allowed length of '{most}'.",
    )


def out_of_range(column: str, *, is_integer: bool) -> Refusal:
    code = "0x8004432f" if is_integer else "0x80044330"
    return Refusal(400, code, f"A validation error occurred. The value of '{column}' is outside the valid range.")


def unknown_option(column: str, table: str, value: object) -> Refusal:
    return Refusal(
        400,
        "0x8004431a",
        f"A validation error occurred. The value {value} of '{column}' on record of type '{table}' is outside the "
        "valid range.",
    )


def control_characters(column: str) -> Refusal:
    return Refusal(400, "0x80040278", f"Invalid character in field '{column}'.")


def wrong_status(column: str, value: object) -> Refusal:
    return Refusal(400, "0x80048408", f"{value} is not a valid {column} for the state.")


def not_a_member() -> Refusal:
    return Refusal(403, "0x80072560", "The user is not a member of the organization.")


def user_disabled() -> Refusal:
    return Refusal(403, "0x80040225", "The specified user is disabled.")


def bad_batch(words: str) -> Refusal:
    return Refusal(400, "0x80060888", words)


def not_allowed(method: str) -> Refusal:
    return Refusal(405, "0x8006088a", f"The requested resource does not support http method '{method}'.")
