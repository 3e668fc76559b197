"""One measured figure, as `make bench` prints it."""

from typing import Any


def figure(
    identifier: str,
    *,
    value: float | None,
    unit: str,
    database: str,
    baseline: float | None,
    ratio: float | None,
    reach: str,
    met: bool,
    **detail: Any,
) -> dict[str, Any]:
    """The JSON object of a figure; numbers are rounded for reading.

    value, baseline: in `unit`. ratio: value against baseline. reach: what has to hold. detail: whatever else was seen.
    """
    line = {
        "id": identifier,
        "value": _short(value),
        "unit": unit,
        "database": database,
        "baseline": _short(baseline),
        "ratio": _short(ratio),
        "reach": reach,
        "met": met,
    }
    if detail:
        line["detail"] = {name: _short(item) for name, item in detail.items()}
    return line


def _short(item: Any) -> Any:
    if isinstance(item, float):
        return round(item, 2 if abs(item) < 100 else 1)
    if isinstance(item, dict):
        return {name: _short(value) for name, value in item.items()}
    if isinstance(item, list):
        return [_short(value) for value in item]
    return item
