"""Files become contacts and leads, whatever is in them and whatever happens meanwhile."""

import errno
import tempfile
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from capture_cases import submission, take
from import_cases import add_part, card, loading, make_form, people, start, until, upload
from runtime_cases import count, rows, wait_for

from contracts import limits
from contracts.access import NOBODY, OPERATOR
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.settings import Settings
from runtime.tables import outbox
from services.capture import loader as loader_module
from services.capture import store
from services.capture.handlers import base_leads, imports
from services.capture.handlers import loading as use_cases
from services.capture.handlers.merging import merge_contacts
from services.capture.reading import examination
from services.capture.tables import contact, import_file, import_part, import_rejected, lead

pytestmark = pytest.mark.feature("CAP-5")


def test_rows_become_contacts_and_what_cannot_be_taken_is_kept_with_its_reason(
    settings: Settings, database: Database
) -> None:
    text = (
        "Nome;E-mail;Telemóvel;Cidade;Obs;Nascimento\n"
        "Ana Silva;ANA@example.com;912 345 678;Évora;=cmd|x;31/12/1980\n"
        "Rui;rui@;12;;;\n"
        ";;;Faro;x;\n"
        "Nome;E-mail;Telemóvel;Cidade;Obs;Nascimento\n"
        "Ana S.;ana@example.com;;Porto;second;01/02/1980\n"
        "curta;a@example.com\n"
    )
    with loading(settings):
        import_id = upload(database, text.encode("latin-1"))
        start(database, import_id, source="base")
        done = until(database, import_id, "done")

    assert (done["accepted"], done["rejected"], done["created"], done["known"]) == (3, 2, 2, 1)
    assert (done["wrong_emails"], done["wrong_phones"]) == (1, 1)
    ana, rui = sorted(rows(database, contact), key=lambda row: row.name)
    assert (ana.name, ana.email, ana.phone, ana.city) == ("Ana Silva", "ana@example.com", "+351912345678", "Évora")
    assert ana.attributes == {"Obs": "=cmd|x", "Nascimento": "1980-12-31"}
    assert (ana.source, ana.import_id, ana.status) == ("base", import_id, "potential")
    assert (rui.wrong_email, rui.wrong_phone) == ("rui@", "12")
    with database.read() as connection:
        refused = imports.import_rejected(connection, OPERATOR, import_id, 0, 10)
    assert refused["header"][:2] == ["Nome", "E-mail"]
    assert [(row["row"], row["reasons"][0]["code"]) for row in refused["items"]] == [
        (4, "nobody"),
        (7, "too_few_cells"),
    ]
    assert count(database, import_part) == 0, "the file itself is not kept"
    assert count(database, outbox) == 0, "contacts alone are nobody's work"


def test_the_same_file_again_brings_nobody_twice_not_even_who_has_only_a_name(
    settings: Settings, database: Database
) -> None:
    text = b"nome,e-mail\nAna,ana@example.com\nSem Nada,\n"
    with loading(settings):
        for _ in range(2):
            import_id = upload(database, text)
            start(database, import_id)
            done = until(database, import_id, "done")

    assert (done["created"], done["known"]) == (0, 2)
    assert done["same_as"], "it says that the same file was in before"
    assert count(database, contact) == 2


def test_rows_become_leads_once_each_in_the_bulk_lane(settings: Settings, database: Database) -> None:
    form_id = make_form(database)
    with loading(settings):
        for _ in range(2):
            import_id = upload(database, people(range(50)))
            start(database, import_id, makes="leads", form_id=form_id, one_lead_each=False)
            done = until(database, import_id, "done")

    assert (done["accepted"], done["repeated"]) == (48, 48), "the second time all of them were there"
    assert count(database, lead) == 48
    assert {row.lane for row in rows(database, outbox) if "lead_captured" in row.routing_key} == {"bulk"}
    kept = next(row for row in rows(database, lead) if row.fields.get("nome") == "Ana 1")
    assert kept.fields["idade"] == "1", "a lead keeps the row as it came"
    assert (kept.channel, kept.source) == ("import", "clients")


