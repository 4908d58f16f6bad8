"""`plinth dev`."""

import asyncio
import hashlib
import os
import shutil
import socket
from pathlib import Path

import click
from pydantic import SecretStr

from app.db.packaged import PackagedServer, data_root
from app.db.revision import ROOT
from app.errors import PlinthError
from app.settings import Settings, load_settings

_OWNER, _APP, _DATABASE = "plinth_owner", "plinth_app", "plinth"


@click.command("dev")
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the API on loopback.")
@click.option("--postgres", type=click.Choice(["17", "18"]), default="18", show_default=True, help="Major version.")
@click.option("--fresh", is_flag=True, help="Begin with an empty database.")
def command(port: int, postgres: str, fresh: bool) -> None:
    """Serve the API on a PostgreSQL of its own, on loopback, and again whenever a source changes. Ctrl-C ends both.

    No cluster, no Docker. A new revision runs at the next start, or by `plinth migrate`.
    """
    data = data_folder(ROOT) / postgres
    if fresh:
        _delete(data)
    with _listening(port) as listening:
        server = PackagedServer(18 if postgres == "18" else 17, data).start()
        try:
            _serve(server, listening)
        finally:
            server.stop()


def data_folder(tree: Path) -> Path:
    """One for each tree: another clone has other revisions, and could neither use nor migrate this one's database."""
    return data_root() / "dev" / f"{tree.name}-{hashlib.sha256(os.fsencode(tree)).hexdigest()[:8]}"


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise PlinthError(
            f"The API cannot have port {port} ({os.strerror(error.errno or 0).lower()}): "
            "end what has it, or choose another by --port."
        ) from error


def _delete(data: Path) -> None:
    """All of it, unless a server still runs on it: that one would go on, and write into nothing."""
    pid_file = data / "postmaster.pid"
    if pid_file.exists() and _lives(pid := int(pid_file.read_text().split()[0])):
        raise PlinthError(
            f"Process {pid} still uses {data}: end that `plinth dev` first, "
            f"or delete {pid_file} if it is no PostgreSQL."
        )
    shutil.rmtree(data, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _serve(server: PackagedServer, listening: socket.socket) -> None:
    from app.logs import configure
    from app.reloading import Reloader

    base = load_settings()
    owner = {"database_url": SecretStr(server.uri(_DATABASE, _OWNER)), "database_app_role": _APP}
    configure(base)
    asyncio.run(_prepare(server, base.model_copy(update={**owner, "termination_log": Path("/dev/null")})))
    port = listening.getsockname()[1]
    click.echo(
        f"\nPostgreSQL {server.major} on port {server.port}, its password in {server.data}.password; "
        f"the API on http://127.0.0.1:{port}/docs\n",
        err=True,
    )
    app = {"database_url": SecretStr(server.uri(_DATABASE, _APP)), "drain_seconds": 0, "metrics_port": 0}
    Reloader(base.model_copy(update=app), listening).run()


async def _prepare(server: PackagedServer, owner: Settings) -> None:
    """The two roles and the database where they are missing, then the migrations."""
    from app.migrator.run import migrate

    await _make_database(server)
    outcome = await migrate(owner)
    if outcome.exit_code:
        raise PlinthError(outcome.message)


async def _make_database(server: PackagedServer) -> None:
    import asyncpg

    connection = await asyncpg.connect(server.uri())
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE):
            return
        for role in (_OWNER, _APP):
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{server.password}'")
        await connection.execute(f"CREATE DATABASE {_DATABASE} OWNER {_OWNER}")
    finally:
        await connection.close()
