"""The settings form of a shop: where it is, which keys it takes, what its orders draw on."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

API_VERSION = "2026-04"
"""The Admin API version that the documents are written and validated for."""


class ShopifySettings(BaseModel):
    """One shop. The access token reads and writes; the secret signs what the shop sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop_domain: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]*$", description="The shop's own domain, name.myshopify.com"
    )
    access_token: SecretStr = Field(min_length=1, description="Admin API access token")
    webhook_secret: SecretStr = Field(min_length=1, description="The app's client secret")
    webhook_secret_previous: SecretStr | None = Field(
        default=None, description="The secret before the last rotation, accepted until removed"
    )
    admin_url: str = Field(
        default="", description="Another address of the Admin API; https://shop_domain if empty"
    )
    demand_location: str = Field(
        default="online",
        min_length=1,
        description="The hub's location or group that orders without a location draw on",
    )
    channel: str = Field(default="shopify", description="The name of this channel in the hub")
    overlap_seconds: int = Field(
        default=120, ge=1, description="How far each poll reaches back behind the last one"
    )

    @property
    def address(self) -> str:
        return self.admin_url or f"https://{self.shop_domain}"
