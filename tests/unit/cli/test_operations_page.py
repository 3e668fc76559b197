"""docs/operations.md leaves no setting out."""

import re
from dataclasses import fields
from pathlib import Path

from runtime.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def test_every_setting_is_in_the_table_and_nothing_else_is() -> None:
    told = set(re.findall(r"^\| `(RODIZIO_[A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))

    assert told == {f"RODIZIO_{option.name.upper()}" for option in fields(Settings)}
