"""The templates by themselves: every name is declared, modules are given what they take, everything is explained."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.package.ours import PROJECT
from tests.infra.azure.bicep import BicepError, Call, Choice, Declared, Joined, Name, Operation, Template, read

TOKEN = "a" * 13  # what uniqueString() answers is as long
# https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions
FUNCTIONS = {
    *("description", "allowed", "minLength", "maxLength", "minValue", "maxValue"),
    *("empty", "environment", "guid", "loadTextContent", "resourceGroup", "string", "subscription"),
    *("subscriptionResourceId", "toLower", "union", "uniqueString"),
}
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
NAMES = {
    "microsoft.insights/actiongroups": r"[^*#&+:<>?@%{}\\/|]{1,260}(?<![ .])",
    "microsoft.insights/components": r"[\w.()-]{1,260}(?<!\.)",
    "microsoft.insights/scheduledqueryrules": r"[^*<>%{}&:\\?/#|]{1,260}",
    "microsoft.keyvault/vaults": r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "microsoft.managedidentity/userassignedidentities": r"[a-zA-Z0-9][\w-]{2,127}",
    "microsoft.operationalinsights/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
    "microsoft.storage/storageaccounts": r"[a-z0-9]{3,24}",
    "microsoft.storage/storageaccounts/blobservices/containers": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "microsoft.storage/storageaccounts/queueservices/queues": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "microsoft.storage/storageaccounts/tableservices/tables": r"[a-zA-Z][a-zA-Z0-9]{2,62}",
    "microsoft.web/serverfarms": r"[a-zA-Z0-9-]{1,60}",
    # The host makes its id of the first 32 characters; two apps on one storage account would otherwise share timers.
    "microsoft.web/sites": r"[a-zA-Z0-9][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]",
}


def inside(value: Any) -> Iterator[Any]:
    """The value and all that it is made of."""
    yield value
    match value:
        case dict():
            parts: list[Any] = [*value.keys(), *value.values()]
        case list():
            parts = value
        case Call(_, arguments):
            parts = [*arguments]
        case Choice(condition, options):
            parts = [condition, *options]
        case Joined(joined):
            parts = [*joined]
        case Operation(operands):
            parts = [*operands]
        case _:
            parts = []
    for part in parts:
        yield from inside(part)


def expressions(template: Template) -> Iterator[tuple[Any, set[str]]]:
    """Every value in the file, with the names that are known there besides the declared ones."""
    for parameter in template.parameters.values():
        yield parameter.default, set()
    for value in template.variables.values():
        yield value, set()
    for output in template.outputs.values():
        yield output.value, set()
    for declared in (*template.resources.values(), *template.modules.values()):
        known = {declared.loop[0]} if declared.loop else set()
        yield declared.body, known
        yield declared.condition, known
        yield (declared.loop[1] if declared.loop else None), set()


def test_every_name_is_declared(templates: dict[str, Template]) -> None:
    """And every function is one of the language's."""
    for template in templates.values():
        for value, known in expressions(template):
            for part in inside(value):
                if isinstance(part, Name):
                    assert part.root in template.declared | known, f"{template.path.name}: {part.root}"
                if isinstance(part, Call):
                    assert part.function in FUNCTIONS, f"{template.path.name}: {part.function}"


def test_everything_declared_is_used(templates: dict[str, Template]) -> None:
    """No parameter or variable is left over from a former thought."""
    for template in templates.values():
        used = {part.root for value, _ in expressions(template) for part in inside(value) if isinstance(part, Name)}
        assert {*template.parameters, *template.variables} <= used, template.path.name


def test_modules_are_given_what_they_take(templates: dict[str, Template]) -> None:
    """Nothing more, nothing less; and what is taken from them, they give."""
    main = templates["main"]
    for symbol, module in main.modules.items():
        template = read(main.path.parent / module.what)
        needed = {name for name, parameter in template.parameters.items() if not parameter.has_default}
        assert needed <= set(module.body["params"]) <= set(template.parameters), symbol
    for value, _ in expressions(main):
        for part in inside(value):
            if isinstance(part, Name) and part.root in main.modules:
                given = read(main.path.parent / main.modules[part.root].what).outputs
                assert part.path[0] == "outputs", part
                assert part.path[1] in given, part


def test_every_module_is_used(templates: dict[str, Template]) -> None:
    """Each file under modules/ is deployed."""
    assert {module.what for module in templates["main"].modules.values()} == {
        f"modules/{name}.bicep" for name in templates if name != "main"
    }


def test_everything_is_explained(templates: dict[str, Template]) -> None:
    """Parameters and outputs have a description, those of main.bicep a sentence."""
    for template in templates.values():
        explained = {name: each.decorators for name, each in template.parameters.items()}
        explained |= {name: each.decorators for name, each in template.outputs.items()}
        for name, decorators in explained.items():
            assert decorators.get("description", "").endswith("."), f"{template.path.name}: {name}"


@pytest.mark.parametrize("text", ["param a string =", "resource x 'T@1' = {\n  a = 1\n}", "var x = [\n", "}"])
def test_what_cannot_be_read_is_refused(text: str, templates: dict[str, Template]) -> None:
    """The reader guesses nothing."""
    with pytest.raises(BicepError, match="line"):
        read(templates["main"].path, text)


def _names(template: Template, declared: Declared) -> list[str]:
    """The names that a resource gets, for a token of the usual length."""
    if declared.loop is None:
        return [_filled(declared.body["name"], template, {})]
    variable, items = declared.loop
    values = template.variables[items.root]
    return [_filled(declared.body["name"], template, {variable: value}) for value in values]


def _filled(value: Any, template: Template, loop: dict[str, Any]) -> str:
    match value:
        case str():
            return value
        case Joined(parts):
            return "".join(_filled(part, template, loop) for part in parts)
        case Name("token", ()):
            return TOKEN
        case Name(root, ()) if root in loop:
            return str(loop[root])
        case Name(root, (field,)) if root in loop:
            return str(loop[root][field])
        case Name(root, ()):
            return str(template.variables[root])
    raise AssertionError(f"a name made of {value}")


def test_names_are_within_azures_limits(templates: dict[str, Template]) -> None:
    """Length and characters; what is not checked here is named by Azure itself."""
    checked = 0
    for template in templates.values():
        for declared in template.resources.values():
            kind = declared.what.partition("@")[0].lower()
            if declared.existing or kind not in NAMES:
                continue
            for name in _names(template, declared):
                assert re.fullmatch(NAMES[kind], name), f"{kind}: {name}"
                checked += 1
    assert checked > 15


def test_the_action_groups_short_name(templates: dict[str, Template]) -> None:
    """At most twelve characters."""
    assert len(templates["alerts"].resources["people"].body["properties"]["groupShortName"]) <= 12


def test_parameters_file(templates: dict[str, Template]) -> None:
    """What azd fills in are parameters, and the one without a default is among them."""
    given = json.loads((PROJECT / "infra" / "main.parameters.json").read_text())["parameters"]
    parameters = templates["main"].parameters
    assert (
        {name for name, parameter in parameters.items() if not parameter.has_default} <= set(given) <= set(parameters)
    )


def test_no_secret_comes_out(templates: dict[str, Template]) -> None:
    """Outputs stay in the deployment's history: none holds a key or a connection string."""
    for template in templates.values():
        for name, output in template.outputs.items():
            assert not re.search(r"(?i)secret|password|connectionstring|key(?!_vault)", name), name
            asked = {part for part in inside(output.value) if isinstance(part, Call)}
            assert not {call.function for call in asked} & {"listKeys", "listSecrets"}
