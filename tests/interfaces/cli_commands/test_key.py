"""Keys are made, listed and revoked from the command line."""

from datetime import UTC, datetime

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.errors import Forbidden
from crossdock.governance.roles import ROLES
from tests.interfaces.cli_commands.conftest import CommandLine


async def test_a_key_has_the_verbs_it_was_given_and_is_shown_once(
    crossdock: CommandLine, hub: Hub
) -> None:
    made = await crossdock(
        "key", "create", "shop", "--may", "stock:write", "--may", "catalog:read"
    )

    token = made.out.splitlines()[0]
    caller = await hub.access.authenticate(f"Bearer {token}")
    assert sorted(map(str, caller.verbs)) == ["catalog:read", "stock:write"]
    assert token not in (await crossdock("key", "list")).out


async def test_a_role_is_a_bundle_of_verbs_and_may_be_added_to(
    crossdock: CommandLine, hub: Hub
) -> None:
    words = ("key", "create", "board", "--role", "channel", "--may", "telemetry:read")

    token = (await crossdock(*words, "--json")).json["token"]

    caller = await hub.access.authenticate(f"Bearer {token}")
    assert {str(verb) for verb in caller.verbs} == {*map(str, ROLES["channel"]), "telemetry:read"}


async def test_a_key_speaks_for_the_channels_it_was_given(
    crossdock: CommandLine, hub: Hub
) -> None:
    words = ("key", "create", "shop", "--role", "channel", "--channel", "web", "--channel", "app")
    token = (await crossdock(*words, "--json")).json["token"]

    caller = await hub.access.authenticate(f"Bearer {token}")
    assert caller.channels == {"web", "app"}
    assert "app, web" in (await crossdock("key", "list")).out
    [key] = (await crossdock("key", "list", "--json")).json
    assert key["channels"] == ["app", "web"]


async def test_a_key_dies_when_it_was_told_to(crossdock: CommandLine, hub: Hub) -> None:
    said = await crossdock(
        "key", "create", "guest", "--role", "reader", "--expires-at", "2099-01-31T18:00:00+01:00"
    )

    assert said.code == 0, said
    [key] = await hub.access.keys(hub.scope)
    assert key.expires_at == datetime(2099, 1, 31, 17, 0, tzinfo=UTC)
    assert "2099-01-31 17:00" in (await crossdock("key", "list")).out


@pytest.mark.parametrize(
    ("words", "where", "hint"),
    [
        (("--role", "boss"), "--role", "operator"),
        (
            ("--role", "reader", "--expires-at", "2099-01-31"),
            "--expires-at",
            "2027-01-31T18:00:00Z",
        ),
        (("--role", "reader", "--expires-at", "soon"), "--expires-at", "2027-01-31T18:00:00Z"),
        (("--role", "reader", "--expires-at", "2020-01-31T18:00:00Z"), "/expires_at", ""),
        (("--may", "stock:eat"), "/verbs", "read, write, admin"),
        (("--role", "channel", "--channel", " web"), "/channels", "spell it"),
        ((), "/verbs", ""),
    ],
)
async def test_a_key_that_cannot_be_is_refused_with_what_to_write(
    crossdock: CommandLine, words: tuple[str, ...], where: str, hint: str
) -> None:
    said = await crossdock("key", "create", "x", *words, "--json")

    assert (said.code, said.json["where"]) == (2, where)
    assert hint in said.json["hint"]


async def test_a_revoked_key_is_refused_and_stays_listed(crossdock: CommandLine, hub: Hub) -> None:
    made = (await crossdock("key", "create", "shop", "--may", "stock:read", "--json")).json

    said = await crossdock("key", "revoke", made["key_id"])
    unknown = await crossdock("key", "revoke", "nobody")

    assert (said.code, said.out) == (0, f"{made['key_id']} revoked\n")
    with pytest.raises(Forbidden):
        await hub.access.authenticate(f"Bearer {made['token']}")
    [kept] = (await crossdock("key", "list", "--json")).json
    assert kept["revoked_at"]
    assert unknown.code == 1
