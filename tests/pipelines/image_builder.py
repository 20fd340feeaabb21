"""What of a template for Azure Image Builder can be checked without Azure.

    image_builder.py lint TEMPLATE                      ends with 1 and says where it is wrong
    image_builder.py steps TEMPLATE PATH NAME=VALUE...  the commands of a shell step, with these parameters

The lint holds a template against the models of Microsoft's own package, azure-mgmt-imagebuilder, and takes each field
at its word: unknown names, unknown types, missing fields and wrong kinds of values are refused. The package alone
refuses none of these, nor does the published JSON schema, whose kinds of steps have no required fields and no `type`.
"""

import enum
import json
import re
import sys

from azure.mgmt.imagebuilder import models

API = "2024-02-01"
EXPRESSION = re.compile(r"\[(?!\[).*\]", re.DOTALL)
PARAMETER = re.compile(r"parameters\('([^']*)'\)")
KINDS = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


class Wrong(Exception):
    """Where a template is wrong, and how."""


def is_expression(value):
    return isinstance(value, str) and EXPRESSION.fullmatch(value)


def of_kind(kind, value, where):
    """Holds a value against a type as the models write it: str, int, [Model], {str}, Model."""
    if is_expression(value):
        return
    if kind.startswith("["):
        if not isinstance(value, list):
            raise Wrong(f"{where}: a list is wanted")
        for at, item in enumerate(value):
            of_kind(kind[1:-1], item, f"{where}[{at}]")
    elif kind.startswith("{"):
        if not isinstance(value, dict):
            raise Wrong(f"{where}: an object is wanted")
        for name, item in value.items():
            of_kind(kind[1:-1], item, f"{where}.{name}")
    elif kind in KINDS:
        if not isinstance(value, KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
            raise Wrong(f"{where}: {kind} is wanted, not {value!r}")
    elif hasattr(models, kind):
        of_model(getattr(models, kind), value, where)
    else:
        raise Wrong(f"{where}: the models do not say what {kind} is")


def of_model(model, value, where):
    if issubclass(model, enum.Enum):
        if value not in [one.value for one in model]:
            raise Wrong(f"{where}: {value!r} is none of {[one.value for one in model]}")
        return
    if not isinstance(value, dict):
        raise Wrong(f"{where}: an object is wanted, not {value!r}")
    subtypes = getattr(model, "_subtype_map", {}).get("type")
    if subtypes:
        if value.get("type") not in subtypes:
            raise Wrong(f"{where}.type: {value.get('type')!r} is none of {sorted(subtypes)}")
        model = getattr(models, subtypes[value["type"]])
    fields = {field["key"]: (name, field["type"]) for name, field in model._attribute_map.items()}
    rules = getattr(model, "_validation", {})
    for key, item in value.items():
        if key not in fields:
            raise Wrong(f"{where}.{key}: there is no such field in {model.__name__}: {sorted(fields)}")
        name, kind = fields[key]
        if rules.get(name, {}).get("readonly"):
            raise Wrong(f"{where}.{key}: Azure sets this one itself")
        of_kind(kind, item, f"{where}.{key}")
    for name, rule in rules.items():
        key = model._attribute_map[name]["key"]
        if rule.get("required") and key not in value:
            raise Wrong(f"{where}.{key} is missing")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def lint(template):
    declared = set(template.get("parameters", {}))
    used = set()
    for text in strings(template["resources"]):
        if text.startswith("[") and not is_expression(text):
            raise Wrong(f"{text!r} begins as an expression of Azure's and is none")
        if is_expression(text):
            calls = set(PARAMETER.findall(text))
            if not calls:
                raise Wrong(f"{text!r} is an expression of Azure's; a shell's [ is written test")
            used |= calls
    if used - declared:
        raise Wrong(f"parameters that are not declared: {sorted(used - declared)}")
    if declared - used:
        raise Wrong(f"parameters that nothing uses: {sorted(declared - used)}")
    for resource in template["resources"]:
        kind, version = resource.pop("type", None), resource.pop("apiVersion", None)
        if (kind, version) != ("Microsoft.VirtualMachineImages/imageTemplates", API):
            raise Wrong(f"{kind} {version}: the models are those of imageTemplates {API}")
        resource.pop("name")
        # The models have `properties` unfolded into the resource.
        unfolded = {f"properties.{key}": item for key, item in resource.pop("properties").items()}
        of_model(models.ImageTemplate, {**resource, **unfolded}, "imageTemplates")


def evaluate(text, values):
    """The only expressions that the shell steps use: concat of text and parameters."""
    if not is_expression(text):
        return text
    inside = re.fullmatch(r"\[concat\((.*)\)\]", text)
    if not inside:
        raise Wrong(f"{text!r} is not a concat")
    parts = re.findall(r"parameters\('([^']*)'\)|'([^']*)'", inside.group(1))
    return "".join(values[name] if name else literal for name, literal in parts)


def steps(template, path, values):
    place = template["resources"][0]["properties"]
    for name in path.split("."):
        place = place[int(name)] if name.isdigit() else place[name]
    return [evaluate(line, values) for line in place["inline"]]


def main(command, file, *rest):
    with open(file, encoding="utf-8") as opened:
        template = json.load(opened)
    if command == "lint":
        lint(template)
    else:
        print("\n".join(steps(template, rest[0], dict(value.split("=", 1) for value in rest[1:]))))


try:
    main(*sys.argv[1:])
except Wrong as wrong:
    sys.exit(f"image_builder.py: {wrong}")
