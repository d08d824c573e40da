"""A key is shown once, proves its holder, can do what it may, and stops when it is revoked."""

import asyncio
import string
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Forbidden, Invalid, NotFound
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.governance.access import (
    OWNER_FILE,
    REMEMBERED_SECONDS,
    Access,
    NewKey,
    check_bound,
)
from crossdock.governance.keys import Token, mint, read_token
from crossdock.governance.roles import (
    ROLES,
    Area,
    Level,
    Principal,
    Unauthenticated,
    Verb,
    require,
    verbs_of,
)
from tests.conftest import NOON

MAIN = Scope("main")
OWNER = Principal(tenant="main", verbs=ROLES["owner"], key_id="owner")
verbs = st.builds(Verb, st.sampled_from(Area), st.sampled_from(Level))


@pytest.fixture
def access(database: Database, clock: VirtualClock) -> Access:
    return Access(database, clock, Random(7))


@given(st.integers())
def test_a_key_reads_back_as_it_was_minted(seed: int) -> None:
    token = mint(Random(seed))

    assert read_token(token.reveal()) == token


@given(st.integers(), st.integers(min_value=0), st.characters())
def test_one_wrong_character_is_refused_without_asking(seed: int, at: int, new: str) -> None:
    text = mint(Random(seed)).reveal()
    at %= len(text)
    mistyped = text[:at] + new + text[at + 1 :]

    if mistyped != text:
        with pytest.raises(Unauthenticated):
            read_token(mistyped)


@given(st.text())
def test_hostile_text_is_no_key(text: str) -> None:
    with pytest.raises(Unauthenticated):
        read_token(text)


def test_a_key_does_not_show_its_secret_by_accident() -> None:
    token = mint(Random(1))

    assert token.secret not in repr(token)
    assert token.secret not in str(token)
    assert token.secret in token.reveal()


@given(verbs)
def test_a_verb_reads_back_as_it_is_written(verb: Verb) -> None:
    assert Verb.of(str(verb)) == verb


@given(st.text(alphabet=string.ascii_letters + ":* "))
def test_what_is_no_verb_is_refused(text: str) -> None:
    if text.lower() not in {f"{area}:{level.name.lower()}" for area in Area for level in Level}:
        with pytest.raises(Invalid, match="is no verb"):
            Verb.of(text)


@given(st.frozensets(verbs), verbs)
def test_a_level_includes_those_below_it_and_no_other_area(
    own: frozenset[Verb], asked: Verb
) -> None:
    principal = Principal(tenant="main", verbs=own, key_id="k")
    highest = max((verb.level for verb in own if verb.area is asked.area), default=0)

    assert principal.may(asked) == (highest >= asked.level)
    if not principal.may(asked):
        with pytest.raises(Forbidden, match=str(asked)):
            require(principal, asked)


