"""A form that was made or changed here, by a page or a program, is known here at once."""

import logging
from typing import Any

import msgspec
from flask import request

from contracts.capture import FormChanged
from gateway import store
from gateway.api.problem import CORRELATION
from gateway.parts import parts
from runtime.ids import new_id

log = logging.getLogger(__name__)


def take_over(form: dict[str, Any]) -> None:
    """Takes the form over without waiting for the event; should that fail, the event does it."""
    try:
        state = msgspec.convert(
            {
                **form,
                "id": new_id(),
                "subject": form["form_id"],
                "subject_version": form["version"],
                "correlation_id": request.environ[CORRELATION],
            },
            FormChanged,
        )
        parts().database.transact(store.apply_forms, [state])
    except Exception as error:
        log.warning("form %s is taken over by its event only: %s", form.get("form_id"), error)
