"""How the line to a polled PostgreSQL is kept safe: by its `sslmode`, with nothing of the hub's.

Left to itself, the driver shows the client certificate of the hub's user to any server that asks
for one, and lets `PGSSL…` of its process's environment decide. Which authorities the machine
trusts is OpenSSL's to say, `SSL_CERT_FILE` and `SSL_CERT_DIR` included.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

from crossdock.canonical.errors import Invalid

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
PROTECTING = ("require", "verify-ca", "verify-full")
SYSTEM = "system"
"""The one word that `sslrootcert` may be: the authorities that this machine trusts."""
VERSIONS = {f"TLSv1.{n}": ssl.TLSVersion[f"TLSv1_{n}"] for n in (2, 3)}

HINT = (
    "write sslmode=verify-full, with the authority's certificate in root.crt or with"
    f" sslrootcert={SYSTEM} for one that this machine trusts; sslmode=require proves nothing of"
    " who answers where there is no root.crt"
)

Line = ssl.SSLContext | bool


class NamedContext(ssl.SSLContext):
    """Has the server at an address asked for, and proven by, the name that led there."""

    name: str = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as the standard library has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def mode_of(said: Mapping[str, str]) -> str:
    """Give the `sslmode` of a DSN; `prefer` where it says none, as PostgreSQL's own clients."""
    mode = said.get("sslmode", "verify-full" if "sslrootcert" in said else "prefer")
    if mode not in MODES:
        raise _refused(f"The DSN's sslmode {mode[:20]!r} is none of {', '.join(MODES)}")
    if "sslrootcert" in said and mode != "verify-full":
        raise _refused(
            f"The DSN's sslmode is {mode}, under which anybody with a certificate of those"
            f" authorities would be the server: sslrootcert={SYSTEM} takes verify-full"
        )
    return mode


def check_line(said: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Refuse what cannot be done, and what leaves unsaid how safe the environment wants it.

    Variables of it decide nothing: whoever relies on them is told.
    """
    mode = mode_of(said)
    _version(said, "ssl_min_protocol_version", "TLSv1.2")
    _version(said, "ssl_max_protocol_version", "TLSv1.3")
    negotiation = said.get("sslnegotiation", "postgres")
    if negotiation not in {"postgres", "direct"}:
        raise _refused(f"The DSN's sslnegotiation {negotiation[:20]!r} is not postgres or direct")
    if negotiation == "direct" and mode not in PROTECTING:
        raise _refused(f"sslnegotiation=direct does not go with sslmode={mode}")
    wanted = environment.get("PGSSLMODE", "")
    if wanted in PROTECTING and not said.keys() & {"sslmode", "sslrootcert"}:
        raise _refused(
            f"The DSN says no sslmode, and PGSSLMODE={wanted} of this process's environment"
            " counts for no connection",
            f"write sslmode={wanted} into the DSN, or another sslmode: what it says stands",
        )


def doubt_of_line(said: Mapping[str, str], trusted: Path, environment: Mapping[str, str]) -> str:
    """Say what whoever set PGSSLROOTCERT may take for proven, and is not; "" is nothing."""
    if not (environment.get("PGSSLROOTCERT") and mode_of(said) == "require"):
        return ""
    if (trusted / "root.crt").is_file():
        return ""
    return (
        "the line is encrypted, and nothing proves who answers: PGSSLROOTCERT of this process's"
        " environment counts for no connection, and under sslmode=require the server's authority"
        f" would have to lie in {trusted / 'root.crt'}"
    )


def lines(said: Mapping[str, str], trusted: Path, name: str = "") -> tuple[Line, ...]:
    """Say over what a server of this name is spoken to, in the order of trying.

    False is without TLS. In the folder `trusted` lies the certificate of its authority,
    `root.crt`, if any does.
    """
    mode = mode_of(said)
    if mode == "disable":
        return (False,)
    made = _context(said, mode, trusted)
    made.name = name
    if mode == "allow":
        return (False, made)
    return (made, False) if mode == "prefer" else (made,)


def _context(said: Mapping[str, str], mode: str, trusted: Path) -> NamedContext:
    made = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = mode == "verify-full"
    made.set_alpn_protocols(["postgresql"])
    made.minimum_version = _version(said, "ssl_min_protocol_version", "TLSv1.2")
    made.maximum_version = _version(said, "ssl_max_protocol_version", "TLSv1.3")
    if "sslrootcert" in said:
        made.load_default_certs()
    elif mode in {"allow", "prefer"} or not _trusts(made, trusted):
        if mode.startswith("verify"):
            raise _refused(
                f"Under sslmode={mode} the certificate of the server's authority has to lie in"
                f" {trusted / 'root.crt'} of the hub's machine, and it does not"
            )
        made.verify_mode = ssl.CERT_NONE
    return made


def _trusts(made: ssl.SSLContext, trusted: Path) -> bool:
    """Trust the authorities whose certificates lie there, less what they have revoked."""
    if not _is_loaded(made, trusted / "root.crt"):
        return False
    if _is_loaded(made, trusted / "root.crl"):
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    return True


def _is_loaded(made: ssl.SSLContext, path: Path) -> bool:
    try:
        made.load_verify_locations(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        hint = "mend or remove it, and let the hub's user read it"
        raise _refused(f"{path} cannot be read: {problem}", hint) from None
    return True


def _version(said: Mapping[str, str], name: str, default: str) -> ssl.TLSVersion:
    wanted = said.get(name, default)
    if wanted not in VERSIONS:
        raise _refused(f"The DSN's {name} {wanted[:20]!r} is none of {', '.join(VERSIONS)}")
    return VERSIONS[wanted]


def _refused(what: str, hint: str = HINT) -> Invalid:
    return Invalid(what, where="dsn", code="dsn_tls", hint=hint)
