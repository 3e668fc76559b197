"""Errors that cross RPC with their meaning. Arguments are JSON, so that they arrive as they left."""

from typing import Any, TypedDict

from nameko.exceptions import deserialize_to_instance


class FieldError(TypedDict):
    """One thing wrong with one field: a stable code and a sentence that says what to do."""

    field: str
    code: str
    message: str


class RuntimeRefusal(Exception):
    """A request that was understood and refused."""


@deserialize_to_instance
class NotFound(RuntimeRefusal):
    """`NotFound("form", form_id)`: there is no such thing, or it is not the caller's to see."""

    def __init__(self, what: str, identifier: str = "") -> None:
        super().__init__(what, identifier)
        self.what, self.identifier = what, identifier

    def __str__(self) -> str:
        return f"no {self.what} {self.identifier}".rstrip()


@deserialize_to_instance
class Invalid(RuntimeRefusal):
    """`Invalid([{"field", "code", "message"}, …])`: what was sent cannot be taken."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "; ".join(f"{error['field']}: {error['message']}" for error in self.errors)


@deserialize_to_instance
class Conflict(RuntimeRefusal):
    """Somebody was first: the caller saw an older state."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.args[0])


@deserialize_to_instance
class Unavailable(Exception):
    """The other side, or what it needs, could not be reached; trying later may help."""


class TimedOut(Unavailable):
    """The other side did not answer in time; whether it acted is not known."""


class Broken(Exception):
    """The other side failed by a mistake of ours, which is in its log with a traceback; trying later will not help."""


def invalid(field: str, code: str, message: str) -> Invalid:
    """An `Invalid` for one field."""
    error: FieldError = {"field": field, "code": code, "message": message}
    return Invalid([error])


def plain(value: Any) -> Any:
    """`value` without tuples and datetimes, ready for JSON over RPC."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
