"""`crossdock key`: API keys."""

from datetime import datetime
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.governance.access import NewKey
from crossdock.governance.roles import ROLES, Principal, verbs_of
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)


def _by_command_line(hub: Hub) -> Principal:
    """Act with every right of the tenant: whoever may start the hub may do what it can."""
    return Principal(
        tenant=hub.settings.tenant, partner="", verbs=ROLES["owner"], key_id="command-line"
    )


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    may: Annotated[
        list[str] | None, typer.Option(help="A verb, such as stock:write; repeatable.")
    ] = None,
    role: Annotated[
        str, typer.Option(help=f"A bundle of verbs instead: {', '.join(ROLES)}.")
    ] = "",
    partner: Annotated[str, typer.Option(help="Only this trading partner's data.")] = "",
    channel: Annotated[
        list[str] | None,
        typer.Option(help="A channel that it promises for, and no others; repeatable."),
    ] = None,
    expires_at: Annotated[
        str, typer.Option(help="When it dies, such as 2027-01-31T18:00:00Z; else never.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Create a key and show it, this once."""
    if role and role not in ROLES:
        raise Invalid(f"{role!r} is no role", where="--role", hint=f"one of {', '.join(ROLES)}")
    verbs = verbs_of(may or ()) | ROLES.get(role, frozenset())
    end = _moment(expires_at) if expires_at else None

    async def created(hub: Hub) -> None:
        new = NewKey(
            name=name,
            verbs=verbs,
            partner=partner,
            expires_at=end,
            channels=frozenset(channel or ()),
        )
        issued = await hub.access.create(_by_command_line(hub), new)
        if as_json:
            print_json({"key_id": issued.key_id, "token": issued.token})
        else:
            stdout.print(f"{issued.token}\n[dim]shown this once; stored only as a hash[/]")

    with_hub(created)


@app.command(name="list")
def list_keys(as_json: AsJson = False) -> None:
    """List keys, revoked ones too."""

    async def listed(hub: Hub) -> None:
        keys = await hub.access.keys(hub.scope)
        if as_json:
            print_json(keys)
            return
        table(
            ("key", "name", "partner", "may", "speaks for", "created", "expires", "revoked"),
            [
                (
                    key.key_id,
                    key.name,
                    key.partner,
                    " ".join(key.verbs),
                    ", ".join(key.channels),
                    f"{key.created_at:%Y-%m-%d %H:%M}",
                    key.expires_at and f"{key.expires_at:%Y-%m-%d %H:%M}",
                    key.revoked_at and f"{key.revoked_at:%Y-%m-%d %H:%M}",
                )
                for key in keys
            ],
            empty="no keys yet: `crossdock serve` makes the owner's at its first start",
        )

    with_hub(listed)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `list` shows it.")], as_json: AsJson = False
) -> None:
    """Refuse a key from now on."""

    async def revoked(hub: Hub) -> None:
        await hub.access.revoke(hub.scope, key_id, by="command-line")
        print_json({"revoked": key_id}) if as_json else stdout.print(f"{key_id} revoked")

    with_hub(revoked)


def _moment(text: str) -> datetime:
    """Read a moment that means the same everywhere."""
    hint = "write it with its offset from UTC, such as 2027-01-31T18:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date and time", where="--expires-at", hint=hint) from None
    if moment.tzinfo is None:
        raise Invalid(f"{text} is of no time zone", where="--expires-at", hint=hint)
    return moment
