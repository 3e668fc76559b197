"""What is done with tasks, from a lead's card and from the agenda: planned, put off, done, dropped.

Each form carries the id of what it does: sent twice, it happens once. It says by `work_id` on which lead's card it
stands, or by `day` and `seller` on which agenda.
"""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from gateway.parts import call
from gateway.web import agenda, lead, task_forms
from gateway.web.pages import Pages, account, is_partial
from gateway.web.shown import codes_of
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid

pages = Pages("tasks")


@pages.post("/leads/<uuid:lead_id>/tasks")
def add(lead_id: object) -> Any:
    """Plans a task for the seller of a lead."""
    try:
        task = task_forms.task_of(request.form, _zone())
        call("campaigns", "add_task", opportunity_id=request.form.get("opportunity_id", ""), task=task)
    except Invalid as error:
        return lead.shown(str(lead_id), problems=codes_of(error), typed_in="task"), 422
    except Conflict:
        return lead.shown(str(lead_id), told="changed", typed_in="task"), 409
    return lead.done(str(lead_id), _("It is in the agenda."))


@pages.post("/tasks/<uuid:task_id>/recall")
def recall(task_id: object) -> Any:
    """Puts a task off."""
    return _do(
        str(task_id), "recall_task", "recall", lambda: task_forms.recall_of(request.form, _zone()), _("Put off.")
    )


@pages.post("/tasks/<uuid:task_id>/done")
def finish(task_id: object) -> Any:
    """Keeps what was done, which ends the task."""
    return _do(
        str(task_id),
        "do_task",
        "action",
        lambda: task_forms.action_of(request.form, _zone(), utc_now()),
        _("Recorded."),
    )


@pages.post("/tasks/<uuid:task_id>/drop")
def drop(task_id: object) -> Any:
    """Ends a task that is not to be done any more."""
    return _do(str(task_id), "drop_task", "drop", lambda: task_forms.drop_of(request.form), _("Dropped."))


def _do(task_id: str, method: str, name: str, read: Callable[[], dict[str, Any]], told: str) -> Any:
    """Does what the form says and shows the page on which it stands as it is then."""
    try:
        call("campaigns", method, task_id=task_id, **{name: read()})
    except Invalid as error:
        return _again(task_id, problems=codes_of(error)), 422
    except Conflict:
        return _again(task_id, told="changed"), 409
    work_id = request.form.get("work_id", "")
    if work_id:
        return lead.done(work_id, told)
    if is_partial():
        return _again(told=told)
    flash(told, "success")
    return redirect(url_for("agenda.index", day=_posted("day"), seller=_posted("seller")), 303)


def _again(task_id: str = "", *, told: str = "", problems: dict[str, str] | None = None) -> Any:
    work_id = request.form.get("work_id", "")
    if work_id:
        return lead.shown(work_id, told=told, problems=problems, typed_in=task_id)
    return agenda.shown(_posted("day") or "", _posted("seller") or "", told=told, task_id=task_id, problems=problems)


def _posted(name: str) -> str | None:
    return request.form.get(name) or None


def _zone() -> ZoneInfo:
    return ZoneInfo(account().time_zone)
