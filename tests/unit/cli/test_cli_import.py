"""`rodizio import` against a gateway that can be busy, broken or strict."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import import_follow, uploading
from cli.import_file import SOME_REJECTED, import_file
from cli.import_follow import INTERRUPTED
from contracts.limits import IMPORT_PART_BYTES
from runtime.spreadsheet import original_cell, safe_cell
from tests.cli_cases import FORM, SELLER, FakeGateway

pytestmark = pytest.mark.feature("CAP-5")

TWO = "name;email;job\nAna;ana@example.com;nurse\nRui;rui@example.com;\n"


class Import:
    """Runs the command on a file of the given text."""

    def __init__(self, runner: CliRunner, gateway: FakeGateway, folder: Path) -> None:
        self.runner, self.gateway, self.path = runner, gateway, folder / "contacts.csv"

    def run(self, text: str, *options: str, key: str = "rdz_test", becomes: str = "--form=demo") -> Result:
        self.path.write_text(text, encoding="utf-8")
        return self.ask(str(self.path), becomes, *options, key=key)

    def ask(self, *given: str, key: str = "rdz_test") -> Result:
        arguments = ["--api", self.gateway.address, "--key", key, "--patience", "2", *given]
        return self.runner.invoke(import_file, arguments)

    def summary(self, text: str, *options: str) -> dict[str, Any]:
        result = self.run(text, "--json", *options)
        summary: dict[str, Any] = json.loads(result.stdout)
        return summary

    def rejected(self) -> list[list[str]]:
        with self.path.with_name("contacts.rejected.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))


@pytest.fixture
def importing(runner: CliRunner, gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    monkeypatch.setattr(import_follow, "LOOK_EVERY", 0.01)
    return Import(runner, gateway, tmp_path)


def test_a_file_becomes_leads_as_the_loader_suggests(importing: Import, gateway: FakeGateway) -> None:
    result = importing.run(TWO)

    assert result.exit_code == 0, result.output
    assert gateway.plans == [
        {
            "makes": "leads",
            "form_id": FORM["form_id"],
            "source": "",
            "region": "ES",
            "status": "potential",
            "one_lead_each": False,
            "dates": "dmy",
            "columns": ["name", "email", "+job"],
        }
    ]
    assert "2 of 2 rows accepted" in result.stdout
    assert not importing.path.with_name("contacts.rejected.csv").exists()


def test_a_base_becomes_contacts_with_what_was_said(importing: Import, gateway: FakeGateway) -> None:
    said = ("--source=old", "--region=BR", "--status=client", "--dates=mdy", "--one-lead-each")
    result = importing.run(TWO, "--map=job=+Ofício", "--map=EMAIL=", *said, becomes="--contacts")

    assert result.exit_code == 0, result.output
    (plan,) = gateway.plans
    assert plan["columns"] == ["name", "", "+Ofício"]
    assert "form_id" not in plan
    wanted = {"makes": "contacts", "source": "old", "region": "BR", "status": "client", "dates": "mdy"}
    assert wanted.items() <= plan.items()


def test_a_column_fills_a_field_of_the_form_and_another_gives_way(importing: Import, gateway: FakeGateway) -> None:
    importing.run("name;phone;Casa;Quartos\nAna;1;2;3\n", "--map=Casa=telefone", "--map=quartos=rooms")

    assert gateway.plans[0]["columns"] == ["name", "+phone", "phone", "+rooms"]


def test_a_saved_mapping_is_taken_by_itself_or_by_name(importing: Import, gateway: FakeGateway) -> None:
    fits = {"name": "Shop", "header": ["name", "email", "job"], "plan": {"columns": ["name", "", "+Work"]}}
    other = {"name": "Fair", "header": ["job", "x"], "plan": {"columns": ["company", ""], "source": "fair"}}
    gateway.mappings = [fits, other]

    importing.run(TWO)
    importing.run(TWO, "--mapping=Fair")
    missing = importing.run(TWO, "--mapping=Stand")

    assert [plan["columns"] for plan in gateway.plans] == [["name", "", "+Work"], ["name", "email", "company"]]
    assert gateway.plans[1]["source"] == "fair"
    assert "no mapping 'Stand'; there are: Fair, Shop" in missing.stderr


def test_a_large_file_goes_in_parts(importing: Import, gateway: FakeGateway) -> None:
    text = "name;email\n" + "".join(f"N{n};n{n}@example.com\n" for n in range(50_000))

    summary = importing.summary(text)

    assert (summary["rows"], summary["accepted"]) == (50_000, 50_000)
    (parts,) = gateway.files.values()
    assert b"".join(parts[number] for number in range(len(parts))) == text.encode()
    assert {len(parts[number]) for number in range(len(parts) - 1)} == {IMPORT_PART_BYTES}


def test_how_the_file_is_written_is_handed_on(importing: Import, gateway: FakeGateway) -> None:
    importing.run(TWO, "--encoding=latin-1", "--delimiter=tab", "--sheet=Clients")

    assert gateway.settings == [{"encoding": "latin-1", "delimiter": "\t", "sheet": "Clients"}]


def test_a_dry_run_shows_what_is_there_and_loads_nothing(importing: Import, gateway: FakeGateway) -> None:
    result = importing.run("name;[bold]x\nAna;=1+1\n", "--dry-run")
    told = json.loads(importing.run(TWO, "--dry-run", "--json").stdout)

    assert result.exit_code == 0, result.output
    assert all(words in result.stdout for words in ("(kept as) [bold]x", "=1+1", "nothing was loaded", "1 rows"))
    assert (told["rows"], told["plan"]["columns"]) == (2, ["name", "email", "+job"])
    assert gateway.plans == []
    assert {known["state"] for known in gateway.imports.values()} == {"cancelled"}


def test_repeating_the_command_changes_nothing_and_says_so(importing: Import) -> None:
    first = importing.summary(TWO, "--wait-assigned")
    again = importing.summary(TWO, "--wait-assigned")

    assert (first["created"], first["repeated"]) == (2, 0)
    assert (again["created"], again["repeated"], again["accepted"]) == (0, 2, 2)
    assert again["sellers"] == first["sellers"]


def test_rejected_rows_are_written_beside_the_file(importing: Import) -> None:
    result = importing.run("name;email\nAna;a@example.com\n;nobody@example.com\n")

    assert result.exit_code == SOME_REJECTED
    assert importing.rejected() == [["_row", "_reasons", "name", "email"], ["3", "nobody", "", "nobody@example.com"]]
    assert "rejected: 1; see" in result.stdout


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

    summary = importing.summary(TWO)

    assert (summary["accepted"], summary["rejected"], len(gateway.plans)) == (2, 0, 1)


def test_a_gateway_that_stays_busy_is_given_up(importing: Import, gateway: FakeGateway) -> None:
    gateway.refusals = [(503, {"Retry-After": "1"})] * 50

    result = importing.run(TWO)

    assert result.exit_code == 1
    assert "Not now." in result.stderr


@pytest.mark.parametrize("state", ["examining", "loading"])
def test_a_loader_that_is_away_is_not_waited_for_for_ever(importing: Import, gateway: FakeGateway, state: str) -> None:
    gateway.stays = state

    result = importing.run(TWO, "--patience", "0.2")

    assert result.exit_code == 1
    assert "is the loader running" in result.stderr


@pytest.mark.parametrize(("becomes", "said"), [("paused", "somebody paused it"), ("failed", "the disk is full")])
def test_an_import_that_stops_says_how_to_go_on(
    importing: Import, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, becomes: str, said: str
) -> None:
    gateway.becomes = becomes
    trouble = {"code": "disk_full", "message": "the disk is full"}
    look = gateway.look
    monkeypatch.setattr(gateway, "look", lambda import_id: look(import_id) | {"problem": trouble})

    stopped = importing.run(TWO)
    (import_id,) = gateway.imports
    gateway.becomes = "done"
    resumed = importing.ask("--resume", import_id)

    assert (stopped.exit_code, resumed.exit_code) == (1, 0)
    assert said in stopped.stderr
    assert f"--resume {import_id}" in stopped.stderr
    assert "2 of 2 rows accepted" in resumed.stdout


def test_an_import_is_paused_and_one_that_ended_only_told_of(importing: Import, gateway: FakeGateway) -> None:
    gateway.stays = "loading"
    importing.run(TWO, "--patience", "0.1")
    (import_id,) = gateway.imports

    paused = importing.ask("--pause", import_id)
    again = importing.ask("--pause", import_id)
    gateway.stays = ""
    importing.ask("--resume", import_id)
    told = importing.ask("--resume", import_id)

    assert "paused; go on with" in paused.stdout
    assert (again.exit_code, told.exit_code) == (1, 0)
    assert "this import is paused" in again.stderr
    assert "2 of 2 rows accepted" in told.stdout


def test_ctrl_c_leaves_the_import_and_says_how_to_find_it(
    importing: Import, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_seconds: float) -> None:
        if any(known["state"] == "loading" for known in gateway.imports.values()):
            raise KeyboardInterrupt

    monkeypatch.setattr(import_follow.time, "sleep", interrupted)
    result = importing.run(TWO)

    assert result.exit_code == INTERRUPTED
    (import_id,) = gateway.imports
    assert "goes on in the background" in result.stderr
    assert f"--resume {import_id}" in result.stderr
    assert gateway.imports[import_id]["state"] == "loading"


def test_ctrl_c_during_the_upload_gives_it_up(
    importing: Import, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(uploading.Api, "put_bytes", interrupted)
    result = importing.run(TWO)

    assert result.exit_code == INTERRUPTED
    assert "nothing was imported" in result.stderr
    assert [known["state"] for known in gateway.imports.values()] == ["cancelled"]


@pytest.mark.parametrize(("size", "said"), [(IMPORT_PART_BYTES // 2, "shorter"), (IMPORT_PART_BYTES * 2, "longer")])
def test_a_file_that_changes_while_it_is_read_is_not_imported(
    importing: Import, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    put, path = uploading.Api.put_bytes, importing.path

    def changed(api: Any, address: str, raw: bytes) -> Any:
        os.truncate(path, size)
        return put(api, address, raw)

    monkeypatch.setattr(uploading.Api, "put_bytes", changed)
    result = importing.run("name\n" + "Ana\n" * (IMPORT_PART_BYTES // 3))

    assert result.exit_code == 1
    assert f"the file became {said} while it was read" in result.stderr
    assert [known["state"] for known in gateway.imports.values()] == ["cancelled"]


def test_a_file_that_is_gone_once_it_was_sent_does_no_harm(
    importing: Import, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = gateway.look

    def gone(import_id: str) -> Any:
        importing.path.unlink(missing_ok=True)
        return look(import_id)

    monkeypatch.setattr(gateway, "look", gone)
    assert importing.run(TWO).exit_code == 0


def test_waiting_for_assignment_shows_who_got_what(importing: Import, gateway: FakeGateway) -> None:
    gateway.assignments = [{"seller_id": SELLER}, {"seller_id": SELLER}, {"state": "waiting", "waiting_reason": "caps"}]
    text = "name;email\n" + "".join(f"N{n};n{n}@example.com\n" for n in range(6))

    summary = importing.summary(text, "--wait-assigned")
    shown = importing.run(text, "--wait-assigned")

    (seller,) = summary["sellers"]
    assert (seller["name"], seller["weight"], seller["assigned"], seller["share"]) == ("Marta", 3, 4, 1.0)
    assert summary["waiting"] == {"caps": 2}
    assert "Marta" in shown.stdout
    assert "caps" in shown.stdout


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        ("", [], 1, "the file is empty"),
        ("name;email\n", [], 1, "there are no rows below the header"),
        (TWO, ["--map", "name"], 2, "not COLUMN=TARGET"),
        (TWO, ["--map", "Nome=name"], 1, "the file has no column 'Nome'; it has: name, email, job"),
        (TWO, ["--map", "job=work"], 1, "cannot fill 'work'; it can fill: name, email"),
        (TWO, ["--delimiter", ";;"], 2, "not one character"),
        (TWO, ["--form", "other"], 1, "no form 'other'; there are: demo"),
        (TWO, ["--contacts"], 2, "--form KEY for leads, or --contacts"),
        (TWO, ["--pause", "x"], 2, "a FILE, or --resume ID, or --pause ID"),
    ],
)
def test_what_cannot_work_is_one_clear_line(
    importing: Import, gateway: FakeGateway, text: str, options: list[str], code: int, said: str
) -> None:
    result = importing.run(text, *options)

    assert result.exit_code == code
    assert said in result.stderr
    assert gateway.plans == []


def test_a_plan_that_is_refused_names_the_column(importing: Import, gateway: FakeGateway) -> None:
    message = "another column fills 'name' already"
    gateway.plan_problems = [{"field": "columns.1", "code": "conflict", "message": message}]

    result = importing.run(TWO)

    assert result.exit_code == 1
    assert f"column 'email': {message}" in result.stderr
    assert [known["state"] for known in gateway.imports.values()] == ["cancelled"]


def test_a_file_that_is_not_there_is_said_in_a_line(importing: Import, gateway: FakeGateway) -> None:
    result = importing.ask(str(importing.path), "--contacts")

    assert result.exit_code == 1
    assert "no such file" in result.stderr
    assert gateway.imports == {}


def test_the_rejected_rows_never_overwrite_the_file(importing: Import) -> None:
    assert importing.run(TWO, "--rejected", str(importing.path)).exit_code == 2


def test_a_wrong_key_and_a_gateway_that_is_not_there_say_what_to_do(importing: Import) -> None:
    wrong = importing.run(TWO, key="rdz_other")
    away = importing.run(TWO, "--api", "http://127.0.0.1:1")

    assert (wrong.exit_code, away.exit_code) == (1, 1)
    assert "key is not accepted" in wrong.stderr
    assert "Is Rodízio running" in away.stderr
