"""Which of several hosts a connection is opened to, and what is sent to the server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from app.db.connections import first, session_limits, transaction_limits
from app.settings import Settings


class Opened(asyncpg.Connection):
    """What a host gave, without a host."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.terminated = False

    def __del__(self) -> None:
        """asyncpg's own wants a protocol."""

    def terminate(self) -> None:
        self.terminated = True


def giving(answer: Opened | Exception, after: float = 0) -> Callable[[], Awaitable[Any]]:
    async def open_it() -> Any:
        await asyncio.sleep(after)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return open_it


async def test_the_first_host_is_preferred():
    """A host that answers in time is taken, and no other is asked."""
    asked = []

    async def second() -> Any:
        asked.append(True)

    assert (await first([giving(Opened("a")), second], head_start=5)).name == "a"
    assert asked == []


async def test_the_next_host_is_asked_when_one_fails():
    """A failure is not waited for."""
    assert (await first([giving(OSError("refused")), giving(Opened("b"))], head_start=60)).name == "b"


async def test_the_next_host_is_asked_when_one_is_silent():
    """Silence is waited for as long as the head start, and the silent attempt is given up."""
    silent = asyncio.Event()

    async def hang() -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            silent.set()

    assert (await first([hang, giving(Opened("b"))], head_start=0.01)).name == "b"
    assert silent.is_set()


async def test_one_connection_is_kept():
    """Of two hosts that answer at the same time one is used, and the connection to the other ended."""
    both, answers = asyncio.Event(), [Opened("a"), Opened("b")]

    async def early() -> Any:
        await both.wait()
        return answers[0]

    async def late() -> Any:
        both.set()
        return answers[1]

    taken = await first([early, late], head_start=0.01)
    assert [one.terminated for one in answers] == [one is not taken for one in answers]


async def test_a_connection_that_comes_too_late_is_ended():
    """As of a host that answers in the moment in which its attempt is given up."""
    late = Opened("a")

    async def answer_at_the_end() -> Any:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return late

    assert (await first([answer_at_the_end, giving(Opened("b"))], head_start=0.01)).name == "b"
    assert late.terminated


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([OSError(), asyncpg.TargetServerAttributeNotMatched()], asyncpg.TargetServerAttributeNotMatched),
        ([asyncpg.TargetServerAttributeNotMatched(), asyncpg.InvalidPasswordError()], asyncpg.InvalidPasswordError),
        ([ConnectionRefusedError(), OSError()], ConnectionRefusedError),
    ],
)
async def test_the_error_that_says_most_is_raised(errors: list[Exception], told: type[Exception]):
    """What a server said, then that there is no primary, then silence."""
    with pytest.raises(told):
        await first([giving(error) for error in errors])


def test_a_limit_of_zero_is_not_sent():
    """0 leaves it to the server; others are whole milliseconds, and never none of them."""
    settings = Settings(database_statement_timeout=0, database_client_check_interval=0.0001)
    assert session_limits(settings) == {
        "idle_in_transaction_session_timeout": "30000ms",
        "client_connection_check_interval": "1ms",
    }


def test_a_transaction_has_limits_of_its_own_behind_a_pooler_alone():
    """Without a pooler the session has them."""
    assert transaction_limits(Settings()) == {}
    assert set(transaction_limits(Settings(database_pooler="transaction"))) == {
        "statement_timeout",
        "idle_in_transaction_session_timeout",
    }
