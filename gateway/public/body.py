"""The body of a post as names and values: urlencoded, multipart or JSON, strict UTF-8, bounded before it is parsed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from contracts import errors
from gateway.forms import MAX_FIELDS, Flaw
from gateway.public import refusal
from gateway.public.refusal import Refused, refused

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
HTML = "text/html"

HONEYPOTS = ("_gotcha", "bot-field", "_honeypot", "botcheck")
"""Fields that people do not see and leave empty."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted.

    fields: what the visitor typed. instructions: names that begin with `_`, never stored.
    is_trap: a honeypot is filled.
    """

    fields: dict[str, str]
    instructions: dict[str, str]
    is_trap: bool


def is_json(mimetype: str) -> bool:
    """Whether this is JSON, or a format made of it, such as application/problem+json."""
    return mimetype == JSON or mimetype.endswith("+json")


def read_post(request: Request) -> Posted:
    """Reads the body of `request`.

    Raises:
        Refused: 400 not UTF-8 or not what its type says, 408 too slow, 413 too large, 415 another type, 422 a file.
    """
    kind = request.mimetype
    body = _read(request)
    if kind == URLENCODED:
        return sort_out(_urlencoded(body))
    if kind == MULTIPART:
        return sort_out(_multipart(body, request.headers["Content-Type"]))
    if is_json(kind):
        return sort_out(_json(body))
    raise refused(415, refusal.UNSUPPORTED_TYPE)


def sort_out(pairs: Iterable[tuple[str, str]]) -> Posted:
    """Tells fields from instructions; values of a repeated name are joined."""
    fields: dict[str, str] = {}
    instructions: dict[str, str] = {}
    for name, value in pairs:
        name = name.strip()
        if not name:
            continue
        target = instructions if name[0] == "_" or name in HONEYPOTS else fields
        if name in target and target is fields:
            value = f"{fields[name]}, {value}" if fields[name] else value
        target[name] = value
    return Posted(fields, instructions, any(instructions.get(name, "").strip() for name in HONEYPOTS))


def _read(request: Request) -> bytes:
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise refused(413, refusal.TOO_LARGE) from None
    except (ClientDisconnected, OSError):
        raise refused(408, refusal.TOO_SLOW) from None
    if len(body) < (request.content_length or 0):  # cut off: half an answer is not what the visitor sent
        raise refused(408, refusal.TOO_SLOW)
    return body


def _urlencoded(body: bytes) -> Iterator[tuple[str, str]]:
    if body.count(b"&") >= MAX_FIELDS:
        raise refused(413, refusal.TOO_MANY_FIELDS)
    for part in body.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield _unquoted(name), _unquoted(value)


def _unquoted(text: bytes) -> str:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" in text:
        text = unquote_to_bytes(text)
    return _decoded(text)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise refused(400, refusal.NOT_UTF8) from None


def _multipart(body: bytes, content_type: str) -> list[tuple[str, str]]:
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        raise refused(400, refusal.INVALID_BODY)
    decoder = MultipartDecoder(boundary.encode(), max_parts=MAX_FIELDS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    try:
        return list(_parts(decoder))
    except RequestEntityTooLarge:
        raise refused(413, refusal.TOO_MANY_FIELDS) from None
    except UnicodeDecodeError:
        raise refused(400, refusal.NOT_UTF8) from None
    except (ValueError, AttributeError, TypeError):
        raise refused(400, refusal.INVALID_BODY) from None


def _parts(decoder: MultipartDecoder) -> Iterator[tuple[str, str]]:
    name, is_file, value = "", False, b""
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, Field | File):
            name, is_file, value = event.name, isinstance(event, File), b""
            if name is None:
                raise ValueError("a part without a name")
        elif isinstance(event, Data):
            value += event.data
            if event.more_data:
                continue
            if not is_file:
                yield name, value.decode()
            elif value:  # a file input left empty arrives as an empty file
                raise refused(422, refusal.FILE_NOT_ACCEPTED, name)


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        _decoded(body)
        raise refused(400, refusal.INVALID_JSON) from None
    if not isinstance(document, dict):
        raise refused(400, refusal.INVALID_JSON)
    return texts_of(document)


def texts_of(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values of a flat JSON object as text.

    Raises:
        Refused: 413 too many names; 422 a value that is neither text, number, truth value, null nor a list of them.
    """
    if len(document) > MAX_FIELDS:
        raise refused(413, refusal.TOO_MANY_FIELDS)
    for name, value in document.items():
        if isinstance(value, list) and len(value) <= MAX_FIELDS:
            yield name, ", ".join(_text_of(name, item) for item in value)
        else:
            yield name, _text_of(name, value)


def _text_of(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise Refused(422, [Flaw(name, errors.INVALID)])
