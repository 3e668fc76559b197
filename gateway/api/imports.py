"""Imports: a file is uploaded in parts, looked at, and loaded as contacts or as leads of a form."""

from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.errors import REQUIRED
from gateway import import_files
from gateway.accounts.noted import noted
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.shapes import instant, one_of
from gateway.api.values import Body, Flag, Identifier, Pattern, SeenVersion, Text, Whole
from gateway.parts import call
from runtime.errors import NotFound, invalid

STATES = ("uploading", "examining", "ready", "loading", "paused", "done", "cancelled", "failed")
TARGETS = ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document")
"""What a column of a file may fill on a contact's card."""

MAKES, STATUSES, DATES = ("contacts", "leads"), ("potential", "client"), ("dmy", "mdy", "ymd")
BINARY, CSV = "application/octet-stream", "text/csv"
LAST_PART = (limits.IMPORT_FILE_BYTES - 1) // limits.IMPORT_PART_BYTES
LAST_ROW = 2**31 - 1
REJECTED_ROWS = 500
_TARGET = "Empty leaves the column out; `+Label` keeps it with the contact under that label; else one of " + ", ".join(
    f"`{target}`" for target in TARGETS
)


class NewFile(Body):
    """A file that is about to be sent."""

    name = Text(required=True, validate=validate.Length(1, limits.FILE_NAME))
    size = Whole(1, limits.IMPORT_FILE_BYTES, required=True, metadata={"description": "In bytes."})


class Received(Answer):
    """How much of a file is there."""

    received = fields.Integer(metadata={"description": "Bytes."})


class Reading(Body):
    """How a file is to be read; what is left out is found out."""

    encoding = Text(validate=validate.Length(1, 40), metadata={"example": "latin-1"})
    delimiter = Text(validate=validate.Length(equal=1))
    sheet = Text(validate=validate.Length(1, 200), metadata={"description": "Of a workbook."})
    header_row = Whole(1, 1000, metadata={"description": "Which row names the columns; the first is 1."})


class Plan(Body):
    """What becomes of the rows."""

    makes = fields.String(required=True, validate=validate.OneOf(MAKES))
    form_id = Identifier(metadata={"description": "With `leads`: of which form. They are distributed at once."})
    source = Text(validate=validate.Length(max=limits.SOURCE))
    region = fields.String(
        validate=Pattern("[A-Z]{2}", "A country such as PT."),
        metadata={"example": "PT", "description": "Of phones without a prefix."},
    )
    status = fields.String(validate=validate.OneOf(STATUSES))
    one_lead_each = Flag(metadata={"description": "One lead for each contact, however many rows it has."})
    dates = fields.String(validate=validate.OneOf(DATES))
    columns = fields.List(
        Text(validate=validate.Length(max=limits.FIELD_NAME + 1)),
        required=True,
        validate=validate.Length(1, limits.IMPORT_COLUMNS),
        metadata={"description": f"What each column of the file fills, in their order. {_TARGET}."},
    )


class Start(Body):
    """The plan, and the version of the import it is for."""

    plan = fields.Nested(Plan, required=True)
    version = SeenVersion()


class Column(Answer):
    """A column of a file."""

    name = fields.String()
    kind = one_of(("text", "email", "phone", "date", "number", "empty"))
    target = fields.String(metadata={"description": f"What it seems to fill. {_TARGET}."})


class Found(Schema):
    """What a file turned out to be; empty until it was looked at, and in lists."""

    kind = one_of(("csv", "xlsx"))
    encoding = fields.String()
    delimiter = fields.String()
    sheet = fields.String()
    sheets = fields.List(fields.String())
    header_row = fields.Integer()
    dates = fields.String()
    columns = fields.List(fields.Nested(Column))
    rows = fields.List(fields.List(fields.String()), metadata={"description": "The first ones."})
    mapping = fields.String(metadata={"description": "Name of the saved mapping that fits; empty: none does."})
    plan = fields.Dict(keys=fields.String(), metadata={"description": "Of that mapping."})
    asked = fields.Dict(keys=fields.String(), metadata={"description": "How somebody said the file is written."})


class Failure(Answer):
    """Why an import cannot go on."""

    code = fields.String()
    message = fields.String()


