"""Reads a dashboard by Grafana's own model and writes it again: what is lost or changed on the way is no field of Grafana's,
and a value of another type than the model has is none of its values.

Called with the file. Says what does not fit, and ends with 1 where something does not.
"""

import enum
import inspect
import json
import sys
import typing

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard


def changes(ours, theirs, path=""):
    """What the model loses or changes."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from changes(value, theirs[key], f"{path}/{key}")
            elif value is not None:
                yield f"{path}/{key} is unknown"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (value, other) in enumerate(zip(ours, theirs)):
            yield from changes(value, other, f"{path}/{index}")
    elif ours != theirs:
        yield f"{path}: {ours!r} becomes {theirs!r}"


def fits(value, hint):
    """Whether a value is of the type that the model has for its place."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        return any(fits(value, arg) for arg in args)
    if origin is typing.Literal:
        return value in args
    if origin in (list, dict):
        values = value.values() if isinstance(value, dict) else value
        return isinstance(value, origin) and all(fits(item, args[-1]) for item in values)
    if not inspect.isclass(hint) or hint is object or hasattr(hint, "to_json") or typing.is_typeddict(hint):
        return True
    if issubclass(hint, enum.Enum):
        return value in {member.value for member in hint}
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return not hint.__module__ == "builtins" or isinstance(value, hint)


def misfits(value, path=""):
    """Values of the wrong type, in an object of the model and below it."""
    if isinstance(value, (list, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from misfits(item, f"{path}/{key}")
    elif hasattr(value, "to_json"):
        hints = typing.get_type_hints(type(value))
        for name, item in vars(value).items():
            if not fits(item, hints.get(name, object)):
                yield f"{path}/{name}: {item!r} is no {hints[name]}"
            yield from misfits(item, f"{path}/{name}")


def main():
    register_default_plugins()
    with open(sys.argv[1], encoding="utf-8") as file:
        ours = json.load(file)
    model = dashboard.Dashboard.from_json(ours)
    theirs = json.loads(JSONEncoder().encode(model))
    found = [*changes(ours, theirs), *misfits(model)]
    print("\n".join(found))
    sys.exit(bool(found))


main()
