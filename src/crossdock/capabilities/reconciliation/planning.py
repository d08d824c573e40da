"""How often each number of a channel is read back, and what that takes of its quota. Pure."""

from dataclasses import dataclass

ROUND_DAYS = 7
"""All listings are read back in so many days, if the quota allows it."""
SHARE_MILLE = 10
"""And takes at most so many thousandths of the calls that a connection allows in a day."""
CALLS_AT_ONCE = 100
"""What was missed while nobody worked is not made up for at once."""
DAY_SECONDS = 86_400
MILLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is read back of a channel; `quota_calls_a_day` is what its connection allows.

    `share_ppm` is what the calls take of it, in millionths, rounded up; `days_a_round` how long it
    takes until all listings were read. What differed is read again with each call.
    """

    connection: str
    location: str
    listings: int
    keys_a_call: int
    keys_a_day: int
    calls_a_day: int
    quota_calls_a_day: int
    share_ppm: int
    days_a_round: int

    @property
    def keys_at_once(self) -> int:
        """Say how many keys one call asks for."""
        return -(-self.keys_a_day // self.calls_a_day) if self.calls_a_day else 0

    def calls_due(self, seconds: int | None) -> int:
        """Say how many calls are due so long after the last; None: there was none."""
        if not self.calls_a_day:
            return 0
        if seconds is None:
            return 1
        return min(CALLS_AT_ONCE, seconds * self.calls_a_day // DAY_SECONDS)


def planned(
    connection: str, location: str, *, listings: int, keys_a_call: int, quota_calls_a_day: int
) -> Plan:
    """Share a quota out: all listings in a week, or as many as the share allows (§4.2)."""
    wanted = -(-listings // ROUND_DAYS)
    allowed = quota_calls_a_day * SHARE_MILLE // MILLE
    calls = min(-(-wanted // keys_a_call), allowed)
    keys = min(wanted, calls * keys_a_call)
    return Plan(
        connection=connection,
        location=location,
        listings=listings,
        keys_a_call=keys_a_call,
        keys_a_day=keys,
        calls_a_day=calls,
        quota_calls_a_day=quota_calls_a_day,
        share_ppm=-(-calls * 1_000_000 // quota_calls_a_day) if quota_calls_a_day else 0,
        days_a_round=-(-listings // keys) if keys else 0,
    )
