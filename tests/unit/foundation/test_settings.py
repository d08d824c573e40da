"""Settings are read as people write them, or refused with the reason."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from crossdock.foundation.settings import Settings, SettingsAlone


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_address_means_the_embedded_database(empty: str) -> None:
    settings = Settings(dsn=SecretStr(empty), secret_key=SecretStr(empty))

    assert (settings.dsn, settings.secret_key) == (None, None)


def test_a_tilde_is_the_home_of_whoever_runs_the_hub() -> None:
    told = Settings.model_validate({"data_dir": "~/hub", "drop_root": "~/drop"})

    assert (told.data_dir, told.drop_root) == (Path.home() / "hub", Path.home() / "drop")
    with pytest.raises(ValidationError, match="whose home the ~ of ~nobody-here/hub is"):
        Settings.model_validate({"data_dir": "~nobody-here/hub"})


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CROSSDOCK_{name.upper()}", raising=False)
    before = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"CROSSDOCK_{name.upper()}", "")

    assert Settings() == before
    assert before.host == "127.0.0.1"


def test_settings_alone_know_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SettingsAlone(port=1)
    for name in Settings.model_fields:
        monkeypatch.setenv(f"CROSSDOCK_{name.upper()}", "odd")
    with pytest.raises(ValidationError):
        Settings(port=1)

    assert SettingsAlone(port=1) == before
    assert before.port == 1


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
@pytest.mark.parametrize("rest", ["u:p@db.example:5432/x", "u:p@/x?host=/run/db", "[::1]/x"])
def test_an_address_is_taken_in_either_spelling(scheme: str, rest: str) -> None:
    dsn = Settings(dsn=SecretStr(f"{scheme}://{rest}")).dsn

    assert dsn is not None
    assert dsn.get_secret_value() == f"postgresql://{rest}"


@pytest.mark.parametrize(
    "wrong",
    [
        "db.example",
        "mysql://u:secret@db/x",
        "postgresql://u:secret@db:54x2/x",
        "postgresql://u:secret@db:99999/x",
        "postgresql://u:secret#1@db/x",
        "postgresql://u:secret@[::1/x",
    ],
)
def test_what_is_no_address_is_refused_without_telling_the_password(wrong: str) -> None:
    with pytest.raises(ValidationError, match="not the address of a PostgreSQL") as refused:
        Settings.model_validate({"dsn": wrong})  # as the environment has it: plain text

    assert "secret" not in str(refused.value)
