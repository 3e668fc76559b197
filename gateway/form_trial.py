"""A lead sent by hand to see a form work: it is checked and taken as any post is, and carries the word."""

from collections.abc import Iterable

from flask import request

from contracts.capture import FieldRule
from gateway.api.problem import CORRELATION
from gateway.forms import Flaw
from gateway.parts import parts
from gateway.submission import context_of, submission_fact, submission_id

VALUES = {
    "name": "Teste Rodízio",
    "email": "test@example.com",
    "phone": "+1 202-555-0143",  # kept free for fiction
    "company": "Example, Lda.",
    "city": "Lisboa",
    "country": "Portugal",
}
_BY_KIND = {"email": VALUES["email"], "phone": VALUES["phone"], "number": "1", "consent": "yes"}


class Refused(Exception):
    """The form did not take the lead. flaws: what it found; empty when it takes none at the moment."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__(flaws)
        self.flaws = flaws


def send(key: str, submission_key: str) -> str:
    """Sends a test lead to the form that answers to `key`; returns the lead's id. The same `submission_key` again is
    the same lead.

    Raises:
        Refused; Unavailable: neither the broker nor the database could take it.
    """
    form = parts().catalogue.find(key)
    if form is None:
        raise Refused([])
    fields = sample(form.fields)
    if flaws := form.flaws(fields):
        raise Refused(flaws)
    lead_id = submission_id(form, submission_key)
    page = f"{parts().settings.address}/f/{key}"
    context = context_of({}, "", page, request.headers.get("User-Agent", ""), request.remote_addr or "")
    correlation_id = request.environ[CORRELATION]
    parts().acceptance.accept(submission_fact(form, lead_id, correlation_id, fields, context, is_test=True))
    return lead_id


def sample(rules: Iterable[FieldRule]) -> dict[str, str]:
    """Something for every field, so that the form takes it whatever it asks for."""
    return {rule.name: _value(rule)[: rule.max_length] for rule in rules}


def _value(rule: FieldRule) -> str:
    if rule.kind == "choice":
        return rule.choices[0] if rule.choices else "-"
    return _BY_KIND.get(rule.kind) or VALUES.get(rule.role, "Test")
