"""From a post to the fact that capture is asked to store."""

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid5

import orjson

from contracts.capture import AcceptSubmission, Suspicion
from gateway.forms import Form, without_control
from runtime.clock import iso, utc_now
from runtime.ids import new_id

MAX_CONTEXT_LENGTH = 500
MAX_ADDRESS_LENGTH = 2000

_CAMPAIGN = "utm_"
_CLICKS = frozenset({"gclid", "fbclid", "referrer"})


def submission_id(form: Form, submission_key: str) -> str:
    """Id of a submission: the same for every repeat of a key, new when there is no key."""
    return str(uuid5(form.namespace, submission_key)) if submission_key else new_id()


def split_context(form: Form, fields: dict[str, str]) -> dict[str, str]:
    """Takes hidden inputs such as utm_source out of `fields`, unless the form declares them, and returns them."""
    names = [name for name in fields if _is_context(name) and name not in form.declared]
    return {name: fields.pop(name) for name in names}


def context_of(sent: Mapping[str, str], query: str, page: str, user_agent: str, ip: str) -> dict[str, str]:
    """Where a visitor came from.

    Args:
        sent: hidden inputs. query: of the address posted to. page: address of the page that holds the form.
    """
    context: dict[str, str] = {}
    if page:
        context["page"] = page[:MAX_ADDRESS_LENGTH]
        _add_campaign(context, _query_of(page))
    if query:
        _add_campaign(context, query)
    for name, value in sent.items():
        if value:
            limit = MAX_ADDRESS_LENGTH if name == "referrer" else MAX_CONTEXT_LENGTH
            context[name[:MAX_CONTEXT_LENGTH]] = value[:limit]
    if ip:
        context["ip"] = ip
    if user_agent:
        context["user_agent"] = user_agent[:MAX_CONTEXT_LENGTH]
    return {without_control(name): without_control(value) for name, value in context.items()}


def submission_fact(
    form: Form,
    lead_id: str,
    correlation_id: str,
    fields: dict[str, str],
    context: dict[str, str],
    import_id: str = "",
    is_test: bool = False,
    suspicion: Suspicion = "",
) -> AcceptSubmission:
    """The request to capture to store one submission, or to keep it aside when there is a suspicion."""
    return AcceptSubmission(
        id=new_id(),
        subject=lead_id,
        subject_version=1,
        correlation_id=correlation_id,
        lead_id=lead_id,
        form_id=form.form_id,
        received_at=iso(utc_now()),
        fields=fields,
        source=form.source,
        channel=form.channel,
        roles=form.roles,
        region=form.region,
        context=context,
        digest=digest_of(fields),
        import_id=import_id,
        is_test=is_test,
        suspicion=suspicion,
    )


def digest_of(fields: Mapping[str, str]) -> str:
    """SHA-256 of the fields, whatever their order, in hexadecimal."""
    return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _is_context(name: str) -> bool:
    return name in _CLICKS or name.startswith(_CAMPAIGN)


def _query_of(address: str) -> str:
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


def _add_campaign(context: dict[str, str], query: str) -> None:
    if _CAMPAIGN not in query and "clid" not in query:
        return
    try:
        pairs = parse_qsl(query[:MAX_ADDRESS_LENGTH], max_num_fields=50)
    except ValueError:
        return
    context.update((name, value[:MAX_CONTEXT_LENGTH]) for name, value in pairs if _is_context(name))
