"""By which ways a seller wants to hear of leads."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.parts import call
from gateway.web.pages import Pages, account
from gateway.web.shown import codes_of
from runtime.errors import Conflict, Invalid

pages = Pages("preferences", ("seller",))

CHANNELS = ("sms", "email")


@pages.get("/account/notifications")
def form() -> str:
    """SMS and e-mail, each on or off; what is told in the app always is."""
    return _page()


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
        return _page(wanted, codes_of(error)), 422
    except Conflict:
        return _page(wanted, is_newer=True), 409
    flash(_("Saved."), "success")
    return redirect(url_for("preferences.form"), 303)


def _page(wanted: list[str] | None = None, problems: dict[str, str] | None = None, *, is_newer: bool = False) -> str:
    """The choice, or what was chosen when it could not be kept. is_newer: somebody changed the seller meanwhile."""
    seller = call("distribution", "get_seller", seller_id=account().seller_id)
    chosen = seller["channels"] if wanted is None else wanted
    return render_template(
        "inbox/preferences.html", seller=seller, chosen=chosen, problems=problems or {}, is_newer=is_newer
    )
