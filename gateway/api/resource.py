"""What every resource of the API shares: who may use it, the answer's form, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import orjson
from flask import Request, Response, g, request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, fields, missing, validate
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from contracts.access import MANAGERS, Role
from gateway.api.description import SECURITY_SCHEME, SESSION_SCHEME, describe, refusals
from gateway.api.holder import holder
from gateway.api.idempotency import once
from gateway.api.problem import CORRELATION, problem
from gateway.api.values import Body, Text
from gateway.keys import Holder
from gateway.parts import parts
from runtime.ids import new_id
from runtime.paging import MOST

PREFIX = "/api/v1"


LONGEST_CURSOR = 300


class PageQuery(Schema):
    """Which page of a list."""

    cursor = Text(
        load_default=None,
        validate=validate.Length(max=LONGEST_CURSOR),
        metadata={"description": "`next` of the page before; left out: the first page."},
    )
    limit = fields.Integer(
        load_default=50, validate=validate.Range(1, MOST), metadata={"description": "At most this many.", "example": 50}
    )


class Answer(Body):
    """What is answered, often what was sent and more: every name is always there, and others may come to it."""

    class Meta(Body.Meta):
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        """Marks each as there, which is what the description shows."""
        field_obj.required = True


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: people and keys of these roles; a key needs this scope. "submit" is part of "write"."""

    roles: tuple[Role, ...]
    scope: str

    def refusal(self) -> Response | None:
        """What whoever may not use it is told."""
        asking: Holder = g.key_holder
        has = asking.scopes | ({"submit"} if "write" in asking.scopes else frozenset())
        if asking.actor.role not in self.roles:
            return problem(403, "forbidden", f"This takes one of the roles {', '.join(self.roles)}.")
        if self.scope not in has:
            return problem(403, "forbidden", f"This takes a key with the scope {self.scope}.")
        return None


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Schema of a page of items."""
    following = fields.String(
        allow_none=True, metadata={"description": "`cursor` of the next page; null: this is the last."}
    )
    page: type[Schema] = Answer.from_dict(
        {"items": fields.List(fields.Nested(item)), "next": following}, name=f"{item.__name__}Page"
    )
    return page


@cache
def list_of(item: type[Schema]) -> type[Schema]:
    """Schema of a list that has no pages."""
    whole: type[Schema] = Answer.from_dict({"items": fields.List(fields.Nested(item))}, name=f"{item.__name__}List")
    return whole


class StrictParser(FlaskParser):
    """Takes JSON as its standard has it: no NaN, no halves of characters, which nothing behind could keep."""

    def _raw_load_json(self, req: Request) -> Any:
        sent = req.get_data()
        if not sent:
            return missing
        if not is_json_request(req):
            raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
        try:
            return orjson.loads(sent)
        except orjson.JSONDecodeError as error:
            # Of what is not even UTF-8 orjson shows nothing, which webargs would take for nothing having been sent.
            raise BadRequest(f"Invalid JSON: {error}") from error


class Resource(Blueprint):  # type: ignore[misc]
    """A group of routes that need a key or a session.

    roles: who may use them; a route may name others.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, path: str, description: str, roles: Sequence[Role] = MANAGERS) -> None:
        # With a capital: pages have groups of the same names.
        super().__init__(
            name.capitalize(), f"gateway.api.{name}", url_prefix=f"{PREFIX}/{path}".rstrip("/"), description=description
        )
        self.roles = tuple(roles)
        self._prepare_doc_cbks.append(describe)
        self.before_request(_recognise)
        self.after_request(_name_correlation)
        self.after_request(_tag)
        self.after_request(_tell_rate)

    def reads(self, path: str, schema: type[Schema] | None, *, roles: Sequence[Role] = (), scope: str = "read") -> Any:
        """Route of a GET that answers with `schema`. scope: what its key must be allowed."""
        return self._route(path, "GET", 200, schema, Access(tuple(roles) or self.roles, scope))

    def writes(
        self,
        path: str,
        schema: type[Schema] | None,
        *,
        method: str = "POST",
        status: int = 200,
        roles: Sequence[Role] = (),
        scope: str = "write",
        keyed: bool = False,
        card: bool = False,
    ) -> Any:
        """Route that changes something. scope: what its key must be allowed. keyed: a repeat is known by other means
        than `gateway.api.idempotency`. card: it takes `If-Match`, see `gateway.api.precondition`."""
        return self._route(path, method, status, schema, Access(tuple(roles) or self.roles, scope), keyed, card)

    def _route(
        self,
        path: str,
        method: str,
        status: int,
        schema: type[Schema] | None,
        access: Access,
        keyed: bool = False,
        card: bool = False,
    ) -> Any:
        def decorate(view: Any) -> Any:
            @wraps(view)
            def guarded(*arguments: Any, **named: Any) -> Any:
                if refused := access.refusal():
                    return refused
                if method != "POST" or keyed:
                    return view(*arguments, **named)
                return once(parts().database, g.key_holder.id, lambda: view(*arguments, **named))

            guarded.access = access  # type: ignore[attr-defined]
            documented = self.response(status, schema)(guarded)
            documented = self.doc(
                security=[{SECURITY_SCHEME: []}, {SESSION_SCHEME: []}],
                responses=refusals(method, takes_id="<" in path, is_card=card, view=view),
                **{"x-scope": access.scope, "x-roles": list(access.roles)},
            )(documented)
            documented._apidoc.update(is_keyed=keyed, is_card=card)  # for `describe`
            return self.route(path, methods=[method])(documented)

        return decorate


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`document` as JSON."""
    return Response(orjson.dumps(document), status, mimetype="application/json", headers=dict(headers or {}))


def correlation_id() -> str:
    """Id that follows what this request causes."""
    return str(request.environ[CORRELATION])


def _recognise() -> Response | None:
    request.environ[CORRELATION] = new_id()
    asking = holder()
    if isinstance(asking, Response):
        return asking
    g.key_holder, g.actor = asking, asking.actor
    if wait := parts().per_key.wait(asking.id):
        detail = f"Too many requests: wait {wait} s."
        return problem(429, "rate_limited", detail, headers={"Retry-After": str(wait)})
    return None


def _name_correlation(response: Response) -> Response:
    response.headers["X-Correlation-Id"] = correlation_id()
    return response


def _tag(response: Response) -> Response:
    """The ETag of what was read: whoever has it already is told so, in a few bytes."""
    if request.method == "GET" and response.status_code == 200 and not response.is_streamed:
        response.add_etag()
        response.make_conditional(request)
    return response


def _tell_rate(response: Response) -> Response:
    """How much whoever asks may still do, in the headers of the IETF's draft."""
    asking = g.get("key_holder")
    if asking is not None and (rate := parts().per_key.state(asking.id)) is not None:
        limit, remaining, seconds = rate
        response.headers["RateLimit-Limit"] = str(limit)
        response.headers["RateLimit-Remaining"] = str(remaining)
        response.headers["RateLimit-Reset"] = str(seconds)
    return response
