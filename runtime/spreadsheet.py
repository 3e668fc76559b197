"""Text that spreadsheets show as it is: what begins like a formula would be run by whoever opens the file."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula: an apostrophe goes before what would start one."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def original_cell(text: str) -> str:
    """What `safe_cell` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text
