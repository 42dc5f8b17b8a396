"""Dataclasses from JSON, by their type hints.

Members that a class does not have are ignored, so that a newer server can add some; a word outside a `Literal` is kept
for the same reason.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from backstay.errors import DecodeError

T = TypeVar("T")
Decoder = Callable[[Any], Any]

_DECODERS: dict[Any, Decoder] = {}
_FRACTION = re.compile(r"\.(\d+)")


def decode(kind: type[T], value: object) -> T:
    """`value`, decoded JSON, as a `kind`."""
    decoded: T = _decoder(kind)(value)
    return decoded


def to_datetime(text: str) -> datetime.datetime:
    """A time of RFC 3339, rounded down to microseconds."""
    padded = _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text, count=1)
    if padded.endswith(("Z", "z")):
        padded = padded[:-1] + "+00:00"
    try:
        return datetime.datetime.fromisoformat(padded)
    except ValueError:
        raise DecodeError(f"not a time: {text!r}") from None


def _decoder(kind: Any) -> Decoder:
    known = _DECODERS.get(kind)
    if known is None:
        known = _DECODERS[kind] = _new_decoder(kind)
    return known


def _new_decoder(kind: Any) -> Decoder:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or kind is object or origin is Literal:
        return lambda value: value
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if origin is tuple:
        return _sequence(_decoder(arguments[0]))
    if origin is dict:
        return _mapping(_decoder(arguments[1]))
    if kind is datetime.datetime:
        return _time
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    return _plain(kind)


def _optional(arguments: tuple[Any, ...]) -> Decoder:
    (inner,) = (each for each in arguments if each is not type(None))
    decoder = _decoder(inner)
    return lambda value: None if value is None else decoder(value)


def _sequence(element: Decoder) -> Decoder:
    def decode_sequence(value: Any) -> Any:
        if not isinstance(value, list):
            raise DecodeError(f"not a list: {value!r:.100}")
        return tuple(map(element, value))

    return decode_sequence


def _mapping(element: Decoder) -> Decoder:
    def decode_mapping(value: Any) -> Any:
        if not isinstance(value, dict):
            raise DecodeError(f"not an object: {value!r:.100}")
        return {name: element(member) for name, member in value.items()}

    return decode_mapping


def _time(value: Any) -> Any:
    if not isinstance(value, str):
        raise DecodeError(f"not a time: {value!r:.100}")
    return to_datetime(value)


def _plain(kind: type[Any]) -> Decoder:
    accepted: tuple[type[Any], ...] = (int, float) if kind is float else (kind,)

    def decode_plain(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise DecodeError(f"not a {kind.__name__}: {value!r:.100}")
        return value

    return decode_plain


def _object(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    members = []
    for each in dataclasses.fields(kind):
        required = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        members.append((each.name, _decoder(hints[each.name]), required))

    def decode_object(value: Any) -> Any:
        if not isinstance(value, dict):
            raise DecodeError(f"not an object: {value!r:.100}")
        given = {}
        for name, decoder, required in members:
            if name in value:
                given[name] = decoder(value[name])
            elif required:
                raise DecodeError(f"{kind.__name__} lacks `{name}`")
        return kind(**given)

    return decode_object
