"""Imports: a file is uploaded, looked at, and loaded; what was not taken comes back as a file."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from contracts import limits
from contracts.access import MANAGERS
from contracts.errors import TOO_LONG
from gateway import uploads
from gateway.accounts.noted import noted
from gateway.import_files import parts_of, rejected_file, send_part
from gateway.locales import current
from gateway.parts import call, call_if_there
from gateway.web import import_plan, import_words
from gateway.web.form_definition import countries, country_of
from gateway.web.import_plan import Plan
from gateway.web.pages import Pages, account, from_cursor, is_ours, is_partial, own_token
from gateway.web.shown import codes_of, problem_text
from gateway.worker import went_on
from runtime.errors import Conflict, Invalid, NotFound, Unavailable
from runtime.paging import MOST

pages = Pages("imports", MANAGERS)

PAGE = 30
MOVING = ("examining", "loading")
"""States that end by themselves."""

ENCODINGS = ("utf-8", "cp1252", "latin-1", "utf-16")


@pages.get("/imports")
def index() -> str:
    """All imports, newest first."""
    found = from_cursor(lambda cursor: call("capture", "list_imports", cursor=cursor, limit=PAGE))
    moves = any(card["state"] in MOVING for card in found["items"])
    if is_partial():
        return render_template("imports/_list.html", found=found, moves=moves, words=import_words)
    mappings = call_if_there("capture", "list_mappings")
    return render_template(
        "imports/index.html",
        found=found,
        moves=moves,
        words=import_words,
        mappings=mappings["items"] if mappings else [],
    )


@pages.get("/imports/new")
def new() -> str:
    """The page on which a file is chosen."""
    return _upload_page({})


def _upload_page(problems: dict[str, str]) -> str:
    return render_template("imports/upload.html", problems=problems, limits=limits, going_on=None)


@pages.post("/imports/new")
@own_token
def upload() -> Any:
    """Takes a file as a form sends it where there is no JavaScript, and hands it on as it arrives."""
    request.max_content_length = limits.IMPORT_FILE_BYTES + uploads.CHUNK
    try:
        sent = uploads.begin(request)
    except RequestEntityTooLarge:
        return _upload_page({"file": "file_too_large"}), 413
    except BadRequest:
        return _upload_page({"file": "required"}), 422
    if not is_ours(sent.fields.get("csrf_token", "")):
        return _upload_page({"file": "too_old"}), 400
    if not sent.name:
        return _upload_page({"file": "required"}), 422
    try:
        card = call("capture", "create_import", file={"name": sent.name[-limits.FILE_NAME :], "size": sent.size})
        identifier = card["import_id"]
        noted("began an import", identifier, file=card["name"])
        for number, raw in enumerate(parts_of(sent.chunks)):
            send_part(identifier, number, raw)
            went_on()
        call("capture", "finish_upload", import_id=identifier)
    except Invalid as error:
        return _upload_page({"file": _file_problem(error)}), 422
    except (ClientDisconnected, ValueError):
        return _upload_page({"file": "truncated"}), 400
    return redirect(url_for("imports.show", import_id=identifier), 303)


@pages.get("/imports/<uuid:import_id>")
def show(import_id: object) -> Any:
    """One import: what to do with its file, or how far it is."""
    card = call("capture", "get_import", import_id=str(import_id))
    if is_partial():
        if card["state"] != request.args.get("state"):
            return Response(status=204, headers={"HX-Refresh": "true"})  # the page of another state is another page
        return render_template("imports/_progress.html", card=card, words=import_words)
    if card["state"] == "ready":
        return _preview(card)
    return _page_of(card)


def _page_of(card: dict[str, Any]) -> str:
    earlier = call_if_there("capture", "get_import", import_id=card["same_as"]) if card["same_as"] else None
    return render_template(
        "imports/upload.html" if card["state"] == "uploading" else "imports/show.html",
        card=card,
        going_on=card,
        earlier=earlier,
        words=import_words,
        encodings=ENCODINGS,
        limits=limits,
        problems={},
    )


def _preview(card: dict[str, Any], plan: Plan | None = None, problems: dict[str, str] | None = None) -> str:
    """The page of a file that waits to be loaded. plan: what was chosen already."""
    kept = call_if_there("capture", "list_mappings")
    mappings = kept["items"] if kept else []
    chosen = request.args.get("mapping")
    if plan is None:
        plan = import_plan.suggested(card, mappings, chosen, country_of(account().time_zone))
    earlier = call_if_there("capture", "get_import", import_id=card["same_as"]) if card["same_as"] else None
    return render_template(
        "imports/preview.html",
        card=card,
        plan=plan,
        problems=problems or {},
        columns=import_plan.columns_of(card["found"], plan, problems or {}),
        forms=_forms(),
        countries=countries(),
        mappings=mappings,
        mapping=import_plan.taken(mappings, card["found"], chosen),
        earlier=earlier,
        words=import_words,
        encodings=ENCODINGS,
        limits=limits,
    )


def _forms() -> list[tuple[str, str]]:
    """Forms whose leads rows may become, with the team that gets them."""
    forms = [form for form in call("capture", "list_forms", limit=MOST)["items"] if form["active"]]
    rules = call_if_there("distribution", "list_rules")
    names = call_if_there("distribution", "staff_names")
    if rules is None or names is None:
        return [(form["form_id"], form["name"]) for form in forms]
    teams = {rule["form_id"]: names["teams"].get(rule["team_id"], "?") for rule in rules["items"]}
    return [
        (
            form["form_id"],
            _("%(form)s → team %(team)s", form=form["name"], team=teams[form["form_id"]])
            if form["form_id"] in teams
            else _("%(form)s (no team yet: its leads wait)", form=form["name"]),
        )
        for form in forms
    ]


@pages.post("/imports/<uuid:import_id>/examine")
def examine(import_id: object) -> Any:
    """Looks at the file again, as somebody says it is written."""
    sent = {name: request.form.get(name, "").strip() for name in ("encoding", "delimiter", "sheet", "header_row")}
    settings: dict[str, Any] = {**sent, "header_row": request.form.get("header_row", None, type=int)}
    if sent["delimiter"] == "tab":
        settings["delimiter"] = "\t"
    try:
        call("capture", "examine_import", import_id=str(import_id), settings=settings)
    except Invalid as error:
        flash(problem_text(next(iter(codes_of(error).values()))), "danger")
    except Conflict:
        _tell_of_another()
    return _back_to(import_id)


@pages.post("/imports/<uuid:import_id>/start")
def start(import_id: object) -> Any:
    """Begins to load a file as somebody chose."""
    identifier, plan = str(import_id), import_plan.typed(request.form)
    version = request.form.get("version", 0, type=int)
    try:
        card = call("capture", "start_import", import_id=identifier, plan=plan, version=version)
    except Invalid as error:
        return _preview(call("capture", "get_import", import_id=identifier), plan, codes_of(error)), 422
    except Conflict:
        card = call("capture", "get_import", import_id=identifier)
        _tell_of_another()
        if card["state"] == "ready" and len(card["found"]["columns"]) == len(plan["columns"]):
            return _preview(card, plan), 409
        return _back_to(import_id)
    noted("started an import", identifier, file=card["name"])
    if name := request.form.get("save_as", "").strip()[: limits.FORM_NAME]:
        _keep(name, card, plan)
    return _back_to(import_id)


def _keep(name: str, card: dict[str, Any], plan: Plan) -> None:
    """Keeps the plan for the next file of this kind; that this failed holds nothing up."""
    header = [column["name"] for column in card["found"]["columns"]]
    try:
        saved = call("capture", "save_mapping", name=name, header=header, plan=plan)
    except (Invalid, Unavailable):
        flash(_("The import has begun, but the mapping could not be saved."), "warning")
        return
    noted("kept a mapping", saved["mapping_id"], mapping=name)


@pages.post("/imports/<uuid:import_id>/pause")
def pause(import_id: object) -> Any:
    """Stops loading for the time being."""
    return _act(import_id, "pause_import", "paused an import")


@pages.post("/imports/<uuid:import_id>/resume")
def resume(import_id: object) -> Any:
    """Goes on loading."""
    return _act(import_id, "resume_import", "resumed an import")


@pages.post("/imports/<uuid:import_id>/cancel")
def cancel(import_id: object) -> Any:
    """Gives an import up, once somebody said that they are sure."""
    if request.form.get("sure") != "1":
        card = call("capture", "get_import", import_id=str(import_id))
        return render_template("imports/cancel.html", card=card)
    return _act(import_id, "cancel_import", "cancelled an import")


def _act(import_id: object, method: str, what: str) -> Any:
    try:
        card = call("capture", method, import_id=str(import_id))
    except Conflict:
        _tell_of_another()
    else:
        noted(what, str(import_id), file=card["name"])
    return _back_to(import_id)


@pages.get("/imports/<uuid:import_id>/rejected.csv")
def rejected(import_id: object) -> Response:
    """Rows that were not taken, as a file that is corrected and imported."""
    return rejected_file(str(import_id), "," if current() == "en" else ";")


@pages.post("/imports/mappings/<uuid:mapping_id>/drop")
def drop_mapping(mapping_id: object) -> Any:
    """Forgets a saved mapping."""
    try:
        call("capture", "drop_mapping", mapping_id=str(mapping_id))
    except NotFound:
        flash(_("It was not there any more."), "warning")
    else:
        noted("dropped a mapping", str(mapping_id))
        flash(_("The mapping is forgotten."), "success")
    return redirect(url_for("imports.index"), 303)


def _tell_of_another() -> None:
    flash(_("Somebody was faster, or it went on by itself. Here is how it is now."), "warning")


def _back_to(import_id: object) -> Any:
    return redirect(url_for("imports.show", import_id=import_id), 303)


def _file_problem(error: Invalid) -> str:
    code = next(iter(codes_of(error).values()))
    return "file_too_large" if code == TOO_LONG else code
