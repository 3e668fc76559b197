"""Reading text tables: encodings, delimiters, and everything that can be wrong with a file."""

from pathlib import Path
from typing import Any

import pytest

from services.capture.domain.tables import Unreadable
from services.capture.reading import open_file, rows_of
from services.capture.reading.delimited import MOST_LINES_PER_ROW
from services.capture.reading.examination import examine

pytestmark = pytest.mark.feature("CAP-5")

TEXT = "nome;e-mail;cidade\nJoão Conceição;joao@example.com;Évora\nInês;ines@example.com;Setúbal\n"


def _write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)
    return path


def _cells(path: Path, **asked: Any) -> list[list[str]]:
    return [row.cells for row in rows_of(path, asked)]


def _looked(path: Path, **asked: Any) -> dict[str, Any]:
    return examine(path, asked, [], lambda: None)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_accents_survive_every_usual_encoding(tmp_path: Path, codec: str) -> None:
    looked = _looked(_write(tmp_path, TEXT.encode(codec)))

    assert [column["name"] for column in looked["found"]["columns"]] == ["nome", "e-mail", "cidade"]
    assert looked["found"]["rows"][0] == ["João Conceição", "joao@example.com", "Évora"]
    assert looked["total"] == 2


@pytest.mark.parametrize("codec", ["utf-8", "latin-1"])
def test_an_accent_far_below_decides_the_encoding_too(tmp_path: Path, codec: str) -> None:
    text = "name,city\n" + "Ana,Porto\n" * 20_000 + "Inês,Évora\n"

    assert _cells(_write(tmp_path, text.encode(codec)))[-1] == ["Inês", "Évora"]


def test_a_mark_in_the_middle_is_left_out(tmp_path: Path) -> None:
    two = TEXT.encode("utf-8-sig") + "Rui;rui@example.com;Faro\n".encode("utf-8-sig")

    assert _cells(_write(tmp_path, two))[-1] == ["Rui", "rui@example.com", "Faro"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_usual_delimiters_and_line_ends(tmp_path: Path, delimiter: str, newline: str) -> None:
    lines = [["name", "phone"], ["Ana Silva", "912 345 678"], ["Rui", "+351 913 000 000"]]
    text = newline.join(delimiter.join(cells) for cells in lines)

    assert _cells(_write(tmp_path, text.encode())) == lines


def test_quoted_cells_keep_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    text = 'name;message\n"Silva; Ana";"she said ""yes""\nand left"\nRui;plain\n'

    assert _cells(_write(tmp_path, text.encode()))[1:] == [["Silva; Ana", 'she said "yes"\nand left'], ["Rui", "plain"]]


def test_quotes_that_come_only_far_below_are_understood(tmp_path: Path) -> None:
    text = "name;message\n" + "Ana;hello\n" * 500 + 'Rui;"one; two"\n'

    assert _cells(_write(tmp_path, text.encode()))[-1] == ["Rui", "one; two"]


def test_a_single_column_is_not_cut_at_commas(tmp_path: Path) -> None:
    assert _cells(_write(tmp_path, b"email\nana@example.com\nrui@example.com\n"))[1:] == [
        ["ana@example.com"],
        ["rui@example.com"],
    ]


def test_blank_rows_are_passed_over_and_counted_in_the_numbers(tmp_path: Path) -> None:
    path = _write(tmp_path, b"name,email\n\nAna,a@example.com\n,\nRui,r@example.com\n\n")

    assert [(row.number, row.cells[0]) for row in rows_of(path, {})] == [(1, "name"), (3, "Ana"), (5, "Rui")]
    assert _looked(path)["total"] == 2


def test_what_a_person_says_is_believed(tmp_path: Path) -> None:
    path = _write(tmp_path, "a:b\nş:ğ\n".encode("cp1254"))

    assert _cells(path, encoding="cp1254", delimiter=":") == [["a", "b"], ["ş", "ğ"]]


@pytest.mark.parametrize(
    ("text", "header_row", "names"),
    [
        ("Clientes de 2026\n\nnome;email;cidade\nAna;a@example.com;Faro\n", 3, ["nome", "email", "cidade"]),
        ("nome;email;cidade\nAna;a@example.com;Faro\n", 1, ["nome", "email", "cidade"]),
        ("Ana;a@example.com;Faro\nRui;r@example.com;Beja\n", 0, ["Column 1", "Column 2", "Column 3"]),
        ("nome;nome;\nAna;Silva;Faro\n", 1, ["nome", "nome (2)"]),
    ],
)
def test_the_row_that_names_the_columns_is_found(tmp_path: Path, text: str, header_row: int, names: list[str]) -> None:
    found = _looked(_write(tmp_path, text.encode()))["found"]

    assert (found["header_row"], [column["name"] for column in found["columns"]]) == (header_row, names)


def test_a_person_knows_better_which_row_names_the_columns(tmp_path: Path) -> None:
    path = _write(tmp_path, b"Group A;Group B\nname;email\nAna;a@example.com\n")

    assert [column["name"] for column in _looked(path, header_row=2)["found"]["columns"]] == ["name", "email"]
    with pytest.raises(Unreadable, match="row 9 is empty"):
        _looked(path, header_row=9)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n\n", "no_rows"),
        (b"name,email\n", "no_rows"),
        (b"name,email\n\n ,\n", "no_rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "not_text"),
        (b"name,email\nAna,\x00\n" * 3, "nul_byte"),
        (b'name,email\nAna,"a\n' + b"Rui,r@example.com\n" * (2 * MOST_LINES_PER_ROW), "unclosed_quote"),
        (b'name,email\nAna,"' + b"x " * 70_000 + b"\n", "unclosed_quote"),
        (b";".join(b"column%d" % number for number in range(5000)) + b"\n" + b";" * 4999 + b"x\n", "too_many_columns"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        _looked(_write(tmp_path, content))

    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_an_encoding_that_does_not_fit_is_told_before_any_row_is_used(tmp_path: Path) -> None:
    path = _write(tmp_path, b"name;city\n" + b"Ana;Faro\n" * 10_000 + "Inês;Faro\n".encode("latin-1"))

    with pytest.raises(Unreadable, match="byte 0xea is not UTF-8"):
        _looked(path, encoding="utf-8")
    with pytest.raises(Unreadable, match="no encoding called 'utf-9'"):
        open_file(path, {"encoding": "utf-9"})


def test_somebody_else_can_take_the_file_away_while_it_is_looked_at(tmp_path: Path) -> None:
    class Lost(Exception):
        pass

    def breathe() -> None:
        raise Lost

    with pytest.raises(Lost):
        examine(_write(tmp_path, TEXT.encode() + b"Rui;rui@example.com;Faro\n" * 1000), {}, [], breathe)


def test_what_was_kept_of_an_earlier_file_is_used_for_the_same_columns(tmp_path: Path) -> None:
    kept = {"name": "Bank", "header": ["nome", "e-mail", "cidade"], "plan": {"columns": ["name", "email", "+Onde"]}}

    found = examine(_write(tmp_path, TEXT.encode()), {}, [kept], lambda: None)["found"]

    assert found["mapping"] == "Bank"
    assert [column["target"] for column in found["columns"]] == ["name", "email", "+Onde"]
