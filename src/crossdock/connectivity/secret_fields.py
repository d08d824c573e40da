"""Takes the secrets out of an application's settings, and puts them back."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from pydantic import BaseModel, SecretStr, ValidationError

from crossdock.canonical.errors import Invalid


def validated(form: type[BaseModel], settings: Mapping[str, Any]) -> BaseModel:
    """Check settings against the application's form; the message never quotes a value."""
    try:
        return form.model_validate(settings)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        where = "/" + "/".join(str(part) for part in first["loc"])
        hint = "`crossdock connection applications` says what each setting is"
        raise Invalid(f"Settings: {first['msg']}", where=where, hint=hint) from None


def parted(settings: BaseModel) -> tuple[dict[str, Any], dict[str, str]]:
    """Split settings into what may be shown and what may not, the latter by JSON pointer."""
    shown = cast("dict[str, Any]", msgspec.json.decode(settings.model_dump_json()))
    secrets = dict(_secrets(settings.model_dump(), ""))
    for pointer in secrets:
        _put(shown, pointer, None)
    return shown, secrets


def joined(shown: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Put the secrets back where they were taken from."""
    whole = cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(shown)))
    for pointer, value in secrets.items():
        _put(whole, pointer, value)
    return whole


def _secrets(value: Any, pointer: str) -> list[tuple[str, str]]:
    if isinstance(value, SecretStr):
        return [(pointer, value.get_secret_value())]
    found: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            found += _secrets(inner, f"{pointer}/{_escaped(name)}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(cast("list[Any]", value)):
            found += _secrets(inner, f"{pointer}/{index}")
    return found


def _put(whole: Any, pointer: str, value: str | None) -> None:
    *path, last = (_unescaped(part) for part in pointer.split("/")[1:])
    for part in path:
        whole = whole[_step(whole, part)]
    whole[_step(whole, last)] = value


def _step(whole: Any, part: str) -> str | int:
    return int(part) if isinstance(whole, list) else part


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
