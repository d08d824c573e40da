"""An HTTP server that lives inside a command: it starts, says where it is, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from crossdock.canonical.errors import Unavailable


class _Server(uvicorn.Server):
    """Leaves signals to the command, which has more to close than this."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; give the address, with the port that was really taken."""
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
    )
    task = asyncio.create_task(server.serve(), name="http server")
    try:
        while not server.started:
            if task.done():
                raise Unavailable(
                    f"nothing can listen on {host}:{port}",
                    code="port_taken",
                    hint="set CROSSDOCK_PORT to another port, or 0 for a free one",
                )
            await asyncio.sleep(0.01)
        number = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{host}:{number}"
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