async def test_a_key_proves_its_holder(access: Access) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:write"])))

    principal = await access.authenticate(f"Bearer {issued.token}")

    assert principal == Principal(
        tenant="main", verbs=verbs_of(["stock:write"]), key_id=issued.key_id, name="shop"
    )


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer xd_a_b"])
async def test_no_key_is_no_entry(access: Access, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await access.authenticate(header)


async def test_a_right_id_with_a_wrong_secret_is_refused(access: Access) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    await access.authenticate(f"Bearer {issued.token}")  # and it is remembered
    forged = Token(issued.key_id, mint(Random(99)).secret).reveal()

    with pytest.raises(Unauthenticated):
        await access.authenticate(f"Bearer {forged}")


async def test_the_secret_is_not_in_the_database(access: Access, database: Database) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    async with database.transaction(MAIN) as tx:
        row = await tx.fetchrow("select to_jsonb(api_key)::text as all from api_key")

    assert read_token(issued.token).secret not in row["all"]
    assert issued.token not in row["all"]


async def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(access: Access) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    await access.authenticate(f"Bearer {issued.token}")

    await access.revoke(MAIN, issued.key_id, by="owner")

    with pytest.raises(Unauthenticated):
        await access.authenticate(f"Bearer {issued.token}")


async def test_a_revoked_key_is_refused_within_a_second_elsewhere(
    access: Access, database: Database, clock: VirtualClock
) -> None:
    elsewhere = Access(database, clock, Random(8))
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    await elsewhere.authenticate(f"Bearer {issued.token}")
    await access.revoke(MAIN, issued.key_id, by="owner")

    await clock.advance(timedelta(seconds=REMEMBERED_SECONDS))

    assert REMEMBERED_SECONDS < 1
    with pytest.raises(Unauthenticated):
        await elsewhere.authenticate(f"Bearer {issued.token}")


async def test_a_key_dies_on_its_day_even_while_remembered(
    access: Access, clock: VirtualClock
) -> None:
    new = NewKey(
        name="visitor", verbs=verbs_of(["stock:read"]), expires_at=NOON + timedelta(seconds=0.2)
    )
    issued = await access.create(OWNER, new)
    await access.authenticate(f"Bearer {issued.token}")

    await clock.advance(timedelta(seconds=0.2))

    with pytest.raises(Unauthenticated):
        await access.authenticate(f"Bearer {issued.token}")


async def test_many_callers_at_once_with_one_key_are_all_proven(access: Access) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    header = f"Bearer {issued.token}"

    proven = await asyncio.gather(*(access.authenticate(header) for _ in range(200)))

    assert {principal.key_id for principal in proven} == {issued.key_id}


async def test_nobody_hands_out_more_than_they_have(access: Access) -> None:
    clerk = Principal(tenant="main", verbs=verbs_of(["keys:admin", "stock:read"]), key_id="clerk")

    with pytest.raises(Forbidden, match="stock:write"):
        await access.create(clerk, NewKey(name="mine", verbs=verbs_of(["stock:write"])))


async def test_a_partner_makes_keys_for_itself_alone(access: Access) -> None:
    partner = Principal(tenant="main", verbs=ROLES["owner"], key_id="p", partner="boltco")

    with pytest.raises(Forbidden, match="boltco"):
        await access.create(partner, NewKey(name="all", verbs=verbs_of(["stock:read"])))
    issued = await access.create(
        partner, NewKey(name="own", verbs=verbs_of(["stock:read"]), partner="boltco")
    )
    assert (await access.authenticate(f"Bearer {issued.token}")).partner == "boltco"


@pytest.mark.parametrize(
    ("new", "where"),
    [
        (NewKey(name=" ", verbs=verbs_of(["stock:read"])), "/name"),
        (NewKey(name="x" * 201, verbs=verbs_of(["stock:read"])), "/name"),
        (NewKey(name="a\0b", verbs=verbs_of(["stock:read"])), "/name"),
        (NewKey(name="x", verbs=frozenset()), "/verbs"),
        (NewKey(name="x", verbs=verbs_of(["stock:read"]), expires_at=NOON), "/expires_at"),
        (
            NewKey(
                name="x",
                verbs=verbs_of(["stock:read"]),
                expires_at=NOON + timedelta(days=40_000),
            ),
            "/expires_at",
        ),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(
    access: Access, new: NewKey, where: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await access.create(OWNER, new)
    assert refusal.value.where == where


async def test_another_tenants_key_is_neither_seen_nor_revoked(access: Access) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))

    assert await access.keys(Scope("other")) == []
    with pytest.raises(NotFound):
        await access.revoke(Scope("other"), issued.key_id, by="them")
    assert [key.name for key in await access.keys(MAIN)] == ["shop"]


async def test_a_second_revocation_keeps_the_first_ones_date(
    access: Access, clock: VirtualClock
) -> None:
    issued = await access.create(OWNER, NewKey(name="shop", verbs=verbs_of(["stock:read"])))
    await access.revoke(MAIN, issued.key_id, by="owner")
    await clock.advance(timedelta(hours=1))
    await access.revoke(MAIN, issued.key_id, by="other")

    assert [key.revoked_at for key in await access.keys(MAIN)] == [NOON]


async def test_the_owner_key_is_made_once_and_is_private(access: Access, tmp_path: Path) -> None:
    first, second = await asyncio.gather(
        access.ensure_owner_key(tmp_path, "main"), access.ensure_owner_key(tmp_path, "main")
    )

    token = first or second
    assert token
    assert not (first and second)
    file = tmp_path / OWNER_FILE
    assert file.read_text().strip() == token
    assert file.stat().st_mode & 0o777 == 0o600
    assert (await access.authenticate(f"Bearer {token}")).verbs == ROLES["owner"]


async def test_a_revoked_owner_key_is_replaced_at_the_next_start(
    access: Access, tmp_path: Path
) -> None:
    first = await access.ensure_owner_key(tmp_path, "main")
    assert first
    await access.revoke(MAIN, read_token(first).key_id, by="owner")

    second = await access.ensure_owner_key(tmp_path, "main")

    assert second
    assert second != first
    assert (tmp_path / OWNER_FILE).read_text().strip() == second


WEB = Principal(
    tenant="main", verbs=ROLES["owner"], key_id="web", channels=frozenset({"web", "app"})
)


@pytest.mark.parametrize(
    ("bound", "said", "spoken"),
    [((), "", ""), ((), "key", "key"), (("web",), "", "web"), (("web",), "web", "web"),
     (("web", "app"), "app", "app")],
)  # fmt: skip
def test_who_is_bound_to_one_channel_speaks_for_it_without_naming_it(
    bound: tuple[str, ...], said: str, spoken: str
) -> None:
    principal = Principal(tenant="main", verbs=frozenset(), key_id="k", channels=frozenset(bound))

    assert principal.speaks_for(said) == spoken


@pytest.mark.parametrize("said", ["", "key", "WEB", "web "])
def test_who_is_bound_to_channels_may_speak_for_no_other(said: str) -> None:
    with pytest.raises(Forbidden) as refused:
        WEB.speaks_for(said)
    assert refused.value.code == "channel_scope"
    assert "app, web" in refused.value.hint


async def test_a_key_is_proven_with_the_channels_that_it_was_made_for(access: Access) -> None:
    new = NewKey(name="shop", verbs=ROLES["channel"], channels=frozenset({"web", "app"}))
    issued = await access.create(OWNER, new)

    proven = await access.authenticate(f"Bearer {issued.token}")
    remembered = access.remembered(f"Bearer {issued.token}")
    assert proven.channels == {"web", "app"}
    assert remembered is not None
    assert remembered.channels == proven.channels
    [key] = await access.keys(MAIN)
    assert key.channels == ("app", "web")


channel_sets = st.frozensets(st.sampled_from(["web", "app", "key"]))


@given(own=channel_sets, wanted=channel_sets)
def test_nobody_hands_out_more_channels_than_they_have(
    own: frozenset[str], wanted: frozenset[str]
) -> None:
    by = Principal(tenant="main", verbs=ROLES["owner"], key_id="k", channels=own)
    is_within = not own or (bool(wanted) and wanted <= own)

    if is_within:
        check_bound(by, wanted)
    else:
        with pytest.raises(Forbidden) as refused:
            check_bound(by, wanted)
        assert refused.value.code == "channel_scope"


async def test_a_bound_key_makes_keys_of_its_own_channels_alone(access: Access) -> None:
    for channels in ({"web"}, {"web", "app"}):
        new = NewKey(name="n", verbs=ROLES["channel"], channels=frozenset(channels))
        await access.create(WEB, new)
    for channels in (set[str](), {"key"}, {"web", "key"}):
        new = NewKey(name="n", verbs=ROLES["channel"], channels=frozenset(channels))
        with pytest.raises(Forbidden):
            await access.create(WEB, new)

    assert len(await access.keys(MAIN)) == 2


@pytest.mark.parametrize("channel", ["", " web", "web ", "a" * 201, "w\neb", "w\0b"])
async def test_what_is_no_channel_is_refused(access: Access, channel: str) -> None:
    new = NewKey(name="n", verbs=ROLES["channel"], channels=frozenset({channel}))
    with pytest.raises(Invalid) as refused:
        await access.create(OWNER, new)
    assert refused.value.where == "/channels"


async def test_a_key_has_no_more_than_fifty_channels(access: Access) -> None:
    channels = frozenset(f"c{number}" for number in range(51))
    with pytest.raises(Invalid, match="50 channels"):
        await access.create(OWNER, NewKey(name="n", verbs=ROLES["channel"], channels=channels))
