"""Partners: entered, addressed, agreed with, and taken to production step by step."""

import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    PartnerAgreementChanged,
    PartnerChanged,
    PartnerIdentityChanged,
    Standard,
)
from crossdock.capabilities.partners import PartnerSaid
from crossdock.connectivity.interchanges import Wanted
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.processes.exchanged import THEIRS, Traders, order, x12


@pytest.fixture
def traders(database: Database, clock: VirtualClock) -> Traders:
    return Traders(database, clock, Scope("main"))


async def test_each_change_of_a_partner_is_an_event_with_who_did_it(traders: Traders) -> None:
    one = await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    await traders.agree(one)
    partners, scope = traders.gateway.partners, traders.scope
    await partners.put(scope, PartnerSaid(name="buyer", owner="Sales"), by="Ann")
    await partners.rename(scope, "Buyer", "Buyer Inc", by="Ann")

    told = await traders.told()

    assert [type(each) for each in told] == [
        PartnerChanged, PartnerIdentityChanged, PartnerAgreementChanged, PartnerChanged,
        PartnerChanged,
    ]  # fmt: skip
    by = [(getattr(each, "version", 0), getattr(each, "changed_by", "")) for each in told]
    assert by == [(1, "Eve"), (2, "Eve"), (3, "Eve"), (4, "Ann"), (5, "Ann")]
    shown = (await partners.show(scope, "BUYER INC")).partner
    assert (shown.partner, shown.name, shown.owner, shown.version) == (
        one.partner, "Buyer Inc", "Sales", 5
    )  # fmt: skip
    assert shown.contacts[0].email == "ann@example.com"


async def test_what_is_said_again_changes_nothing(traders: Traders) -> None:
    for _ in range(2):
        one = await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
        await traders.agree(one)

    assert len(await traders.told()) == 3


async def test_an_identity_belongs_to_one_partner_at_a_time(traders: Traders) -> None:
    buyer = await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    other = await traders.entered("Other", (PartyRole.SUPPLIER,), "ZZ", "OTHER")
    partners, scope = traders.gateway.partners, traders.scope
    theirs = Identity(IdentityKind.ISA, "BUYER", "ZZ")

    with pytest.raises(Conflict, match=r"ISA ZZ:BUYER is an identity of Buyer \(prt_") as refused:
        await partners.identify(scope, other.partner, theirs, by="Eve")

    assert refused.value.code == "identity_taken"
    with pytest.raises(NotFound, match="not addressed by"):
        await partners.identify(scope, other.partner, theirs, by="Eve", is_cleared=True)
    await partners.identify(scope, buyer.partner, theirs, by="Eve", is_cleared=True)
    moved = await partners.identify(scope, other.partner, theirs, by="Eve")
    assert theirs in moved.identities


async def test_a_number_is_one_identity_however_an_envelope_writes_it(traders: Traders) -> None:
    await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    await traders.entered("Other", (PartyRole.SUPPLIER,), "ZZ", "OTHER")
    partners, scope = traders.gateway.partners, traders.scope
    gln = Identity(IdentityKind.GLN, "4012345000009")
    await partners.identify(scope, "Buyer", gln, by="Eve")

    with pytest.raises(Conflict, match="is an identity of Buyer"):
        unb = Identity(IdentityKind.UNB, "4012345000009", "14")
        await partners.identify(scope, "Other", unb, by="Eve")


async def test_a_partner_goes_live_step_by_step_and_each_says_what_is_missing(
    traders: Traders,
) -> None:
    await traders.own()
    partners, scope = traders.gateway.partners, traders.scope
    one = await partners.put(scope, PartnerSaid(name="Buyer"), by="Eve")
    bare = await partners.show(scope, one.partner)
    assert (bare.next, len(bare.missing)) == ("CONNECTED", 4)
    with pytest.raises(Conflict, match="nobody owns the partner; no role is said; no contact"):
        await traders.advance(one, OnboardingState.CONNECTED)

    await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    with pytest.raises(Conflict, match="the next step is CONNECTED, not LIVE"):
        await traders.advance(one, OnboardingState.LIVE)
    await traders.advance(one, OnboardingState.CONNECTED)
    with pytest.raises(Conflict, match="no document is agreed on"):
        await traders.advance(one, OnboardingState.TESTED)
    await traders.agree(one)
    with pytest.raises(Conflict, match=r"no 850 \(X12, from them, was taken in"):
        await traders.advance(one, OnboardingState.TESTED)
    await traders.one(x12(1, order(), usage="T"))
    await traders.advance(one, OnboardingState.TESTED, by="Ann (key desk)")
    with pytest.raises(Conflict, match="another one has to approve"):
        await traders.advance(one, OnboardingState.APPROVED, by="ann")
    await traders.advance(one, OnboardingState.APPROVED, by="Bob")
    await traders.advance(one, OnboardingState.APPROVED, by="Bob")
    await traders.advance(one, OnboardingState.LIVE, by="Bob")

    live = await partners.show(scope, "Buyer")
    assert (live.partner.state, live.next, live.missing) == ("LIVE", "", [])
    with pytest.raises(Conflict, match="there is no next step"):
        await traders.advance(one, OnboardingState.INVITED)


