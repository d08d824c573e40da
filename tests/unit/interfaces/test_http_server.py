"""A server that cannot begin says which of its two settings is wrong."""

import socket

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.cli.http_server import serving


@pytest.mark.parametrize("host", ["a..b", "192.0.2.1", "2001:db8::1"])
async def test_a_host_that_is_not_ours_is_named_and_no_other_port_asked_for(host: str) -> None:
    with pytest.raises(Invalid, match="no address of this machine") as refused:
        await serving(None, host=host).__aenter__()

    assert refused.value.code == "host_unknown"
    assert "CROSSDOCK_HOST" in refused.value.hint


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(Invalid, match=f"listen on 127.0.0.1:{port}") as refused:
            await serving(None, port=port).__aenter__()

    assert (refused.value.code, "CROSSDOCK_PORT" in refused.value.hint) == ("port_taken", True)
