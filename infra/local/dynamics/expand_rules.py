"""Which `$expand` Dataverse carries out, and which it refuses.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/join-tables

Duty: the documented limits, before anything is read. Names and privileges of what is expanded are `read_access`'.
"""

from collections.abc import Iterator, Sequence

from infra.local.dynamics import errors
from infra.local.dynamics.query_options import Expand
from infra.local.dynamics.schema import Association, Children, Schema, Table

_REFERENCE = "/$ref"


def require_possible(schema: Schema, table: Table, expand: Sequence[Expand], *, paged: bool) -> None:
    """`paged`: the request has a page size, which reaches into collections where an $expand stands in another."""
    if not expand:
        return
    for part in expand:
        _refuse_reference(schema, table, part)
    found = list(_relations(schema, table, expand))
    nested = any(part.options.expand for part, _ in found)
    for part, relation in found:
        _require_options(part, is_collection=relation is not None, nested=nested)
    _require_no_mixture([relation for _, relation in found], nested=nested)
    if paged and nested and any(relation is not None for _, relation in found):
        raise errors.not_simulated("pages of collections that are expanded beside a nested $expand")


def _refuse_reference(schema: Schema, table: Table, part: Expand) -> None:
    if not part.name.endswith(_REFERENCE):
        return
    if part.name.removesuffix(_REFERENCE) in schema.collections(table.name):
        raise errors.query_invalid("Expand with $ref is only supported on lookup type navigation property.")
    raise errors.not_simulated("$expand of references")


def _relations(
    schema: Schema, table: Table, expand: Sequence[Expand]
) -> Iterator[tuple[Expand, Children | Association | None]]:
    """Each expansion at any depth, with its collection; None for a lookup."""
    for part in expand:
        relation = schema.collections(table.name).get(part.name)
        yield part, relation
        target = schema.tables.get(_target(table, part.name, relation))
        if target is not None:
            yield from _relations(schema, target, part.options.expand)


def _target(table: Table, name: str, relation: Children | Association | None) -> str:
    if relation is None:
        return table.singles[name].target if name in table.singles else ""
    return relation.target if isinstance(relation, Association) else relation.child


def _require_options(part: Expand, *, is_collection: bool, nested: bool) -> None:
    if (part.options.order or part.options.top is not None) and (nested or not is_collection):
        raise errors.query_invalid(
            "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested "
            "one-to-many relationship."
        )
    if part.options.filter is not None and not is_collection:
        raise errors.not_simulated("$filter on an expanded lookup")


def _require_no_mixture(relations: Sequence[Children | Association | None], *, nested: bool) -> None:
    """Many-to-many relationships stand neither with others nor within another."""
    many = [isinstance(relation, Association) for relation in relations]
    if any(many) and (nested or not all(many)):
        raise errors.query_invalid("Many-to-many relationships cannot be expanded together with others.")
