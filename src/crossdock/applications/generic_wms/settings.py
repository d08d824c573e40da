"""What a warehouse system's owner fills in: its secrets, its folder, its columns and its codes."""

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from crossdock.applications.generic_wms.signature import secret_key
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import MovementType, StockStatus
from crossdock.connectivity.sdk.own_available import DESCRIPTION, AvailableIs

# Each record type, and how the names of files begin that hold such records.
FILES_BY_TYPE = {
    **{name: f"{name}s" for name in ("movement", "snapshot", "heartbeat", "item", "location")},
    "kit": "kits",
    "lot": "lots",
    "catch_weight": "catch_weights",
    "supply": "supplies",
}
RECORD_TYPES = tuple(FILES_BY_TYPE)


class RecordSettings(BaseModel):
    """How the warehouse writes: its columns, its codes, and what it leaves unsaid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str] = Field(
        default_factory=dict,
        description="The warehouse's names of columns or JSON members, by ours: "
        '`{"quantity": "QTY", "movement_id": "MovementNo"}`. Unnamed ones are called as we do.',
    )
    reasons: dict[str, MovementType] = Field(
        default_factory=dict, description="Movement types by the warehouse's reason codes."
    )
    statuses: dict[str, StockStatus] = Field(
        default_factory=dict, description="Stock statuses by the warehouse's status codes."
    )
    unit: Annotated[str, Field(min_length=1, max_length=20)] = Field(
        default="EA", description="Unit of a quantity that names none."
    )
    location: str = Field(
        default="", max_length=200, description="Site of a record that names none."
    )
    available_is: AvailableIs | None = Field(default=None, description=DESCRIPTION)
    timezone: str = Field(
        default="",
        description="IANA zone of times without an offset. Empty: such times are refused.",
    )

    @field_validator("columns")
    @classmethod
    def _are_apart(cls, columns: dict[str, str]) -> dict[str, str]:
        """Refuse one name for two things: each would be read, and written, as the other."""
        ours: dict[str, list[str]] = {}
        for name, theirs in columns.items():
            ours.setdefault(theirs, []).append(name)
        for theirs, names in ours.items():
            if len(names) > 1:
                raise ValueError(f"{theirs!r} is the column of {' and of '.join(sorted(names))}")
        return columns

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            return zone and ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is not an IANA time zone") from None


class GenericWmsSettings(RecordSettings):
    """The webhook dialect."""

    secrets: tuple[SecretStr, ...] = Field(
        min_length=1,
        max_length=4,
        description="Webhook secrets (`whsec_…`), any of which may sign: several while one is "
        "being replaced.",
    )
    tolerance_seconds: int = Field(
        default=300, ge=1, le=3600, description="How far a webhook's timestamp may be off."
    )

    tasks_url: str = Field(
        default="",
        max_length=2000,
        pattern=r"^(https?://[^\s]+)?$",
        description="Where count tasks are posted to, signed as webhooks. Empty: none are, and "
        "`TakesCountTasks` is not played.",
    )
    tasks_secrets: tuple[SecretStr, ...] = Field(
        default=(),
        max_length=4,
        description="Webhook secrets (`whsec_…`) that sign count tasks, all of them: several "
        "while one is being replaced. None of `secrets`: what the hub signs could be sent "
        "back to it.",
    )

    events_url: str = Field(
        default="",
        max_length=2000,
        pattern=r"^(https?://[^\s]+)?$",
        description="Where the warehouse's event store is asked for messages again, by stream and "
        "sequence, when some never came. Empty: it is not asked.",
    )
    stock_url: str = Field(
        default="",
        max_length=2000,
        pattern=r"^(https?://[^\s]+)?$",
        description="Where the warehouse is asked what lies of single items. Empty: it is not.",
    )
    asks_token: SecretStr | None = Field(
        default=None,
        description="Sent as `Authorization: Bearer …` to `events_url` and `stock_url`.",
    )

    @model_validator(mode="after")
    def _signs_with_its_own(self) -> Self:
        signing = {secret.get_secret_value() for secret in self.tasks_secrets}
        if self.tasks_url and not signing:
            raise ValueError("tasks_url needs tasks_secrets: count tasks are signed")
        if signing & {secret.get_secret_value() for secret in self.secrets}:
            raise ValueError("tasks_secrets are secrets of their own, none of `secrets`")
        return self

    @model_validator(mode="after")
    def _names_itself(self) -> Self:
        if (self.events_url or self.stock_url) and self.asks_token is None:
            raise ValueError(
                "events_url and stock_url need asks_token: the hub has to name itself"
            )
        return self

    @field_validator("secrets", "tasks_secrets")
    @classmethod
    def _are_keys(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        try:
            for secret in secrets:
                secret_key(secret.get_secret_value())
        except Invalid as problem:
            raise ValueError(problem.message) from None
        return secrets


class GenericWmsFilesSettings(RecordSettings):
    """The file dialect."""

    folder: Path = Field(
        description="Folder that the warehouse drops files in. One that is not named by its whole "
        "path is kept as it is found from where it is added; `~` is the home of whoever runs that."
    )
    file_pattern: str = Field(
        default="*", description="Which names in the folder are ours: `*.csv`, `stock_*`."
    )
    needs_done_marker: bool = Field(
        default=False, description="A file is complete once `<name>.done` lies beside it."
    )
    settle_seconds: int = Field(
        default=10, ge=1, le=3600, description="A file is complete once unchanged for so long."
    )
    piece_lines_max: int = Field(
        default=5_000, ge=1, le=100_000, description="Lines of a file taken in at a time."
    )
    delimiter: str = Field(
        default=",",
        min_length=1,
        max_length=1,
        description="What parts the columns of a CSV file.",
    )
    file_types: dict[str, str] = Field(
        default_factory=lambda: {begin: name for name, begin in FILES_BY_TYPE.items()},
        description="What the records of a file are if they do not say (`type`), by how the "
        f"file's name begins. Types: {', '.join(RECORD_TYPES)}.",
    )

    tasks_folder: Path | None = Field(
        default=None,
        description="Folder that count tasks are written into, a file each. It is neither "
        "`folder` nor in it. Without it none are, and `TakesCountTasks` is not played.",
    )
    tasks_format: Literal["csv", "jsonl"] = Field(
        default="csv", description="How a count task is written."
    )

    @field_validator("folder", "tasks_folder")
    @classmethod
    def _is_whole(cls, folder: Path | None) -> Path | None:
        """Take `~` as a shell does, and as the hub's own settings do."""
        try:
            return folder and folder.expanduser().absolute()
        except RuntimeError:
            raise ValueError(f"nobody knows whose home the ~ of {folder} is") from None
        except OSError as problem:  # the working directory is gone
            raise ValueError(f"name the folder by its whole path: {problem.strerror}") from None

    @field_validator("file_types")
    @classmethod
    def _are_types(cls, types: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(types.values()) - set(RECORD_TYPES)):
            raise ValueError(f"{unknown} are not among {RECORD_TYPES}")
        return types