async def test_what_a_step_stands_on_stays_until_the_partner_is_set_back(
    traders: Traders,
) -> None:
    one = await traders.live()
    partners, scope = traders.gateway.partners, traders.scope
    theirs = Identity(IdentityKind.ISA, "BUYER", "ZZ")
    agreed = Agreement(standard=Standard.X12, document="850", direction=Direction.IN)

    with pytest.raises(Conflict, match="would lack what that asks for: no identity"):
        await partners.identify(scope, "Buyer", theirs, by="Eve", is_cleared=True)
    with pytest.raises(Conflict, match="no document is agreed on"):
        await partners.agree(scope, "Buyer", agreed, by="Eve", is_cleared=True)
    with pytest.raises(Invalid, match="say why"):
        await partners.set_back(scope, "Buyer", OnboardingState.INVITED, because=" ", by="Eve")
    with pytest.raises(Conflict, match="is not before that"):
        await partners.set_back(scope, "Buyer", OnboardingState.LIVE, because="x", by="Eve")
    assert (await partners.show(scope, "Buyer")).partner == one

    back = await partners.set_back(
        scope, "Buyer", OnboardingState.INVITED, because="he moves to another network", by="Eve"
    )

    assert back.partner.state == "INVITED"
    cleared = await partners.identify(scope, "Buyer", theirs, by="Eve", is_cleared=True)
    assert cleared.identities == ()
    told = [each for each in await traders.told() if isinstance(each, PartnerChanged)]
    assert told[-1].because == "he moves to another network"


async def test_names_are_told_apart_and_found(traders: Traders) -> None:
    await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    await traders.entered("Other", (PartyRole.SUPPLIER,), "ZZ", "OTHER")
    partners, scope = traders.gateway.partners, traders.scope

    with pytest.raises(Conflict, match="is called so already"):
        await partners.rename(scope, "Other", "BUYER", by="Eve")
    for name in ("", " ", "nobody", "prt_0"):
        with pytest.raises(NotFound, match="no partner is called"):
            await partners.show(scope, name)
    for name in ("", "  ", "prt_0", "x\ny", " x", "x" * 201):
        with pytest.raises(Invalid):
            await partners.put(scope, PartnerSaid(name=name), by="Eve")
        with pytest.raises(Invalid):
            await partners.rename(scope, "Other", name, by="Eve")
    with pytest.raises(Invalid, match="say who"):
        await partners.put(scope, PartnerSaid(name="New"), by=" ")
    assert [one.name for one in await partners.listed(scope, after="buyer")] == ["Other"]
    assert [one.name for one in await partners.listed(scope, role="CUSTOMER")] == ["Buyer"]
    assert await partners.listed(scope, state="LIVE") == []


async def test_an_own_company_is_not_onboarded(traders: Traders) -> None:
    own = await traders.own()

    with pytest.raises(Conflict, match="a company of the house"):
        await traders.advance(own, OnboardingState.CONNECTED)

    assert (await traders.gateway.partners.show(traders.scope, own.partner)).next == ""


async def test_a_refused_document_keeps_a_partner_from_production_until_one_is_taken(
    traders: Traders,
) -> None:
    await traders.live()
    agreed = Agreement(
        standard=Standard.X12,
        document="855",
        direction=Direction.OUT,
        acknowledgment=Acknowledgment.X997,
        within_minutes=5,
    )
    partners, scope = traders.gateway.partners, traders.scope
    await partners.agree(scope, "Buyer", agreed, by="Eve")
    await partners.set_back(
        scope, "Buyer", OnboardingState.CONNECTED, because="a new document", by="Eve"
    )

    shown = await partners.show(scope, "Buyer")

    assert shown.missing == ["no 855 (X12, to them, was acknowledged yet)"]


async def test_partners_and_interchanges_of_another_house_are_not_seen(
    unguarded: Database, clock: VirtualClock
) -> None:
    main = Traders(unguarded, clock, Scope("main"))
    buyer = await main.live()
    held = await main.one(x12(7, order("held"), sender=("ZZ", "X")))
    taken = await main.one(x12(8, order("taken")))
    other = Traders(unguarded, clock, Scope("other"))
    partners, exchanged = other.gateway.partners, other.gateway.exchanged

    assert await partners.listed(other.scope) == []
    assert await exchanged.find(other.scope, Wanted()) == []
    assert await exchanged.missing(other.scope) == []
    assert await other.gateway.interchanges.replay_held(other.scope) == []
    for name in (held.interchange, taken.interchange):
        for ask in (
            exchanged.show(other.scope, name),
            exchanged.body(other.scope, name),
            other.gateway.interchanges.replay(other.scope, name),
            partners.show(other.scope, buyer.partner),
        ):
            with pytest.raises(NotFound):
                await ask
    # The same addresses, numbers and bytes are another matter in another house.
    await other.live()
    again = await other.one(x12(8, order("taken")))
    assert (again.state, again.interchange != taken.interchange) == ("TAKEN", True)
    assert (await main.gateway.partners.show(main.scope, buyer.partner)).partner == buyer


async def test_row_level_security_narrows_a_partner_to_what_is_his(traders: Traders) -> None:
    buyer = await traders.live()
    await traders.one(x12(8, order("theirs"), sender=("ZZ", "X")))
    theirs = Scope("main", buyer.partner)

    seen = await traders.gateway.partners.listed(theirs)
    exchanged = await traders.gateway.exchanged.find(theirs, Wanted())

    assert [one.name for one in seen] == ["Buyer"]
    assert {one.partner for one in exchanged} == {buyer.partner}
