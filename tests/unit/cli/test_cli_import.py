"""`rodizio import` against a gateway that can be busy, broken or strict."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.import_file import SOME_REJECTED, import_file
from contracts.limits import IMPORT_ROWS
from runtime.spreadsheet import original_cell, safe_cell
from tests.cli_cases import SELLER, FakeGateway

pytestmark = pytest.mark.feature("CAP-5")


class Import:
    """Runs the command on a file of the given text."""

    def __init__(self, runner: CliRunner, gateway: FakeGateway, folder: Path) -> None:
        self.runner, self.gateway, self.path = runner, gateway, folder / "contacts.csv"

    def run(self, text: str, *options: str, key: str = "rdz_test") -> Result:
        self.path.write_text(text, encoding="utf-8")
        given = ["--form", "demo", "--api", self.gateway.address, "--key", key, "--patience", "2"]
        return self.runner.invoke(import_file, [str(self.path), *given, *options])

    def summary(self, text: str, *options: str) -> dict[str, Any]:
        result = self.run(text, "--json", *options)
        summary: dict[str, Any] = json.loads(result.stdout)
        return summary

    def rejected(self) -> list[list[str]]:
        with self.path.with_name("contacts.rejected.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))


@pytest.fixture
def importing(runner: CliRunner, gateway: FakeGateway, tmp_path: Path) -> Import:
    return Import(runner, gateway, tmp_path)


def test_every_row_becomes_a_lead(importing: Import, gateway: FakeGateway) -> None:
    result = importing.run("Name;E-mail;job\nAna;ana@example.com;nurse\nRui;rui@example.com;\n")

    assert result.exit_code == 0, result.output
    assert gateway.leads == {
        0: {"name": "Ana", "email": "ana@example.com", "job": "nurse"},
        1: {"name": "Rui", "email": "rui@example.com"},
    }
    assert "2 of 2 rows accepted, 2 leads captured" in result.stdout
    assert not importing.path.with_name("contacts.rejected.csv").exists()


def test_a_long_file_goes_in_batches_with_each_row_once_and_numbered(importing: Import, gateway: FakeGateway) -> None:
    rows = 2 * IMPORT_ROWS + 345
    summary = importing.summary("name,email\n" + "".join(f"N{n},n{n}@example.com\n" for n in range(rows)))

    assert (summary["rows"], summary["accepted"], summary["captured"]) == (rows, rows, rows)
    assert sorted(len(post["rows"]) for post in gateway.posts) == [345, IMPORT_ROWS, IMPORT_ROWS]
    assert {number: lead["name"] for number, lead in gateway.leads.items()} == {n: f"N{n}" for n in range(rows)}


def test_a_repeat_is_the_same_import_and_another_content_is_not(importing: Import) -> None:
    first = importing.summary("name,email\nAna,a@example.com\n")
    again = importing.summary("name,email\nAna,a@example.com\n")
    other = importing.summary("name,email\nAna,a@example.org\n")

    assert first["import_id"] == again["import_id"] != other["import_id"]


def test_rejected_rows_are_written_with_number_and_reasons(importing: Import) -> None:
    rows = ["Ana,a@example.com,x", ",nobody@example.com,=cmd()", "Rui,r@example.com", "Eva,e@e.pt,x,y", "Zé,z@e.pt,x,,"]
    result = importing.run("\n".join(["name,email,note", *rows]))

    assert result.exit_code == SOME_REJECTED
    header, *rows = importing.rejected()
    assert header == ["_row", "_reasons", "name", "email", "note"]
    assert sorted(rows) == [
        ["3", "name: Please fill this in.", "", "nobody@example.com", "'=cmd()"],
        ["4", "2 cells where the header has 3", "Rui", "r@example.com"],
        ["5", "4 cells where the header has 3", "Eva", "e@e.pt", "x", "y"],
    ]
    assert "rejected: 3; see" in result.stdout


def test_ragged_rows_do_not_shift_the_numbers_of_the_others(importing: Import, gateway: FakeGateway) -> None:
    importing.run("name,email\nAna,a@example.com\nragged\nRui,r@example.com\n")

    assert {number: lead["name"] for number, lead in gateway.leads.items()} == {0: "Ana", 1: "Rui"}


def test_a_corrected_file_of_rejected_rows_can_be_imported(importing: Import, gateway: FakeGateway) -> None:
    summary = importing.summary("_row,_reasons,name,phone\n3,name: missing,Ana,'+351912345678\n")

    assert summary["accepted"] == 1
    assert gateway.leads == {0: {"name": "Ana", "phone": "+351912345678"}}


@pytest.mark.parametrize("text", ["=1+1", "+351912", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_cells_that_would_start_a_formula_are_quoted_and_come_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert original_cell(safe_cell(text)) == text
    assert original_cell("'tis") == "'tis"


@pytest.mark.feature("GTW-5", "R2")
@pytest.mark.parametrize(
    "refusal", [(429, {"Retry-After": "0.1"}), (503, {"Retry-After": "0.1"}), (504, {}), (0, {})], ids=str
)
def test_a_busy_gateway_and_a_lost_answer_are_tried_again(
    importing: Import, gateway: FakeGateway, refusal: tuple[int, dict[str, str]]
) -> None:
    gateway.refusals = [refusal, refusal]

    summary = importing.summary("name,email\nAna,a@example.com\n")

    assert (summary["accepted"], summary["rejected"], len(gateway.leads)) == (1, 0, 1)


def test_a_gateway_that_stays_busy_is_given_up(importing: Import, gateway: FakeGateway) -> None:
    gateway.refusals = [(503, {"Retry-After": "1"})] * 50

    result = importing.run("name,email\nAna,a@example.com\n")

    assert result.exit_code == 1
    assert "Not now." in result.stderr


def test_rows_that_never_become_leads_are_not_called_done(importing: Import, gateway: FakeGateway) -> None:
    gateway.captures = False

    result = importing.run("name,email\nAna,a@example.com\n")

    assert result.exit_code == 1
    assert "1 rows are accepted but not captured" in result.stderr


def test_waiting_for_assignment_shows_who_got_what(importing: Import, gateway: FakeGateway) -> None:
    gateway.assignments = [{"seller_id": SELLER}, {"seller_id": SELLER}, {"state": "waiting", "waiting_reason": "caps"}]
    rows = "".join(f"N{n},n{n}@example.com\n" for n in range(6))

    summary = importing.summary(f"name,email\n{rows}", "--wait-assigned")
    shown = importing.run(f"name,email\n{rows}", "--wait-assigned")

    (seller,) = summary["sellers"]
    assert (seller["name"], seller["weight"], seller["assigned"], seller["share"]) == ("Marta", 3, 4, 1.0)
    assert summary["waiting"] == {"caps": 2}
    assert "Marta" in shown.stdout
    assert "caps" in shown.stdout


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        ("", [], 1, "the file is empty"),
        ("foo,bar\n1,2\n", [], 1, "no column matches"),
        ("name,email\nAna,a@e.pt\n", ["--map", "name"], 2, "not COLUMN=FIELD"),
        ("name,email\nAna,a@e.pt\n", ["--delimiter", ";;"], 2, "not one character"),
        ("name,email\nAna,a@e.pt\n", ["--encoding", "klingon"], 1, "no encoding called 'klingon'"),
        ("name,email\nAna,a@e.pt\n", ["--form", "other"], 1, "no form 'other'; there are: demo"),
    ],
)
def test_what_cannot_work_is_one_clear_line(
    importing: Import, text: str, options: list[str], code: int, said: str
) -> None:
    result = importing.run(text, *options)

    assert result.exit_code == code
    assert said in result.stderr


def test_the_rejected_rows_never_overwrite_the_file(importing: Import) -> None:
    result = importing.run("name,email\nAna,a@e.pt\n", "--rejected", str(importing.path))

    assert result.exit_code == 2


def test_a_wrong_key_and_a_gateway_that_is_not_there_say_what_to_do(importing: Import) -> None:
    wrong = importing.run("name,email\nAna,a@e.pt\n", key="rdz_other")
    away = importing.run("name,email\nAna,a@e.pt\n", "--api", "http://127.0.0.1:1")

    assert (wrong.exit_code, away.exit_code) == (1, 1)
    assert "key is not accepted" in wrong.stderr
    assert "Is Rodízio running" in away.stderr
