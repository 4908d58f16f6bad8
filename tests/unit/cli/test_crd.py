"""How the definition of GatedMigration is applied."""

from typing import Any

import httpx2
import pytest

from app import kubernetes
from app.cli import crd
from app.errors import PlinthError
from tests.crd_reference import FILE
from tests.unit.operator.api import FakeApi


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api = FakeApi()
    monkeypatch.setattr(kubernetes, "connect", lambda **_: api.client())
    return api


@pytest.mark.parametrize("failure", [(403, {"message": "you may not"}), httpx2.ConnectError("no route")])
async def test_a_failure_to_apply_is_one_sentence(api: FakeApi, failure: Any) -> None:
    """Of the API server's own words, or why it was not reached."""

    def fail(_method: str, _path: str) -> tuple[int, dict[str, Any]]:
        if isinstance(failure, Exception):
            raise failure
        answer: tuple[int, dict[str, Any]] = failure
        return answer

    api.fail = fail
    with pytest.raises(PlinthError, match=r"(you may not|no route)\.$"):
        await crd.apply(FILE)
