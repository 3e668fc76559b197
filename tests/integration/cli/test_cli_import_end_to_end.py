"""A file becomes leads with sellers, through the real gateway, broker and services."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.demo import demo, seed
from cli.import_file import SOME_REJECTED, import_file
from tests.integration.cli.conftest import Installation

pytestmark = pytest.mark.feature("CAP-5", "GTW-5")

ROWS = 240
UNCAPPED = ("Marta Nunes", "Rui Tavares", "Sofia Pinto")


def test_every_row_of_a_file_gets_a_seller_once(installation: Installation, tmp_path: Path) -> None:
    for service in ("capture", "distribution"):
        installation.start_service(service)
    installation.start_gateway()
    installation.start_loader()
    settings = replace(installation.settings, rpc_timeout_seconds=20.0)
    seed(settings)
    seed(settings)  # a second time changes nothing
    installation.wait_for_form("demo")
    path = tmp_path / "contactos.csv"
    lines = [f"Pessoa {n};pessoa{n}@example.com;91{n:07d};Évora" for n in range(ROWS)]
    path.write_bytes("\r\n".join(["Nome;E-mail;Telemóvel;Cidade", *lines, "Sem contacto;;;Faro"]).encode("latin-1"))

    def run() -> dict[str, object]:
        arguments = [str(path), "--form", "demo", "--wait-assigned", "--json"]
        result = CliRunner().invoke(import_file, arguments, env=installation.environment)
        assert result.exit_code == SOME_REJECTED, result.output
        summary: dict[str, object] = json.loads(result.stdout)
        return summary

    first, again = run(), run()

    assert (first["rows"], first["accepted"], first["rejected"], first["created"]) == (ROWS + 1, ROWS, 1, ROWS)
    assert first["waiting"] == {}
    assert (again["created"], again["known"], again["repeated"]) == (0, ROWS, ROWS)
    assert again["sellers"] == first["sellers"]
    sellers = {seller["name"]: seller for seller in first["sellers"]}  # type: ignore[attr-defined]
    assert sum(seller["assigned"] for seller in sellers.values()) == ROWS
    assert all(sellers[name]["assigned"] > 0 for name in UNCAPPED)
    assert all(abs(seller["debt"]) < 1 for seller in sellers.values())
    refused = (tmp_path / "contactos.rejected.csv").read_text(encoding="utf-8-sig").splitlines()
    assert refused[1].startswith(f"{ROWS + 2},")
    assert refused[1].endswith(",Sem contacto,,,Faro")


def test_the_demo_says_how_to_post_a_lead(installation: Installation) -> None:
    for service in ("capture", "distribution"):
        installation.start_service(service)

    result = CliRunner().invoke(demo, ["--no-history"], env=installation.environment)

    assert result.exit_code == 0, result.output
    assert f"{installation.address}/f/demo" in result.stdout
    assert "--data-urlencode 'name=Ana Silva'" in result.stdout