class Import(Schema):
    """An import. One of rows that came without a file has `import_id` and `captured` only."""

    import_id = fields.UUID(required=True)
    captured = fields.Integer(metadata={"description": "Of an import of rows: leads by now."})
    name = fields.String()
    size = fields.Integer()
    received = fields.Integer()
    state = one_of(STATES)
    makes = fields.String()
    form_id = fields.UUID(allow_none=True)
    source = fields.String()
    region = fields.String()
    plan = fields.Dict(keys=fields.String())
    found = fields.Nested(Found, allow_none=True)
    total = fields.Integer(allow_none=True, metadata={"description": "Rows; null until they were counted."})
    next_row = fields.Integer()
    accepted = fields.Integer()
    rejected = fields.Integer()
    repeated = fields.Integer(metadata={"description": "Rows that were in already."})
    created = fields.Integer(metadata={"description": "New contacts."})
    known = fields.Integer(metadata={"description": "Rows of contacts that were known."})
    wrong_emails = fields.Integer()
    wrong_phones = fields.Integer()
    rate = fields.Integer(metadata={"description": "Rows per second, lately."})
    problem = fields.Nested(Failure, allow_none=True, metadata={"description": "Of one that failed."})
    by_name = fields.String()
    created_at = instant()
    started_at = instant(optional=True)
    finished_at = instant(optional=True)
    version = fields.Integer()
    same_as = fields.String(metadata={"description": "Id of a finished import of the same file; empty: none."})