def test_a_client_who_is_there_300_times_is_one_contact_with_one_lead(settings: Settings, database: Database) -> None:
    text = "nome;e-mail;compra\n" + "".join(f"Ana;ana@example.com;{number}\n" for number in range(300))
    form_id = make_form(database)
    with loading(settings):
        import_id = upload(database, text.encode())
        start(database, import_id, makes="leads", form_id=form_id)
        done = until(database, import_id, "done")

    assert (done["accepted"], done["created"], done["repeated"]) == (300, 1, 299)
    assert (count(database, contact), count(database, lead)) == (1, 1)


def test_a_lead_that_nobody_could_reach_is_refused(settings: Settings, database: Database) -> None:
    form_id = make_form(database)
    with loading(settings):
        import_id = upload(database, b"nome,e-mail\nAna,ana@example.com\nRui,rui@\n")
        start(database, import_id, makes="leads", form_id=form_id)
        until(database, import_id, "done")

    assert [row.reasons[0]["code"] for row in rows(database, import_rejected)] == ["unreachable"]


def test_parts_come_in_any_order_and_twice_and_a_file_that_is_cut_off_says_so(database: Database) -> None:
    content = bytes(range(256)) * 3000
    part = limits.IMPORT_PART_BYTES
    import_id = database.transact(imports.create_import, OPERATOR, {"name": "x.csv", "size": len(content)})["import_id"]
    assert add_part(database, import_id, 1, content[part:])["received"] == len(content) - part
    with pytest.raises(Invalid, match="of 768000 bytes have arrived"):
        database.transact(imports.finish_upload, OPERATOR, import_id)
    assert add_part(database, import_id, 1, content[part:])["received"] == len(content) - part
    with pytest.raises(Invalid, match="part 0 has 100 bytes"):
        add_part(database, import_id, 0, content[:100])
    with pytest.raises(Invalid, match="the file has 2 parts"):
        add_part(database, import_id, 2, content[:100])
    assert add_part(database, import_id, 0, content[:part])["received"] == len(content)
    with pytest.raises(Conflict, match="came before with other bytes"):
        add_part(database, import_id, 0, bytes(part))
    assert database.transact(imports.finish_upload, OPERATOR, import_id)["state"] == "examining"
    with pytest.raises(Conflict):
        add_part(database, import_id, 0, content[:part])


@pytest.mark.parametrize("data", ["", "x", "eJw=", "AAAA"])
def test_a_part_that_is_none_is_refused(data: str) -> None:
    with pytest.raises(Invalid):
        imports.unpack_part(data)


def test_a_file_that_cannot_be_used_says_why_and_may_be_looked_at_again(settings: Settings, database: Database) -> None:
    with loading(settings):
        import_id = upload(database, "nome;ciudad\nAna;Ş\n".encode("utf-16-le"))
        failed = until(database, import_id, "failed")
        database.transact(imports.examine_import, OPERATOR, import_id, {"encoding": "utf-16-le"})
        seen = until(database, import_id, "ready")

    assert failed["problem"]["code"] in ("not_text", "nul_byte", "wrong_encoding")
    assert seen["found"]["rows"] == [["Ana", "Ş"]]


def test_a_pause_holds_rows_where_they_are_and_cancelling_leaves_in_what_is_in(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader_module, "BATCH", 10)
    with loading(settings):
        import_id = upload(database, people(range(20_000)))
        start(database, import_id)
        wait_for(lambda: card(database, import_id)["accepted"], "the first rows")
        held = database.transact(imports.pause_import, OPERATOR, import_id)
        assert held["state"] == "paused"
        before = wait_for(lambda: _unchanged(database, import_id), "the last batch")
        database.transact(imports.resume_import, OPERATOR, import_id)
        wait_for(lambda: card(database, import_id)["accepted"] > before["accepted"], "more rows")
        database.transact(imports.cancel_import, OPERATOR, import_id)
        ended = wait_for(lambda: _unchanged(database, import_id), "the end")

    assert ended["state"] == "cancelled"
    assert 0 < ended["accepted"] < 20_000
    assert count(database, contact) == ended["created"]
    assert count(database, import_part) == 0
    with pytest.raises(Conflict, match="it is cancelled"):
        database.transact(imports.resume_import, OPERATOR, import_id)


