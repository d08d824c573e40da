"""Settings, read once: from arguments, then `CROSSDOCK_…` variables, then the defaults here."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "CROSSDOCK_"


class Settings(BaseSettings):
    """Everything a hub needs to know before it starts; frozen, and passed down from `assembly`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,  # as a container has it whose variable was given no value
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default=Path.home() / ".crossdock",
        description="Where the embedded database, its logs and the owner key live.",
    )
    dsn: SecretStr | None = Field(
        default=None,
        description="PostgreSQL of your own (`postgresql://user:password@host:5432/database`). "
        "Empty: the embedded one.",
    )
    tenant: str = Field(
        default="main",
        pattern=r"^[a-z0-9_-]{1,40}$",
        description="The tenant that the command line and a script's `Hub` act for.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server binds.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Where other systems reach this server (`https://hub.example.com`), for "
        "their webhooks. Empty: nobody is told to send any.",
    )
    port: int = Field(default=8440, ge=0, le=65535, description="Port the server binds; 0: free.")
    pool_size: int = Field(
        default=10, ge=2, le=200, description="Database connections per process, at most."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key that encrypts stored connection secrets. Empty: a file in the data "
        "directory, made at first start.",
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Let connections call loopback and private addresses.",
    )
    allow_local_databases: bool = Field(
        default=False,
        description="Let connections read databases by a socket of this machine, by files that a "
        "DSN names, and on the hub's own PostgreSQL server, where all tenants' data lie. "
        "Addresses are not checked then, and a DSN without a password is lent the hub's.",
    )
    drop_root: Path | None = Field(
        default=None,
        description="Folder beneath which connections' drop folders must lie. Empty: anywhere "
        "but in the data directory and above it.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged."
    )
    log_format: str = Field(
        default="console", pattern="^(console|json)$", description="How log lines are written."
    )
    otlp_endpoint: str = Field(
        default="", description="OTLP/HTTP address that traces go to. Empty: no tracing."
    )
    soft_hold_ttl_seconds: int = Field(
        default=900, ge=1, le=14_400, description="Life of a soft reservation that names none."
    )
    over_pick_percent: int = Field(
        default=0,
        ge=0,
        le=100,
        description="How much more than ordered may be picked for an order line before it is a "
        "case (ORD-LEDGER), in percent of what is ordered.",
    )
    open_lines_every_hours: int = Field(
        default=6,
        ge=0,
        le=168,
        description="How often all open orders and purchases of a system that can list them are "
        "compared, in hours; less often where that takes more than a hundredth of its quota. 0: "
        "never by itself.",
    )
    inbox_body_bytes_max: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest message body accepted."
    )

    @field_validator("data_dir", "drop_root")
    @classmethod
    def _home_is_meant(cls, folder: Path | None) -> Path | None:
        """Take `~` as a shell does: a unit file or a container passes it on as it is."""
        try:
            return folder and folder.expanduser()
        except RuntimeError:
            raise ValueError(f"nobody knows whose home the ~ of {folder} is") from None

    @field_validator("dsn", "secret_key")
    @classmethod
    def _empty_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and value.get_secret_value().strip() else None

    @field_validator("drop_root", mode="before")
    @classmethod
    def _no_root_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("dsn")
    @classmethod
    def _dsn_is_an_address(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is None:
            return None
        text = dsn.get_secret_value().strip()
        if text.startswith("postgres://"):  # as other tools write it
            text = text.replace("postgres", "postgresql", 1)
        if not text.startswith("postgresql://") or not _has_sound_port(text):
            raise ValueError(
                "this is not the address of a PostgreSQL; it looks like"
                " postgresql://user:password@host:5432/database, with %23 for a # in the password",
            )
        return SecretStr(text)


class SettingsAlone(Settings):
    """Settings from arguments and the defaults alone, for what makes a hub of its own to play in.

    Whoever exported `CROSSDOCK_DSN` for the hub at work must not find it filled by a demo.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _has_sound_port(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def tls_variables() -> dict[str, str]:
    """Give what this process's environment says of PostgreSQL's TLS to clients that heed it."""
    names = ("PGSSLMODE", "PGSSLROOTCERT")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def unknown_variables(names: Iterable[str] | None = None) -> dict[str, str]:
    """Find variables that look like settings and are none, each with the nearest that is, or "".

    `names` are those of this process's environment, unless they are given.
    """
    known = [name.upper() for name in Settings.model_fields]
    found: dict[str, str] = {}
    for variable in sorted(os.environ if names is None else names):
        name = variable.upper().removeprefix(PREFIX)
        if name != variable.upper() and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            found[variable] = f"{PREFIX}{near[0]}" if near else ""
    return found
