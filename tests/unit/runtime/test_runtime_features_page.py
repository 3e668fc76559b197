"""The list of features and what is read of it."""

from features import Proofs, page_of, read_features


def test_ids_are_read_from_the_page() -> None:
    lines = [
        "# Features",
        "",
        "- **DIS-3** Sellers on holiday",
        "  get nothing",
        "- **R1** It survives",
        "text",
    ]
    text = "\n".join([*lines, "| **CAP-1** | x |"])
    assert read_features(text) == {
        "DIS-3": "Sellers on holiday get nothing",
        "R1": "It survives",
        "CAP-1": "x",
    }


def test_the_worst_end_of_a_test_counts_and_what_is_missing_shows() -> None:
    proofs = Proofs()
    proofs.ids.update({"a.py::t[1]": {"R1"}, "a.py::t[2]": {"R1"}, "a.py::u": {"R2", "R9"}})
    proofs.outcomes.update({"a.py::t[1]": "passed", "a.py::t[2]": "failed", "a.py::u": "passed"})
    lines = list(page_of({"R1": "one", "R2": "two", "R10": "ten"}, proofs.by_feature()))
    assert lines == [
        "R1       failed    one",
        "         failed    a.py::t",
        "R2       passed    two",
        "         passed    a.py::u",
        "R9       passed      (NOT IN docs/features.md)",
        "         passed    a.py::u",
        "R10      NO TEST   ten",
    ]
