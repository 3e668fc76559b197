"""Reading workbooks of Excel, whole and damaged."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.capture.domain.tables import Unreadable
from services.capture.reading import rows_of, workbook
from services.capture.reading.examination import examine

pytestmark = pytest.mark.feature("CAP-5")


def _book(tmp_path: Path, *rows: list[Any], more: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name in more:
        book.create_sheet(name).append(["x"])
    path = tmp_path / "clients.xlsx"
    book.save(path)
    return path


def _cells(path: Path, **asked: Any) -> list[list[str]]:
    return [row.cells for row in rows_of(path, asked)]


def test_cells_become_the_text_that_people_see(tmp_path: Path) -> None:
    path = _book(
        tmp_path,
        ["name", "phone", "born", "seen", "ratio", "client", "nothing"],
        ["Ana", 912345678.0, date(1980, 12, 31), datetime(2026, 1, 2, 9, 30), 0.5, True, None],
    )

    assert _cells(path)[1] == ["Ana", "912345678", "1980-12-31", "2026-01-02 09:30:00", "0.5", "true"]


def test_a_formula_counts_by_its_last_result_and_an_error_is_nothing(tmp_path: Path) -> None:
    path = _book(tmp_path, ["name", "sum"], ["Ana", "=1+1"], ["#N/A", "x"])

    # Nothing has ever reckoned this workbook: the formula has no result yet.
    assert _cells(path) == [["name", "sum"], ["Ana"], ["", "x"]]


def test_the_first_sheet_is_read_unless_another_is_asked_for(tmp_path: Path) -> None:
    path = _book(tmp_path, ["name"], ["Ana"], more=("Março",))

    looked = examine(path, {}, [], lambda: None)["found"]
    assert (looked["kind"], looked["sheet"], looked["sheets"]) == ("xlsx", "Sheet", ["Sheet", "Março"])
    assert _cells(path, sheet="Março") == [["x"]]
    with pytest.raises(Unreadable, match="there is no sheet called 'May'"):
        _cells(path, sheet="May")


def test_damaged_cut_off_and_foreign_archives_say_so(tmp_path: Path) -> None:
    whole = _book(tmp_path, ["name"], *(["Ana"] for _ in range(200))).read_bytes()
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    torn = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(torn, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            archive.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    for content in (whole[: len(whole) // 2], torn.getvalue(), other.getvalue()):
        path = tmp_path / "broken.xlsx"
        path.write_bytes(content)
        with pytest.raises(Unreadable) as caught:
            list(rows_of(path, {}))
        assert caught.value.code == "bad_xlsx"


def test_old_and_locked_workbooks_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(Unreadable, match=r"save it as \.xlsx"):
        list(rows_of(path, {}))
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(Unreadable) as caught:
        list(rows_of(path, {}))
    assert caught.value.code == "locked_xlsx"


def test_an_archive_that_unpacks_to_more_than_a_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _book(tmp_path, ["name"], ["Ana"])
    monkeypatch.setattr(workbook, "MOST_BYTES", 1000)

    with pytest.raises(Unreadable) as caught:
        list(rows_of(path, {}))

    assert caught.value.code == "too_large"
