"""The schema is brought to this version, or back, by one command."""

from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute
from tests.interfaces.cli_commands.conftest import CommandLine


async def test_a_schema_that_is_current_stays_as_it_is(crossdock: CommandLine) -> None:
    said = await crossdock("migrate")

    assert (said.code, said.out) == (0, f"schema is at {migrate.head()} already\n")


async def test_a_schema_goes_back_and_comes_again(crossdock: CommandLine) -> None:
    back = await crossdock("migrate", "--to", "0003")
    found = await migrate.current(crossdock.environment["CROSSDOCK_DSN"])
    again = await crossdock("migrate", "--json")

    assert (back.out, found) == (f"schema moved from {migrate.head()} to 0003\n", "0003")
    assert again.json == {"before": "0003", "after": migrate.head()}


async def test_a_database_that_does_not_answer_is_named(crossdock: CommandLine) -> None:
    crossdock.environment["CROSSDOCK_DSN"] = "postgresql://nobody@127.0.0.1:1/nothing"

    said = await crossdock("migrate", "--json")

    assert (said.code, said.json["error"]) == (4, "database_unreachable")


async def test_a_login_without_rights_is_told_what_to_grant(
    crossdock: CommandLine, postgres: EmbeddedPostgres
) -> None:
    for statement in (*WEAK, "create database weak"):
        await execute(postgres.dsn, statement)
    address = postgres.dsn_of("weak")
    crossdock.environment["CROSSDOCK_DSN"] = address.replace("//postgres", "//weak", 1)

    refused = await crossdock("migrate", "--json")
    await execute(address, "grant create on schema public to weak")
    done = await crossdock("migrate", "--json")

    assert (refused.code, refused.json["error"]) == (1, "role_without_rights")
    assert refused.json["hint"].endswith("grant create on schema public to weak")
    assert done.json["after"] == migrate.head()
    await execute(postgres.dsn, "drop database weak with (force)")
    await execute(postgres.dsn, "drop role weak")


WEAK = ("create role weak login", "grant crossdock_hub to weak")