class RowsQuery(Schema):
    """Which rejected rows."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LAST_ROW),
        metadata={"description": "`next` of the page before.", "example": 0},
    )
    limit = fields.Integer(load_default=50, validate=validate.Range(1, REJECTED_ROWS), metadata={"example": 50})


class Reason(Answer):
    """Why a row was not taken."""

    column = fields.String(metadata={"description": "Its name; empty: it is about the whole row."})
    code = fields.String()
    message = fields.String()


class RejectedLine(Answer):
    """A row that was not taken."""

    row = fields.Integer()
    cells = fields.List(fields.String())
    reasons = fields.List(fields.Nested(Reason))


class RejectedLines(Answer):
    """Rows that were not taken."""

    header = fields.List(fields.String())
    items = fields.List(fields.Nested(RejectedLine))
    next = fields.Integer(allow_none=True, metadata={"description": "`after` of the next page; null: the last."})


class NewMapping(Body):
    """What columns of such files mean."""

    name = Text(required=True, validate=validate.Length(1, limits.FORM_NAME))
    header = fields.List(
        Text(validate=validate.Length(max=limits.FIELD_VALUE)),
        required=True,
        validate=validate.Length(1, limits.IMPORT_COLUMNS),
    )
    plan = fields.Nested(Plan, required=True)


class Mapping(Answer):
    """A mapping that was kept."""

    mapping_id = fields.UUID()
    name = fields.String()
    header = fields.List(fields.String())
    plan = fields.Dict(keys=fields.String())


blueprint = Resource("imports", "imports", "Files that are brought in")
EXAMPLE_PLAN = {"makes": "contacts", "columns": ["name", "email", "phone", "+Notes", ""], "region": "PT"}


@blueprint.before_request
def admit_large_bodies() -> None:
    """A part of a file is more than a form may send."""
    request.max_content_length = limits.IMPORT_PART_BYTES


@blueprint.reads("", page_of(Import))
@blueprint.arguments(PageQuery, location="query")
def list_imports(query: dict[str, Any]) -> Response:
    """Imports of files, newest first."""
    return answer(call("capture", "list_imports", **query))


@blueprint.writes("", Import, status=201, scope="submit")
@blueprint.arguments(NewFile, example={"name": "clients.csv", "size": 4711})
def create_import(file: dict[str, Any]) -> Response:
    """Begins an import: now send the file in parts."""
    made = call("capture", "create_import", file=file)
    noted("began an import", made["import_id"], file=file["name"])
    return answer(made, 201, {"Location": f"/api/v1/imports/{made['import_id']}"})


@blueprint.writes("/<uuid:import_id>/parts/<int:number>", Received, method="PUT", scope="submit")
@blueprint.doc(
    requestBody={"required": True, "content": {BINARY: {"schema": {"type": "string"}, "example": "name;email"}}},
    parameters=[{"in": "path", "name": "number", "schema": {"type": "integer", "minimum": 0, "maximum": LAST_PART}}],
)
def put_part(import_id: object, number: int) -> Response:
    """Takes a part of the file, whose first is number 0: 524,288 bytes as they are, fewer in the last one. Parts may
    come in any order, and again."""
    raw = request.get_data(cache=False)
    if number > LAST_PART:
        raise NotFound("part", str(number))
    if not raw:
        raise invalid("data", REQUIRED, "send the bytes of the part as they are")
    return answer({"received": import_files.send_part(str(import_id), number, raw)})


@blueprint.writes("/<uuid:import_id>/uploaded", Import, scope="submit")
def finish_upload(import_id: object) -> Response:
    """Says that all parts were sent. The file is looked at: ask for the import until it is `ready`."""
    return answer(call("capture", "finish_upload", import_id=str(import_id)))


@blueprint.writes("/<uuid:import_id>/examine", Import, scope="submit")
@blueprint.arguments(Reading, example={"encoding": "latin-1", "delimiter": ";"})
def examine_import(settings: dict[str, Any], import_id: object) -> Response:
    """Looks at the file again, as somebody says it is written."""
    return answer(call("capture", "examine_import", import_id=str(import_id), settings=settings))


@blueprint.writes("/<uuid:import_id>/start", Import, scope="submit", card=True)
@blueprint.arguments(Start, example={"plan": EXAMPLE_PLAN, "version": 3})
def start_import(start: dict[str, Any], import_id: object) -> Response:
    """Begins to load a file that is `ready`."""
    identifier = str(import_id)
    with as_seen(start, lambda: int(call("capture", "get_import", import_id=identifier)["version"])) as version:
        started = call("capture", "start_import", import_id=identifier, plan=start["plan"], version=version)
    noted("started an import", identifier, file=started["name"])
    return card(started, started["version"])


@blueprint.writes("/<uuid:import_id>/pause", Import, scope="submit")
def pause_import(import_id: object) -> Response:
    """Stops loading for the time being."""
    paused = call("capture", "pause_import", import_id=str(import_id))
    noted("paused an import", str(import_id), file=paused["name"])
    return answer(paused)


@blueprint.writes("/<uuid:import_id>/resume", Import, scope="submit")
def resume_import(import_id: object) -> Response:
    """Goes on where it was paused, or failed for want of room."""
    resumed = call("capture", "resume_import", import_id=str(import_id))
    noted("resumed an import", str(import_id), file=resumed["name"])
    return answer(resumed)


@blueprint.writes("/<uuid:import_id>/cancel", Import, scope="submit")
def cancel_import(import_id: object) -> Response:
    """Gives an import up; rows that are in stay in."""
    cancelled = call("capture", "cancel_import", import_id=str(import_id))
    noted("cancelled an import", str(import_id), file=cancelled["name"])
    return answer(cancelled)


@blueprint.reads("/<uuid:import_id>", Import)
def get_import(import_id: object) -> Response:
    """How far an import is."""
    identifier = str(import_id)
    try:
        found = call("capture", "get_import", import_id=identifier)
    except NotFound:  # one of rows: capture knows its leads only, of which there may be none yet
        return answer({"import_id": identifier, **call("capture", "import_progress", import_id=identifier)})
    return card(found, found["version"])


@blueprint.reads("/<uuid:import_id>/rejected", RejectedLines)
@blueprint.arguments(RowsQuery, location="query")
def rejected(query: dict[str, Any], import_id: object) -> Response:
    """Rows that were not taken, and why."""
    return answer(call("capture", "import_rejected", import_id=str(import_id), **query))


@blueprint.reads("/<uuid:import_id>/rejected.csv", None)
@blueprint.doc(responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}})
def rejected_file(import_id: object) -> Response:
    """The same as a file: correct it, and import it. Its columns `_row` and `_reasons` are left out then."""
    return import_files.rejected_file(str(import_id), ",")


@blueprint.reads("/mappings", list_of(Mapping))
def list_mappings() -> Response:
    """Mappings that were kept."""
    return answer(call("capture", "list_mappings"))


@blueprint.writes("/mappings", Mapping, status=201)
@blueprint.arguments(
    NewMapping,
    example={"name": "Shop", "header": ["Nome", "E-mail", "Telefone", "Obs", "x"], "plan": EXAMPLE_PLAN},
)
def save_mapping(mapping: dict[str, Any]) -> Response:
    """Keeps what the columns of such files mean; one of the same name is replaced."""
    saved = call("capture", "save_mapping", **mapping)
    noted("kept a mapping", saved["mapping_id"], mapping=saved["name"])
    return answer(saved, 201, {"Location": "/api/v1/imports/mappings"})


@blueprint.writes("/mappings/<uuid:mapping_id>", None, method="DELETE", status=204)
def drop_mapping(mapping_id: object) -> Response:
    """Forgets a mapping."""
    call("capture", "drop_mapping", mapping_id=str(mapping_id))
    noted("dropped a mapping", str(mapping_id))
    return Response(status=204)
