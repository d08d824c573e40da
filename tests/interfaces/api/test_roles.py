"""What a connection is asked for, and where, is said over the API."""

from typing import Any

import pytest

from crossdock.connectivity.directory import Entry
from tests.interfaces.api.applications import SECRET
from tests.interfaces.api.conftest import Caller, House, main_scope

ROLES = "/v1/connections/erp/roles"


@pytest.fixture
async def erp(house: House, call: Caller) -> None:
    entry = Entry(tenant="main", name="erp", application="books", settings={"secret": SECRET})
    await house.directory.add(main_scope(), entry)
    await call("PUT", "/v1/locations/EAST", {})
    await call("PUT", "/v1/locations/COAST", {"kind": "GROUP", "members": ["EAST"]})
    await house.catch_up()


@pytest.mark.usefixtures("erp")
async def test_roles_are_said_with_the_hubs_names_and_replace_those_before(
    house: House, call: Caller
) -> None:
    for locations, kept in ((["east", "EAST"], ["EAST"]), ([], [])):
        answer = await call("PUT", ROLES, {"roles": {"PostsMovements": locations}})

        assert answer.status == 200, answer.body
        assert answer.json["roles"] == {"PostsMovements": kept}
        entry = await house.directory.get(main_scope(), "erp")
        assert entry.roles == {"PostsMovements": kept}


@pytest.mark.usefixtures("erp")
@pytest.mark.parametrize(
    ("roles", "status", "code"),
    [
        ({"PostsMovements": ["WEST"]}, 404, "MD-LOC"),
        ({"PostsMovements": ["COAST"]}, 422, "invalid"),
        ({"PostsMovments": ["EAST"]}, 422, "invalid"),
        ({"PostsMovements": [""]}, 422, "invalid"),
        ({"PostsMovements": "EAST"}, 422, "invalid"),
    ],
)
async def test_roles_that_nobody_could_play_are_refused(
    call: Caller, roles: dict[str, Any], status: int, code: str
) -> None:
    answer = await call("PUT", ROLES, {"roles": roles})

    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert (await call("GET", "/v1/connections/erp")).json["roles"] == {}
