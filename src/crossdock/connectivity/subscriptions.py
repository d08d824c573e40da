"""Has applications send their news here, and looks again: some forget it without a word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

RENEW_EVERY = timedelta(minutes=15)
RETRY_AFTER = timedelta(minutes=1)
SUBSCRIBE_SECONDS_MAX = 30.0

# Only while the connection is still ours to poll; the lease is as long as before a page.
NOTE = """
update poll_cursor set subscribed_to = $4, subscribed_at = $5, subscription_error = $6,
    lease_until = $7
where tenant = $1 and connection = $2 and fence = $3 returning fence
"""


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where others reach this hub; `url` is empty when nobody said. `tenant` is its own house."""

    url: str = ""
    tenant: str = "main"

    def webhook_of(self, tenant: str, connection: str) -> str:
        """Write the address that a connection's webhooks are sent to, or nothing."""
        if not self.url:
            return ""
        address = f"{self.url.rstrip('/')}/v1/webhooks/{quote(connection)}"
        return address if tenant == self.tenant else f"{address}?tenant={quote(tenant)}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a connection was last told to send its news, when, and why that failed ("": well)."""

    address: str = ""
    at: datetime | None = None
    error: str = ""

    def is_due(self, address: str, now: datetime) -> bool:
        if self.address != address or self.at is None:
            return True
        return now >= self.at + (RETRY_AFTER if self.error else RENEW_EVERY)
