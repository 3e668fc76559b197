"""Values as the API takes them: strictly, so that what it takes is what its description says."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

Data = Mapping[str, Any] | None

MOST_VERSIONS = 2**31 - 1
"""No database column counts further."""


EXAMPLE_ID = "0198c5a2-7d34-7000-a9fb-41049086911c"


class Body(Schema):
    """What is sent; a name that is not known is refused."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text that every database can keep: one without the character NUL."""

    def _deserialize(self, value: Any, attr: str | None, data: Data, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if "\0" in text:
            raise ValidationError("The character NUL cannot be kept.")
        return text


class Identifier(fields.UUID):
    """A UUID, handed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Data, **options: Any) -> Any:
        if not isinstance(value, str) or len(value) != 36:  # `uuid.UUID` takes other spellings too
            raise self.make_error("invalid_uuid")
        return str(super()._deserialize(value, attr, data, **options))


class Instant(fields.AwareDateTime):
    """An ISO 8601 instant with an offset, handed on as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Data, **options: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type="datetime")
        return super()._deserialize(value, attr, data, **options).isoformat()


class Flag(fields.Boolean):
    """True or false as JSON has them, and nothing that looks like them."""

    def _deserialize(self, value: Any, attr: str | None, data: Data, **options: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryFlag(fields.Boolean):
    """`true` or `false` in an address."""

    truthy, falsy = {"true"}, {"false"}


class Whole(fields.Integer):
    """A whole number as JSON has it, within bounds that are always said.

    least, most: inclusive.
    """

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **options)


class Version(Whole):
    """The version last seen of what is changed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(0, MOST_VERSIONS, **{"required": True, "metadata": {"example": 1}, **options})


class SeenVersion(Version):
    """The same, for which `If-Match` may stand."""

    def __init__(self) -> None:
        metadata = {"example": 1, "description": "The one last seen; needed without `If-Match`."}
        super().__init__(required=False, metadata=metadata)


def unique(message: str) -> Any:
    """A validator that refuses a list with repetitions."""

    def check(values: list[Any]) -> None:
        if len(set(values)) != len(values):
            raise ValidationError(message)

    return check


class Pattern(validate.Regexp):
    """A validator of whole texts: `$` alone would take a line break behind it.

    pattern: one that Python and JavaScript read alike. error: what to do about it.
    """

    def __init__(self, pattern: str, error: str) -> None:
        super().__init__(f"^({pattern})$", error=error)

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value
