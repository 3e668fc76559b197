"""Distribution in a process of its own: leads come in by the bus, people ask by RPC."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from distribution_cases import captured, closed
from faults.installation import Installation
from runtime_cases import wait_for

from contracts.access import NOBODY, Actor
from contracts.campaigns import OPPORTUNITY_CLOSED
from contracts.capture import LEAD_CAPTURED
from contracts.message import Fact, Message
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from runtime.wire import pack


@pytest.fixture
def rpc(bus_settings: Settings) -> Iterator[RpcPool]:
    """Distribution runs."""
    settings = replace(bus_settings, rpc_timeout_seconds=20)
    settings.var.mkdir(parents=True, exist_ok=True)
    with Installation(settings, ("distribution",)) as running:
        running.start("distribution")
        pool = RpcPool(running.settings)
        yield pool
        pool.close()


def tell(settings: Settings, message: Message, *facts: Fact) -> None:
    publisher = Publisher(settings.amqp_url).start()
    assert publisher.wait_open(20)
    publisher.publish_and_wait(pack(message, facts, lane="live"), 20)
    publisher.stop()


@pytest.mark.feature("DIS-3", "DIS-7", "DIS-13", "R5")
def test_from_captured_to_closed(rpc: RpcPool, bus_settings: Settings) -> None:
    def ask(method: str, **arguments: object) -> dict[str, object]:
        answer: dict[str, object] = rpc.call("distribution", method, **arguments)
        return answer

    team = ask("create_team", team={"name": "Lisboa"})["team_id"]
    sellers = [
        ask("create_seller", seller={"name": name, "teams": [team], "open_cap": 2})["seller_id"] for name in "AB"
    ]
    form = new_id()
    facts = [captured(form, at=utc_now()) for _ in range(5)]
    tell(bus_settings, LEAD_CAPTURED, *facts, facts[0])
    wait_for(lambda: len(ask("waiting")["items"]) == 5)
    assert ask("set_rule", form_id=form, team_id=team)["version"] == 1
    (left,) = ask("waiting", team_id=team)["items"]
    assert left["waiting_reason"] == "all_capped"
    for seller in sellers:
        assert len(ask("seller_work", seller_id=seller)["items"]) == 2
    first = ask("seller_work", seller_id=sellers[0])["items"][0]
    assert ask("why", work_id=first["work_id"])["winner"]["seller_id"] == sellers[0]
    tell(bus_settings, OPPORTUNITY_CLOSED, closed(first["work_id"], sellers[0]))
    wait_for(lambda: ask("get_assignment", work_id=left["work_id"])["seller_id"] == sellers[0])
    assert [item["got"] for item in ask("fairness", team_id=team)["items"]] == [3, 2]
    with pytest.raises(NotFound):
        ask("get_assignment", work_id=new_id())
    for stranger in (NOBODY, Actor(role="seller", seller_id=sellers[1])):
        with pytest.raises(NotFound):
            rpc.call_as(stranger, "distribution", "open_work", work_id=left["work_id"])
    holder = Actor(role="seller", seller_id=sellers[0])
    assert rpc.call_as(holder, "distribution", "open_work", work_id=left["work_id"])["opened_at"]
    with pytest.raises(Conflict):
        ask("reassign", work_id=left["work_id"], seller_id=sellers[1], version=7)
    with pytest.raises(Invalid) as refused:
        ask("create_seller", seller={"name": "C", "weight": 0})
    assert refused.value.errors[0]["field"] == "weight"
    assert ask("bus_status")["failed"] == 0
