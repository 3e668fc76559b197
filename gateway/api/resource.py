"""What every resource of the API shares: the key, the answer's form, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import orjson
from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate

from contracts.access import MANAGERS, Role
from gateway.api.idempotency import once
from gateway.api.problem import CORRELATION, problem
from gateway.keys import Holder
from gateway.parts import parts
from runtime.ids import new_id
from runtime.paging import MOST

PREFIX = "/api/v1"
SECURITY_SCHEME = "key"


class Identifier(fields.UUID):
    """A UUID, handed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        return str(super()._deserialize(value, attr, data, **options))


class PageQuery(Schema):
    """Which page of a list."""

    cursor = fields.String(load_default=None, metadata={"description": "`next` of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))


class Anything(Schema):
    """An object whose names depend on the service that answers."""


class Instant(fields.AwareDateTime):
    """An ISO 8601 instant with an offset, handed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        return super()._deserialize(value, attr, data, **options).isoformat()


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
    page: type[Schema] = Schema.from_dict(
        {"items": fields.List(fields.Nested(item)), "next": fields.String(allow_none=True)}, name=f"{item.__name__}Page"
    )
    return page


class Resource(Blueprint):  # type: ignore[misc]
    """A group of routes that need a key.

    roles: whose keys may use them; a route may name others.
    """

    def __init__(self, name: str, path: str, description: str, roles: Sequence[Role] = MANAGERS) -> None:
        # With a capital: pages have groups of the same names.
        super().__init__(
            name.capitalize(), f"gateway.api.{name}", url_prefix=f"{PREFIX}/{path}".rstrip("/"), description=description
        )
        self.roles = tuple(roles)
        self.before_request(_check_key)
        self.after_request(_name_correlation)
        self.after_request(_tag)
        self.after_request(_tell_rate)

    def reads(
        self, path: str, schema: type[Schema] = Anything, *, roles: Sequence[Role] = (), scope: str = "read"
    ) -> Any:
        """Route of a GET that answers with `schema`. scope: what its key must be allowed."""
        return self._route(path, "GET", 200, schema, Access(tuple(roles) or self.roles, scope))

    def writes(
        self,
        path: str,
        schema: type[Schema] | None = Anything,
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
            documented = self.doc(security=[{SECURITY_SCHEME: []}])(documented)
            return self.route(path, methods=[method])(documented)

        return decorate


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`document` as JSON."""
    return Response(orjson.dumps(document), status, mimetype="application/json", headers=dict(headers or {}))


def correlation_id() -> str:
    """Id that follows what this request causes."""
    return str(request.environ[CORRELATION])


def unique(message: str) -> Any:
    """A validator that refuses a list with repetitions."""

    def check(values: list[Any]) -> None:
        if len(set(values)) != len(values):
            raise ValidationError(message)

    return check


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
