"""What every resource of the API shares: the key, the answer's form, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import orjson
from flask import Request, Response, g, request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, fields, missing, validate
from webargs.flaskparser import FlaskParser, is_json_request

from contracts.access import MANAGERS, Role
from gateway.api.description import SECURITY_SCHEME, describe, refusals
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
    """Who may use a route: keys of these roles that have this scope. "submit" is part of "write"."""

    roles: tuple[Role, ...]
    scope: str

    def refusal(self) -> Response | None:
        """What a key that may not use it is told."""
        holder: Holder = g.key_holder
        has = holder.scopes | ({"submit"} if "write" in holder.scopes else frozenset())
        if holder.actor.role in self.roles and self.scope in has:
            return None
        return problem(403, "forbidden", f"This key may not do that: it takes the scope {self.scope}.")


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
        return orjson.loads(req.get_data()) if is_json_request(req) else missing


class Resource(Blueprint):  # type: ignore[misc]
    """A group of routes that need a key.

    roles: whose keys may use them; a route may name others.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, path: str, description: str, roles: Sequence[Role] = MANAGERS) -> None:
        # With a capital: pages have groups of the same names.
        super().__init__(
            name.capitalize(), f"gateway.api.{name}", url_prefix=f"{PREFIX}/{path}".rstrip("/"), description=description
        )
        self.roles = tuple(roles)
        self._prepare_doc_cbks.append(describe)
        self.before_request(_check_key)
        self.after_request(_name_correlation)
        self.after_request(_tag)
        self.after_request(_tell_rate)

    def reads(self, path: str, schema: type[Schema], *, roles: Sequence[Role] = (), scope: str = "read") -> Any:
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
    ) -> Any:
        """Route that changes something. scope: what its key must be allowed. keyed: a repeat is known by other means
        than `gateway.api.idempotency`."""
        return self._route(path, method, status, schema, Access(tuple(roles) or self.roles, scope), keyed)

    def _route(
        self, path: str, method: str, status: int, schema: type[Schema] | None, access: Access, keyed: bool = False
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
                security=[{SECURITY_SCHEME: []}],
                responses=refusals(method, takes_id="<" in path, view=view),
                **{"x-scope": access.scope, "x-roles": list(access.roles)},
            )(documented)
            documented._apidoc["is_keyed"] = keyed  # for `describe`
            return self.route(path, methods=[method])(documented)

        return decorate


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`document` as JSON."""
    return Response(orjson.dumps(document), status, mimetype="application/json", headers=dict(headers or {}))


def correlation_id() -> str:
    """Id that follows what this request causes."""
    return str(request.environ[CORRELATION])


def _check_key() -> Response | None:
    request.environ[CORRELATION] = new_id()
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or (holder := parts().keyring.holder(key.strip())) is None:
        return problem(
            401,
            "unauthorized",
            "Send a valid key: Authorization: Bearer <key>.",
            headers={"WWW-Authenticate": 'Bearer realm="rodizio"'},
        )
    g.key_holder, g.actor = holder, holder.actor
    if wait := parts().per_key.wait(holder.id):
        detail = f"Too many requests with this key: wait {wait} s."
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
    """How much the key may still do, in the headers of the IETF's draft."""
    holder = g.get("key_holder")
    if holder is not None and (rate := parts().per_key.state(holder.id)) is not None:
        limit, remaining, seconds = rate
        response.headers["RateLimit-Limit"] = str(limit)
        response.headers["RateLimit-Remaining"] = str(remaining)
        response.headers["RateLimit-Reset"] = str(seconds)
    return response
