"""Trading partners: who they are, what was agreed, and how far they are to production."""

from crossdock.capabilities.partners.model import Partner
from crossdock.capabilities.partners.service import (
    KnowsTraffic,
    Partners,
    PartnerSaid,
    PartnerShown,
)

__all__ = ["KnowsTraffic", "Partner", "PartnerSaid", "PartnerShown", "Partners"]
