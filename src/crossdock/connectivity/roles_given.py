"""Which roles a connection may be given: those of its application, where its settings say how."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.application import Application


def check_roles(
    application: Application, settings: BaseModel, roles: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a role that nobody could play; one given for no location is one taken away."""
    known = {role.__name__ for role in application.roles}
    needed = {role.__name__: name for role, name in application.role_settings.items()}
    for role, locations in roles.items():
        if role not in known:
            raise Invalid(f"{application.title} does not play {role!r}", where="roles")
        setting = needed.get(role, "")
        if locations and setting and not getattr(settings, setting):
            raise Invalid(
                f"{application.title} plays {role} only with the setting {setting!r}",
                where="roles",
                hint=f"give {setting} first; docs/reference/applications.md says what it is",
            )
