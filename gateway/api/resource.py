"""What every resource of the API shares: the key, the answer's form, pages."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate

from gateway.api.problem import CORRELATION, problem
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


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Schema of a page of items."""
    page: type[Schema] = Schema.from_dict(
        {"items": fields.List(fields.Nested(item)), "next": fields.String(allow_none=True)}, name=f"{item.__name__}Page"
    )
    return page


class Resource(Blueprint):  # type: ignore[misc]
    """A group of routes that need a key."""

    def __init__(self, name: str, path: str, description: str) -> None:
        super().__init__(
            name, f"gateway.api.{name}", url_prefix=f"{PREFIX}/{path}".rstrip("/"), description=description
        )
        self.before_request(_check_key)
        self.after_request(_name_correlation)

    def reads(self, path: str, schema: type[Schema] = Anything) -> Any:
        """Route of a GET that answers with `schema`."""
        return self._route(path, "GET", 200, schema)

    def writes(
        self, path: str, schema: type[Schema] | None = Anything, *, method: str = "POST", status: int = 200
    ) -> Any:
        """Route that changes something."""
        return self._route(path, method, status, schema)

    def _route(self, path: str, method: str, status: int, schema: type[Schema] | None) -> Any:
        def decorate(view: Any) -> Any:
            documented = self.response(status, schema)(view)
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
    if scheme.lower() == "bearer" and (holder := parts().keyring.holder(key.strip())) is not None:
        request.environ["rodizio.key"] = holder
        return None
    return problem(
        401,
        "unauthorized",
        "Send a valid key: Authorization: Bearer <key>.",
        headers={"WWW-Authenticate": 'Bearer realm="rodizio"'},
    )


def _name_correlation(response: Response) -> Response:
    response.headers["X-Correlation-Id"] = correlation_id()
    return response
