"""The one place where other programs are run."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.console import ClusterError

ERROR_LINES = 15


class CommandFailed(ClusterError):
    """A program ended with an error; what it said is in ``stderr``."""

    def __init__(self, argv: tuple[str, ...], returncode: int, stdout: str, stderr: str) -> None:
        self.argv, self.returncode, self.stdout, self.stderr = argv, returncode, stdout, stderr
        said = "\n".join((stderr.strip() or stdout.strip()).splitlines()[-ERROR_LINES:])
        super().__init__(f"{shlex.join(argv)} ended with {returncode}: {said}")


def run(
    *argv: str | Path,
    input: str | None = None,  # noqa: A002 (subprocess calls it so)
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return its standard output; ``env`` is added to this process's own."""
    command = tuple(str(part) for part in argv)
    try:
        done = subprocess.run(
            command,
            check=False,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"the program {command[0]!r} is not there: install it and try again") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{shlex.join(command)} did not end within {timeout:g} s") from error
    if check and done.returncode:
        raise CommandFailed(command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def succeeds(*argv: str | Path, env: Mapping[str, str] | None = None) -> bool:
    try:
        run(*argv, env=env)
    except ClusterError:
        return False
    return True


@contextmanager
def running(*argv: str, env: Mapping[str, str] | None = None, merged: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A program whose standard output (``merged``: and error) is read while it runs; it is ended with the context."""
    command = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else None,
        text=True,
        env={**os.environ, **(env or {})},
    )
    with command as process:
        try:
            yield process
        finally:
            process.terminate()


def spawn(argv: tuple[str, ...], log: Path, env: Mapping[str, str]) -> int:
    """Start a program that outlives this one, in a session of its own, and return its process id.

    ``subprocess.Popen`` will not do: it complains about each child that still runs when it is forgotten.
    """
    to_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    from_nowhere = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    files = [from_nowhere, to_log, (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(argv[0], argv, {**os.environ, **env}, file_actions=files, setsid=True)
