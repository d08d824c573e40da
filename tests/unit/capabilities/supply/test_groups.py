"""What a member may promise beside its group, beside every way to serve the group's claims."""

from collections.abc import Sequence
from itertools import product
from random import Random

from crossdock.capabilities.supply import model
from tests.unit.capabilities.supply.naive import Case

BUCKETS = 3


def feasible(members: Sequence[Case], claims: Sequence[int]) -> bool:
    """Try every way in which the members' goods can serve the claims, each on its day."""
    has = [[min(_balances(one)[bucket:]) for bucket in range(BUCKETS)] for one in members]
    ways = {(0,) * len(members)}
    for bucket, claim in enumerate(claims):
        ways = {
            tuple(took + more for took, more in zip(way, extra, strict=True))
            for way in ways
            for extra in product(range(claim + 1), repeat=len(members))
            if sum(extra) == claim
            and all(
                not more or took + more <= catp[bucket]
                for took, more, catp in zip(way, extra, has, strict=True)
            )
        }
    return bool(ways) and all(min(_balances(one)) >= 0 for one in members)


def _balances(case: Case) -> list[int]:
    return model.projected(*case)


def _case(random: Random) -> Case:
    supply = [0, *(random.choice((0, 0, 3)) for _ in range(BUCKETS - 1))]
    return Case(random.randint(0, 4), supply, [random.choice((0, 0, 1)) for _ in range(BUCKETS)])


def test_what_a_member_grants_leaves_its_groups_claims_served_on_their_days() -> None:
    random = Random("groups")
    seen = granted = 0
    while seen < 1000:
        mine, other = _case(random), _case(random)
        claims = [random.choice((0, 0, 2)) for _ in range(BUCKETS)]
        if not feasible([mine, other], claims):
            continue
        seen += 1
        kept = model.beside_group(
            model.cumulative(_balances(mine)),
            model.cumulative(_balances(other)),
            model.projected(0, [0] * BUCKETS, claims),
        )
        for bucket, has in enumerate(model.cumulative(kept)):
            if has:
                granted += 1
                demand = list(mine.demand)
                demand[bucket] += has
                assert feasible([mine._replace(demand=demand), other], claims), (mine, other)
    assert granted > 500
