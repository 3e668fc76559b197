"""A form that makes something makes it once, however often it is sent: pressed twice, or again after no answer came."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, make_response, redirect, request
from markupsafe import Markup

from gateway import repeats
from gateway.parts import parts
from gateway.web import kept
from gateway.web.pages import account
from runtime.ids import new_id

FIELD = kept.ONCE
WAIT_SECONDS, PAUSE_SECONDS = 3.0, 0.1
"""How long the second of two waits for what the first is told: a browser shows the answer to the second only."""


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a form with `once_field` through once. The repeat is sent where the first was sent; where that is not known,
    a page says that it may have been done, and has what was typed."""

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        key = request.form.get(FIELD, "")
        if not key:
            return view(*arguments, **named)
        # Somebody who goes back and types something else means something else: what was typed is part of the name.
        typed = repr(sorted(pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"))
        name = ("page", account().id, request.path, typed)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found = repeats.once(parts().database, name, b"", lambda: make_response(view(*arguments, **named)))
            if isinstance(found, Response):
                return found
            if found.state != "under_way" or time.monotonic() > deadline:
                break
            time.sleep(PAUSE_SECONDS)
        if found.location:
            return redirect(found.location, 303)
        all_of_them = f"/{request.path.split('/')[1]}"
        return kept.again(409, told="sent_before", back=all_of_them)

    return guarded


def once_field() -> Markup:
    """The hidden field of a form that makes something."""
    return Markup('<input type="hidden" name="{}" value="{}" autocomplete="off">').format(FIELD, new_id())
