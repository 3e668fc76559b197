"""By which ways a seller wants to hear of leads."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.parts import call
from gateway.web.pages import Pages, account
from runtime.errors import Conflict, Invalid

pages = Pages("preferences", ("seller",))

CHANNELS = ("sms", "email")


@pages.get("/account/notifications")
def form() -> str:
    """SMS and e-mail, each on or off; what is told in the app always is."""
    return _page({})


@pages.post("/account/notifications")
def change() -> Any:
    """Keeps the choice."""
    wanted = [channel for channel in CHANNELS if channel in request.form.getlist("channels")]
    try:
        call(
            "distribution",
            "update_seller",
            seller_id=account().seller_id,
            changes={"channels": wanted},
            version=request.form.get("version", type=int) or 0,
        )
    except Invalid as error:
        return _page({problem["field"]: problem["code"] for problem in error.errors}), 422
    except Conflict:
        flash(_("Somebody changed this meanwhile. Have a look and save again."), "danger")
        return redirect(url_for("preferences.form"), 303)
    flash(_("Saved."), "success")
    return redirect(url_for("preferences.form"), 303)


def _page(problems: dict[str, str]) -> str:
    seller = call("distribution", "get_seller", seller_id=account().seller_id)
    return render_template("inbox/preferences.html", seller=seller, problems=problems)
