"""A key between two statements, without a server."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from app.db.context import Context
from app.db.idempotency import claim
from app.errors import IdempotencyKeyInUse


async def test_a_key_that_is_gone_when_it_is_looked_up_is_tried_again() -> None:
    """It was another's when it was claimed, and has expired and been swept since: 409 with Retry-After, no 500."""
    answers: list[Any] = [
        SimpleNamespace(one=lambda: SimpleNamespace(key=None)),
        SimpleNamespace(one_or_none=lambda: None),
    ]
    session: Any = SimpleNamespace(info={"context": Context()}, execute=AsyncMock(side_effect=answers))
    with pytest.raises(IdempotencyKeyInUse):
        await claim(session, "key", b"", timedelta(hours=1))
