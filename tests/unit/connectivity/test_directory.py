"""Connections are found by the role they play; their secrets reach their application alone."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound, Rejected
from crossdock.connectivity import claiming
from crossdock.connectivity.directory import Directory, Entry, installed_applications
from crossdock.connectivity.sdk import PostsMovements, PublishesAvailability
from crossdock.connectivity.secret_fields import joined, parted
from crossdock.connectivity.vault import Sealed, Vault, master_key, master_key_in
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.connectivity.standins import MAIN, ShopSettings, World, with_shop, world

SHOP = Entry(
    tenant="main",
    name="shop",
    application="stand_in",
    settings={"address": "https://a.example", "secret": "s3cret", "keys": ["k1", "k2"]},
)


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return world(database, clock)


async def opened(directory: Directory, name: str = "shop") -> dict[str, Any]:
    async with directory.database.transaction(MAIN) as tx:
        settings = await directory.settings_of(tx, await directory.get_in(tx, "main", name))
    assert isinstance(settings, ShopSettings)
    return {
        "address": settings.address,
        "secret": settings.secret.get_secret_value(),
        "keys": [key.get_secret_value() for key in settings.keys],
    }


async def test_secrets_are_stored_sealed_and_come_back_to_the_application(hub: World) -> None:
    entry = await hub.directory.add(MAIN, SHOP)

    assert entry.settings == {"address": "https://a.example", "secret": None, "keys": [None, None]}
    assert entry.secrets == ("/keys/0", "/keys/1", "/secret")
    assert await opened(hub.directory) == SHOP.settings
    async with hub.database.transaction(MAIN) as tx:
        row = str(await tx.fetchrow("select * from connection"))
    assert "s3cret" not in row
    assert "s3cret" not in repr(entry)


async def test_a_changed_setting_leaves_the_others_and_the_secrets(hub: World) -> None:
    await hub.directory.add(MAIN, SHOP)

    entry = await hub.directory.change(
        MAIN, "shop", {"address": "https://b.example"}, rate_per_second=2.0
    )

    assert (entry.revision, entry.rate_per_second) == (2, 2.0)
    assert await opened(hub.directory) == {**SHOP.settings, "address": "https://b.example"}
    with pytest.raises(Invalid):
        await hub.directory.change(MAIN, "shop", colour="red")


async def test_a_wrong_setting_is_named_and_its_value_is_not(hub: World) -> None:
    wrong = Entry(
        tenant="main", name="shop", application="stand_in", settings={"secret": ["t0ps3cret"]}
    )

    with pytest.raises(Invalid) as refusal:
        await hub.directory.add(MAIN, wrong)

    assert refusal.value.where == "/secret"
    assert "t0ps3cret" not in str(refusal.value)


async def test_names_are_taken_once_and_applications_must_exist(hub: World) -> None:
    await hub.directory.add(MAIN, SHOP)

    with pytest.raises(Conflict):
        await hub.directory.add(MAIN, SHOP)
    with pytest.raises(Invalid):
        await hub.directory.add(
            MAIN, Entry(tenant="main", name="Not A Name", application="stand_in", settings={})
        )
    with pytest.raises(NotFound):
        await hub.directory.add(
            MAIN, Entry(tenant="main", name="erp", application="unknown", settings={})
        )


async def test_a_role_is_found_where_it_is_played(hub: World) -> None:
    await with_shop(hub, "everywhere")
    await with_shop(hub, "reno", roles={"PublishesAvailability": ["dc1"]})

    async def playing(location: str) -> list[str]:
        found = await hub.directory.who_plays(MAIN, PublishesAvailability, location)
        return [entry.name for entry in found]

    assert await playing("dc1") == ["everywhere", "reno"]
    assert await playing("dc2") == ["everywhere"]
    assert await hub.directory.who_plays(MAIN, PostsMovements) == []
    with pytest.raises(Invalid):
        await with_shop(hub, "erp", roles={"PostsMovements": []})


async def test_only_who_is_given_a_role_location_by_location_is_told(hub: World) -> None:
    role = "PublishesAvailability"
    await with_shop(hub, "asked")
    await with_shop(hub, "everywhere", roles={role: []})
    await with_shop(hub, "reno", roles={role: ["dc1", "dc2"]})

    async with hub.database.transaction(Scope.of_workers()) as tx:
        assert await hub.directory.told(tx, ["main", "other"], role) == [
            ("main", "reno", ("dc1", "dc2"))
        ]
        assert await hub.directory.told(tx, ["main"], "PostsMovements") == []
        assert await hub.directory.told(tx, ["other"], role) == []


async def test_a_tenants_connections_are_its_own(hub: World) -> None:
    await hub.directory.add(MAIN, SHOP)

    assert await hub.directory.entries(Scope("other")) == []
    with pytest.raises(NotFound):
        await hub.directory.pause(Scope("other"), "shop", "mine")


async def test_whoever_changes_or_resumes_it_and_its_courier_wait_for_each_other_in_turn(
    hub: World,
) -> None:
    """A courier that was refused has the health in hand when it comes to pause the connection."""
    await with_shop(hub)
    for act in (
        lambda: hub.directory.change(MAIN, "shop", {"address": "newer"}),
        lambda: hub.directory.resume(MAIN, "shop"),
    ):
        async with hub.database.transaction(MAIN) as tx:
            await claiming.health_of(tx, "shop")
            acting = asyncio.ensure_future(act())
            await until_somebody_waits(hub.database)
            await hub.directory.pause_in(tx, "main", "shop", "credentials refused")
        await acting  # and no deadlock


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(5):
        while not (await database.call("select count(*) from pg_locks where not granted"))[0][0]:
            await asyncio.sleep(0.01)


async def test_a_new_key_seals_every_secret_again(hub: World) -> None:
    before = await hub.directory.add(MAIN, SHOP)

    assert await hub.directory.rotate_secrets(MAIN) == 1

    after = await hub.directory.get(MAIN, "shop")
    assert {Sealed.parsed(text).generation for text in before.sealed.values()} == {1}
    assert {Sealed.parsed(text).generation for text in after.sealed.values()} == {2}
    assert await opened(hub.directory) == SHOP.settings


async def test_a_new_master_key_opens_what_the_old_one_sealed(hub: World) -> None:
    await hub.directory.add(MAIN, SHOP)
    async with hub.database.transaction(MAIN) as tx:
        await hub.directory.vault.rewrap(tx, ["main"], b"n" * 32)

    renewed = Directory(hub.database, hub.clock, Vault(b"n" * 32), hub.directory.applications)
    assert await opened(renewed) == SHOP.settings
    with pytest.raises(Rejected, match="does not open"):
        await opened(hub.directory)


async def test_a_sealed_secret_opens_only_under_its_own_name(database: Database) -> None:
    vault = Vault(b"k" * 32)
    async with database.transaction(MAIN) as tx:
        sealed = await vault.seal(tx, "main", {"shop/secret": "s3cret"}, NOON)
        assert await vault.open(tx, "main", sealed) == {"shop/secret": "s3cret"}
        for moved in ({"erp/secret": sealed["shop/secret"]}, {"shop/secret": "v1.9.AAAA"}):
            with pytest.raises(Rejected):
                await vault.open(tx, "main", moved)
        with pytest.raises(Rejected):
            await vault.open(tx, "main", {"shop/secret": "plain text"})


def test_the_key_file_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "vault.key"

    key = master_key_in(file)

    assert master_key_in(file) == key
    assert len(key) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    file.write_text("AAAA")
    with pytest.raises(Invalid):
        master_key_in(file)


def test_a_short_secret_is_no_master_key() -> None:
    assert len(master_key("x" * 24)) == 32
    with pytest.raises(Invalid):
        master_key("x" * 23)


def test_settings_are_parted_and_joined_without_loss() -> None:
    settings = ShopSettings.model_validate(SHOP.settings)

    shown, secrets = parted(settings)

    assert secrets == {"/secret": "s3cret", "/keys/0": "k1", "/keys/1": "k2"}
    assert joined(shown, secrets) == SHOP.settings


def test_installed_applications_are_found_by_their_entry_points() -> None:
    assert all(name == found.name for name, found in installed_applications().items())


def test_the_same_plaintext_never_gives_the_same_ciphertext() -> None:
    vault = Vault(b"k" * 32, chance=Random(1).randbytes)
    assert vault._encrypted(b"k" * 32, b"x", "a") != vault._encrypted(b"k" * 32, b"x", "a")
