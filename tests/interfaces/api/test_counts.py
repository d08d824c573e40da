"""What counts found over HTTP: listed, reported on, and decided about above the cap."""

from crossdock.governance.roles import ROLES
from tests.interfaces.api.conftest import Caller, House, stock
from tests.processes.counted import dear_counts

AT = "/v1/reconciliations"


async def test_a_count_above_the_cap_is_listed_until_it_is_approved(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    await dear_counts(house, "M1", item="BOLT", location="DC")
    waiting = (await call("GET", f"{AT}/counts?approval=WAITING")).json["counts"]
    address = f"{AT}/counts/{waiting[0]['counted_id']}"

    done = await call("POST", f"{address}/approve", {"because": "it was found"})
    refused = await call("POST", f"{address}/refuse", {"because": "no"})

    assert (done.status, done.json["approval"]) == (200, "APPROVED"), done.body
    assert done.json["because"] == "it was found"
    assert refused.status == 409
    assert (await call("GET", f"{AT}/counts?approval=WAITING")).json == {"counts": []}
    [one] = (await call("GET", f"{AT}/counts?item=BOLT&location=DC")).json["counts"]
    assert one == done.json
    assert (await call("GET", f"{AT}/counts?after={one['counted_id']}")).json == {"counts": []}
    assert (await call("POST", f"{AT}/counts/ctd_x/refuse", {"because": "no"})).status == 404


async def test_who_decides_about_a_count_above_the_cap_is_of_finance(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    [waiting] = await dear_counts(house, "M1", item="BOLT", location="DC")
    address = f"{AT}/counts/{waiting.counted_id}"
    operator = await house.key(*map(str, ROLES["operator"]))
    finance = await house.key(*map(str, ROLES["finance"]))

    for decision in ("approve", "refuse"):
        said = await call("POST", f"{address}/{decision}", {"because": "seen"}, key=operator)
        assert (said.status, said.json["code"]) == (403, "verb_missing"), said.body
    done = await call("POST", f"{address}/approve", {"because": "seen"}, key=finance)
    assert (done.status, done.json["approval"]) == (200, "APPROVED"), done.body


async def test_who_has_counted_decides_about_it_by_no_key_and_in_no_name(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    [waiting] = await dear_counts(house, "M1", item="BOLT", location="DC", by="Ann")
    address = f"{AT}/counts/{waiting.counted_id}"
    own = await house.key("finance:write", name="ann")
    desk = await house.key("finance:write", name="finance desk")

    for decision in ("approve", "refuse"):
        for key, by in ((own, ""), (own, "bob"), (desk, " ANN")):
            said = {"because": "mine", "by": by}
            answer = await call("POST", f"{address}/{decision}", said, key=key)
            assert answer.status == 409, answer.body
            assert "Ann has counted" in answer.json["detail"]
    said = {"because": "seen", "by": "bob"}
    done = await call("POST", f"{address}/approve", said, key=desk)
    assert (done.status, done.json["decided_by"]) == (200, "bob (key finance desk)"), done.body


async def test_accuracy_is_told_in_three_figures_by_class_location_and_unit(
    call: Caller, house: House
) -> None:
    await stock(call, house, "BOLT", micros=30_000_000)
    await dear_counts(house, "M1", item="BOLT", location="DC")
    later = "until=2099-01-01T00:00:00Z&since=2090-01-01T00:00:00Z"

    found = (await call("GET", f"{AT}/accuracy")).json
    assert set(found) == {"since", "until", "total", "classes", "locations", "units"}
    assert (found["total"]["unit"], list(found["units"])) == ("EA", ["EA"])
    assert (await call("GET", f"{AT}/accuracy?{later}")).json["total"]["counted"] == 0
    for strange in ("since=2099-01-01T00:00:00Z", "until=0001-01-01T00:00:00Z", "since=monday"):
        assert (await call("GET", f"{AT}/accuracy?{strange}")).status == 422
