"""Whether a JSON value has the shape that the official types of the protocol give it.

The types are those of PyPI's `lsprotocol`, which is generated from the protocol's meta model. Its own converter drops
members that it does not know; here they are problems, as are nulls where the protocol has an absent member."""

import enum
import functools
import types as python_types
import typing
from collections.abc import Mapping, Sequence

import attrs
from lsprotocol import types


def message_problems(message, method):
    """What is wrong with a request, a notification, or (with the method it answers) a response."""
    names = types.METHOD_TO_TYPES.get(method)
    if "method" in message:
        if names is None:
            return [] if method.startswith("pleach/") else [f"{method} is not a method of the protocol"]
        return list(problems(message, names[0], method))
    if "error" in message:
        return list(problems(message, types.ResponseErrorMessage, f"{method} error"))
    if names is None or method == types.WORKSPACE_EXECUTE_COMMAND:
        return [] if {*message} == {"jsonrpc", "id", "result"} else [f"{method}: members of an answer are {sorted(message)}"]
    if names[1] is types.ShutdownResponse or names[1] is None:
        return [] if message.get("result", 0) is None else [f"{method}: the answer is null"]
    return list(problems(message, names[1], f"{method} result"))


def value_problems(value, kind, where):
    """What is wrong with a value that stands where the protocol allows anything, such as that of `$/progress`."""
    return list(problems(value, kind, where))


def problems(value, kind, where):
    kind = _named(kind)
    if kind is typing.Any or kind is object or kind == types.LSPAny or kind == types.LSPObject:
        return
    origin = typing.get_origin(kind)
    if origin in (typing.Union, python_types.UnionType):
        yield from _any_of(value, typing.get_args(kind), where)
    elif origin is typing.Literal:
        if value not in typing.get_args(kind):
            yield f"{where}: {value!r} is not one of {typing.get_args(kind)}"
    elif origin is tuple:
        parts = typing.get_args(kind)
        if not isinstance(value, list) or len(value) != len(parts):
            yield f"{where}: {value!r} has not {len(parts)} parts"
        else:
            for at, (part, inner) in enumerate(zip(value, parts)):
                yield from problems(part, inner, f"{where}[{at}]")
    elif origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            yield f"{where}: {_short(value)} is not an object"
            return
        for name, member in value.items():
            yield from problems(member, typing.get_args(kind)[1], f"{where}.{name}")
    elif origin is not None and issubclass(origin, Sequence):
        if not isinstance(value, list):
            yield f"{where}: {_short(value)} is not an array"
            return
        for at, element in enumerate(value):
            yield from problems(element, typing.get_args(kind)[0], f"{where}[{at}]")
    elif attrs.has(kind):
        yield from _members(value, kind, where)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        if value not in [variant.value for variant in kind]:
            yield f"{where}: {value!r} is no {kind.__name__}"
    elif kind is type(None):
        if value is not None:
            yield f"{where}: {_short(value)} is not null"
    elif kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            yield f"{where}: {_short(value)} is not a number"
    elif type(value) is not kind:
        yield f"{where}: {_short(value)} is no {kind.__name__}"


def _any_of(value, kinds, where):
    """The problems of the alternative that comes nearest."""
    best = None
    for kind in kinds:
        found = list(problems(value, kind, where))
        if not found:
            return
        if best is None or len(found) < len(best):
            best = found
    yield from best


def _members(value, kind, where):
    if not isinstance(value, dict):
        yield f"{where}: {_short(value)} is not an object ({kind.__name__})"
        return
    known = _fields(kind)
    for name in value.keys() - known.keys():
        yield f"{where}: {kind.__name__} has no member {name!r}"
    for name, (field, field_kind, is_required, is_nullable) in known.items():
        if name not in value:
            if is_required:
                yield f"{where}: {kind.__name__} lacks {name!r}"
            continue
        member = value[name]
        if member is None and is_nullable:
            continue
        if member is None and field_kind != types.LSPAny and not _is_any(field_kind):
            yield f"{where}.{name}: null stands where the protocol has an absent member"
            continue
        yield from problems(member, field_kind, f"{where}.{name}")
        if isinstance(member, int) and field.validator is not None:
            try:
                field.validator(None, field, member)
            except (ValueError, TypeError) as wrong:
                yield f"{where}.{name}: {wrong}"


@functools.cache
def _fields(kind):
    """Of each member: its field, its type, whether it must be there, whether it may be null."""
    hints = typing.get_type_hints(kind, vars(types), types.ALL_TYPES_MAP)
    fields = {}
    for field in attrs.fields(kind):
        is_nullable = types.is_special_property(kind, field.name) or (
            field.name == "result" and type(None) in typing.get_args(hints[field.name])
        )
        is_required = field.default is attrs.NOTHING or (is_nullable and field.name in ("result", "id"))
        fields[_camel(field.name)] = (field, hints[field.name], is_required, is_nullable)
    return fields


def _is_any(kind):
    return typing.Any in typing.get_args(kind) or kind is typing.Any


def _camel(name):
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _named(kind):
    if isinstance(kind, typing.ForwardRef):
        kind = kind.__forward_arg__
    return types.ALL_TYPES_MAP[kind] if isinstance(kind, str) else kind


def _short(value):
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
