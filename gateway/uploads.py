"""A form with a file in it, read as it arrives: the file is never in memory or on disk whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Request
from werkzeug.exceptions import BadRequest
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

CHUNK = 64 * 1024
MOST_FIELDS = 20
LONGEST_FIELD = 10_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A form whose last field is a file.

    fields: what stands before the file. size: of the file in bytes, as the length of the whole says. chunks: the file,
    to be read once.
    """

    fields: Mapping[str, str]
    name: str
    size: int
    chunks: Iterator[bytes]


def begin(request: Request) -> Upload:
    """Reads a multipart form up to where its file begins.

    Raises:
        BadRequest: it is no such form, has no length or no file. RequestEntityTooLarge: it is longer than
            `request.max_content_length`.
    """
    boundary = parse_options_header(request.headers.get("Content-Type", ""))[1].get("boundary", "").encode()
    if not boundary or request.content_length is None:
        raise BadRequest("a multipart form with a Content-Length is needed")
    decoder = MultipartDecoder(boundary, max_parts=MOST_FIELDS)
    stream, fed = request.stream, 0

    def events() -> Iterator[Event]:
        nonlocal fed
        while True:
            event = decoder.next_event()
            if not isinstance(event, NeedData):
                yield event
                continue
            chunk = stream.read(CHUNK)
            fed += len(chunk)
            decoder.receive_data(chunk or None)

    fields: dict[str, str] = {}
    arriving = events()
    try:
        for event in arriving:
            if isinstance(event, Field):
                fields[event.name] = _text(arriving)
            elif isinstance(event, File):
                before = fed - len(decoder.buffer) + len(b"\r\n")  # of the headers, which the decoder keeps until later
                behind = len(b"\r\n--" + boundary + b"--\r\n")
                size = request.content_length - before - behind
                return Upload(fields, event.filename, size, _contents(arriving))
            elif isinstance(event, Epilogue):
                break
    except (ValueError, UnicodeDecodeError) as error:
        raise BadRequest(f"this is not a multipart form: {error}") from error
    raise BadRequest("there is no file in the form")


def _text(arriving: Iterator[Event]) -> str:
    value = b""
    for chunk in _contents(arriving):
        value += chunk
        if len(value) > LONGEST_FIELD:
            raise ValueError("a field is too long")
    return value.decode()


def _contents(arriving: Iterator[Event]) -> Iterator[bytes]:
    for event in arriving:
        if isinstance(event, Data):
            yield event.data
            if not event.more_data:
                return
