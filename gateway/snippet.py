"""A form as it is put on a site: the address of its own page, and the lines of HTML that hold it."""

from collections.abc import Mapping
from typing import Any

from flask import render_template
from flask_babel import force_locale

from gateway.parts import parts

SCRIPT = "/static/forms.js"
"""What shows on a site, without another page, what became of a post."""


def address_of(form: Mapping[str, Any]) -> str:
    """Where the form's own page is. form: as `capture.get_form` answers."""
    return f"{parts().settings.address}/f/{form['key']}"


def snippet_of(form: Mapping[str, Any]) -> str:
    """HTML that puts the form on a site, in the form's language."""
    shown = {"address": address_of(form), "script": parts().settings.address + SCRIPT, "one_of": labels(form)}
    with force_locale(form["locale"]):
        return render_template("forms/snippet.html", form=form, **shown).strip()


def labels(form: Mapping[str, Any]) -> list[str]:
    """What people read for the fields of which one must be filled."""
    return [rule["label"] or rule["name"] for rule in form["fields"] if rule["name"] in form["one_of"]]
