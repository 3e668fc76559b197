"""Reading text tables: encodings, delimiters, and everything that can be wrong with a file."""

from pathlib import Path

import pytest

from cli.tabular import MOST_LINES_PER_ROW, BadFile, Table, open_table

pytestmark = pytest.mark.feature("CAP-5")

TEXT = "nome;e-mail;cidade\nJoão Conceição;joao@example.com;Évora\nInês;ines@example.com;Setúbal\n"


def _write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)
    return path


def _cells(table: Table) -> list[list[str]]:
    return [row.cells for row in table.read()]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_accents_survive_every_usual_encoding(tmp_path: Path, codec: str) -> None:
    table = open_table(_write(tmp_path, TEXT.encode(codec)))

    assert table.header == ["nome", "e-mail", "cidade"]
    assert _cells(table)[0] == ["João Conceição", "joao@example.com", "Évora"]
    assert table.rows == 2


@pytest.mark.parametrize("codec", ["utf-8", "latin-1"])
def test_an_accent_far_below_decides_the_encoding_too(tmp_path: Path, codec: str) -> None:
    text = "name,city\n" + "Ana,Porto\n" * 20_000 + "Inês,Évora\n"

    table = open_table(_write(tmp_path, text.encode(codec)))

    assert _cells(table)[-1] == ["Inês", "Évora"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_usual_delimiters_and_line_ends(tmp_path: Path, delimiter: str, newline: str) -> None:
    lines = [["name", "phone"], ["Ana Silva", "912 345 678"], ["Rui", "+351 913 000 000"]]
    text = newline.join(delimiter.join(cells) for cells in lines)

    table = open_table(_write(tmp_path, text.encode()))

    assert [table.header, *_cells(table)] == lines


def test_quoted_cells_keep_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    text = 'name;message\n"Silva; Ana";"she said ""yes""\nand left"\nRui;plain\n'

    table = open_table(_write(tmp_path, text.encode()))

    assert _cells(table) == [["Silva; Ana", 'she said "yes"\nand left'], ["Rui", "plain"]]
    assert table.rows == 2


def test_quotes_that_come_only_far_below_are_understood(tmp_path: Path) -> None:
    text = "name;message\n" + "Ana;hello\n" * 500 + 'Rui;"one; two"\n'

    assert _cells(open_table(_write(tmp_path, text.encode())))[-1] == ["Rui", "one; two"]


def test_a_single_column_is_not_cut_at_commas(tmp_path: Path) -> None:
    table = open_table(_write(tmp_path, b"email\nana@example.com\nrui@example.com\n"))

    assert [table.header, *_cells(table)] == [["email"], ["ana@example.com"], ["rui@example.com"]]


def test_blank_rows_are_passed_over_and_counted_in_the_numbers(tmp_path: Path) -> None:
    table = open_table(_write(tmp_path, b"name,email\n\nAna,a@example.com\n,\nRui,r@example.com\n\n"))

    assert [(row.number, row.cells[0]) for row in table.read()] == [(3, "Ana"), (5, "Rui")]
    assert table.rows == 2


def test_what_the_caller_says_is_believed(tmp_path: Path) -> None:
    table = open_table(_write(tmp_path, "a:b\nş:ğ\n".encode("cp1254")), encoding="cp1254", delimiter=":")

    assert [table.header, *_cells(table)] == [["a", "b"], ["ş", "ğ"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the first line is empty"),
        (b"name,email\n", "no rows below the header"),
        (b"name,email\n\n ,\n", "no rows below the header"),
        (b"PK\x03\x04" + bytes(200), "save it as CSV first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "save it as CSV first"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "not look like text"),
        (b"name,email\nAna,\x00\n" * 3, "NUL byte"),
        (b'name,email\nAna,"a\n' + b"Rui,r@example.com\n" * (2 * MOST_LINES_PER_ROW), "never closed"),
        (b'name,email\nAna,"' + b"x " * 70_000 + b"\n", "never closed"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_a_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said) as caught:
        open_table(_write(tmp_path, content))

    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(BadFile, match="is a directory"):
        open_table(tmp_path)


def test_an_encoding_that_does_not_fit_is_told_before_any_row_is_used(tmp_path: Path) -> None:
    path = _write(tmp_path, b"name\n" + b"Ana\n" * 10 + "Inês\n".encode("latin-1"))

    with pytest.raises(BadFile, match="byte 0xea is not UTF-8"):
        open_table(path, encoding="utf-8")
    with pytest.raises(BadFile, match="no encoding called 'utf-9'"):
        open_table(path, encoding="utf-9")