def _unchanged(database: Database, import_id: str) -> dict[str, Any] | None:
    """The import, when no loader has it any more."""
    (row,) = (row for row in rows(database, import_file) if row.id == import_id)
    before = card(database, import_id)
    if row.held_until is not None and row.state == "loading":
        return None
    wait = count(database, contact)
    return before if before == card(database, import_id) and wait == count(database, contact) else None


def test_a_full_disk_is_told_and_the_import_goes_on_when_there_is_room(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any, **_named: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with loading(settings):
        import_id = upload(database, people(range(100)))
        until(database, import_id, "ready")
        with monkeypatch.context() as context:
            context.setattr(tempfile, "NamedTemporaryFile", full)
            start(database, import_id)
            failed = until(database, import_id, "failed")
        database.transact(imports.resume_import, OPERATOR, import_id)
        done = until(database, import_id, "done")

    assert failed["problem"]["code"] == "disk_full"
    assert (done["accepted"], done["rejected"], done["problem"]) == (95, 5, None)


def test_rows_wait_while_capture_has_too_much_to_tell(settings: Settings, database: Database) -> None:
    with loading(settings) as loader:
        loader.outbox.waiting = settings.outbox_brake + 1
        import_id = upload(database, people(range(100)))
        start(database, import_id)
        wait_for(lambda: rows(database, import_file)[0].holder, "the loader")
        assert count(database, contact) == 0
        loader.outbox.waiting = 0
        until(database, import_id, "done")


def test_what_a_silent_loader_held_is_taken_up_by_another_and_only_one_has_it(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = upload(database, people(range(100)))
    assert database.transact(use_cases.take_up, "somebody who died") is not None
    assert database.transact(use_cases.take_up, "somebody else") is None, "it is held"
    monkeypatch.setattr(use_cases, "HELD_FOR", -use_cases.HELD_FOR)
    assert database.transact(use_cases.still_held, import_id, "somebody who died")
    assert database.transact(use_cases.take_up, "somebody else") is not None
    assert not database.transact(use_cases.still_held, import_id, "somebody who died")


def test_a_plan_that_cannot_be_is_refused_whole_and_an_older_look_is_told(
    settings: Settings, database: Database
) -> None:
    with loading(settings):
        import_id = upload(database, people(range(10)))
        seen = until(database, import_id, "ready")
    with pytest.raises(Invalid) as caught:
        start(database, import_id, makes="leads", columns=["name", "name", "", "", ""])
    assert {error["field"] for error in caught.value.errors} == {"form_id", "columns.1"}
    with pytest.raises(Conflict, match="changed this import"):
        database.transact(imports.start_import, OPERATOR, import_id, {"makes": "contacts"}, seen["version"] - 1)
    assert card(database, import_id)["state"] == "ready"


def test_what_columns_mean_is_kept_for_the_next_file(settings: Settings, database: Database) -> None:
    header = ["nome", "e-mail", "telefone", "idade", "nascimento"]
    plan = {"columns": ["name", "email", "", "+Anos", ""], "region": "BR"}
    kept = database.transact(imports.save_mapping, OPERATOR, "Base", header, plan)
    database.transact(imports.save_mapping, OPERATOR, "Base", header, plan)
    with loading(settings):
        seen = until(database, upload(database, people(range(10))), "ready")
    assert seen["found"]["mapping"] == "Base"
    assert seen["found"]["plan"] == plan
    with database.read() as connection:
        assert [item["name"] for item in imports.list_mappings(connection, OPERATOR)["items"]] == ["Base"]
    database.transact(imports.drop_mapping, OPERATOR, kept["mapping_id"])
    with pytest.raises(NotFound):
        database.transact(imports.drop_mapping, OPERATOR, kept["mapping_id"])


@pytest.mark.feature("R8")
def test_a_file_over_which_the_loader_stumbles_does_not_keep_others_waiting(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_arguments: Any) -> Any:
        raise ZeroDivisionError("nobody thought of that")

    first, second = (upload(database, people(range(10))) for _ in range(2))
    monkeypatch.setattr(examination, "digest_of", stumble)
    with loading(settings):
        failed = until(database, first, "failed")
        until(database, second, "failed")
        monkeypatch.undo()
        for asked in ("base64", "rot13", "nonsense"):
            database.transact(imports.examine_import, OPERATOR, second, {"encoding": asked})
            assert until(database, second, "failed")["problem"]["code"] == "wrong_encoding"
        database.transact(imports.examine_import, OPERATOR, first, {})
        until(database, first, "ready")
    assert failed["problem"]["code"] == "lost"
    assert "ZeroDivisionError" in failed["problem"]["message"]


@pytest.mark.feature("R8")
def test_a_file_over_which_loaders_die_is_given_up(settings: Settings, database: Database) -> None:
    first, second = (upload(database, people(range(10))) for _ in range(2))
    for _ in range(use_cases.MOST_TRIES):
        assert database.transact(use_cases.take_up, "me")["id"] == first  # type: ignore[index]
    assert database.transact(use_cases.take_up, "me") is None
    assert card(database, first)["problem"]["code"] == "lost"
    assert database.transact(use_cases.take_up, "me")["id"] == second  # type: ignore[index]


def test_who_looks_again_gets_what_the_second_look_found(settings: Settings, database: Database) -> None:
    import_id = upload(database, b"a;b\nc;d\ne;f\n")
    assert database.transact(use_cases.take_up, "first look") is not None
    database.transact(imports.examine_import, OPERATOR, import_id, {"delimiter": ","})
    looked = {"found": {"columns": [], "header_row": 1, "dates": "dmy"}, "total": 2, "digest": "x"}
    database.transact(use_cases.examined, import_id, "first look", looked)
    assert card(database, import_id)["state"] == "examining", "what the first look found is not what was asked for"
    with loading(settings):
        assert until(database, import_id, "ready")["found"]["delimiter"] == ","


def test_what_is_shown_of_a_file_is_thrown_away_with_it(settings: Settings, database: Database) -> None:
    with loading(settings):
        done = start(database, upload(database, people(range(10))))["import_id"]
        assert until(database, done, "done")["found"]["rows"] == []
        left = until(database, upload(database, people(range(10))), "ready")["import_id"]
    assert card(database, left)["found"]["rows"]
    with database.write() as transaction:
        assert store.imports.forget(transaction.connection, utc_now(), 10) == 1
    assert card(database, left)["found"]["rows"] == []
    assert card(database, left)["state"] == "cancelled"


@pytest.mark.feature("CAP-8", "R5")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_comes_while_two_cards_become_one_hangs_on_the_one_that_stays(database: Database) -> None:
    keep, other = (take(database, submission(email=email))[0].contact_id for email in ("a@x.pt", "b@x.pt"))
    told: list[Any] = []
    with database.write() as merging:
        merge_contacts(merging, OPERATOR, keep, other)
        arriving = threading.Thread(target=lambda: told.extend(take(database, submission(email="b@x.pt", name="B"))))
        arriving.start()
        wait_for(lambda: _waits_for_a_lock(database), "the submission to wait for the merge")
    arriving.join(10)
    assert [fact.contact_id for fact in told] == [keep]


def _waits_for_a_lock(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar())


@pytest.mark.feature("R14")
def test_only_managers_have_anything_to_do_with_files(database: Database) -> None:
    import_id = upload(database, b"nome\nAna\n")
    with pytest.raises(NotFound):
        database.transact(imports.create_import, NOBODY, {"name": "x", "size": 1})
    with pytest.raises(NotFound):
        database.transact(imports.cancel_import, NOBODY, import_id)
    with database.read() as connection:
        assert imports.list_imports(connection, NOBODY, None, 50)["items"] == []
        assert [item["import_id"] for item in imports.list_imports(connection, OPERATOR, None, 50)["items"]] == [
            import_id
        ]
        with pytest.raises(NotFound):
            imports.import_rejected(connection, NOBODY, import_id, 0, 10)


def test_a_corrected_file_of_rejected_rows_has_its_cells_as_they_were(settings: Settings, database: Database) -> None:
    text = "_row,_reasons,nome,e-mail,obs\n4,nobody,Ana,ana@example.com,'=1+1\n"
    with loading(settings):
        import_id = upload(database, text.encode())
        assert [column["target"] for column in until(database, import_id, "ready")["found"]["columns"]][:2] == ["", ""]
        start(database, import_id)
        until(database, import_id, "done")
    (ana,) = rows(database, contact)
    assert ana.attributes == {"obs": "=1+1"}


@pytest.mark.feature("DIS-11")
@pytest.mark.parametrize(("order", "first"), [("newest", "Ana 49"), ("oldest", "Ana 0")])
def test_contacts_of_the_base_become_leads_as_many_as_wanted_and_nobody_twice(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, order: str, first: str
) -> None:
    monkeypatch.setattr(base_leads, "AT_ONCE", 7)
    monkeypatch.setattr(loader_module, "BATCH", 1)  # so that no two contacts were made at the same time
    form_id = make_form(database)
    text = "nome,e-mail,cidade,idade\n" + "".join(
        f"Ana {number},a{number}@example.com,{'Faro' if number % 2 else 'Beja'},{number}\n" for number in range(50)
    )
    chosen = {"filters": {"city": "Faro" if order == "newest" else "Beja"}}
    with loading(settings):
        start(database, upload(database, text.encode()))
        wait_for(lambda: count(database, contact) == 50, "the contacts")
        for _ in range(2):
            made = database.transact(base_leads.distribute_contacts, OPERATOR, chosen, form_id, 20, order)
            done = until(database, made["import_id"], "done")

    leads = sorted(rows(database, lead), key=lambda row: row.id)
    assert len(leads) == 20, "the second time the same ones are there already"
    assert (done["accepted"], done["repeated"]) == (20, 20)
    assert first in {row.fields["name"] for row in leads}
    assert all(row.fields["idade"] and row.contact_id for row in leads), "a lead says what is known of its contact"


@pytest.mark.feature("DIS-11")
def test_named_contacts_become_leads_and_what_cannot_be_distributed_is_refused(
    settings: Settings, database: Database
) -> None:
    form_id = make_form(database)
    with loading(settings):
        until(database, start(database, upload(database, people(range(9))))["import_id"], "done")
        ids = [row.id for row in rows(database, contact)][:3]
        made = database.transact(
            base_leads.distribute_contacts, OPERATOR, {"contact_ids": ids}, form_id, None, "newest"
        )
        assert until(database, made["import_id"], "done")["accepted"] == 3
    assert {row.contact_id for row in rows(database, lead)} == set(ids)
    for contacts, form, most, order in (
        ({}, ids[0], None, "newest"),
        ({"filters": {"colour": "red"}}, form_id, None, "newest"),
        ({"contact_ids": ["nobody"]}, form_id, None, "newest"),
        ({}, form_id, 0, "newest"),
        ({}, form_id, None, "sideways"),
    ):
        with pytest.raises(Invalid):
            database.transact(base_leads.distribute_contacts, OPERATOR, contacts, form, most, order)
    with pytest.raises(NotFound):
        database.transact(base_leads.distribute_contacts, NOBODY, {}, form_id, None, "newest")
