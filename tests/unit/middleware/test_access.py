"""What is observed of a request."""

import httpx2
import pytest
from fastapi import FastAPI

from app.metrics import Metrics
from app.middleware.access import Access


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/things/7", {"method": "GET", "route": "/things/{number}", "status": "200"}),
        ("GET", "/guessed/by/a/scanner", {"method": "GET", "route": "unmatched", "status": "404"}),
        ("BREW", "/things/7", {"method": "OTHER", "route": "/things/{number}", "status": "405"}),
    ],
)
async def test_a_client_cannot_make_labels(method: str, path: str, labels: dict[str, str]) -> None:
    """Routes by their template, and methods that are known: whatever is asked, the series are few."""
    app, metrics = FastAPI(), Metrics()
    app.add_middleware(Access, metrics=metrics)

    @app.get("/things/{number}")
    async def read(number: int) -> int:
        return number

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api") as client:
        await client.request(method, path)
    assert metrics.registry.get_sample_value("plinth_http_requests_total", labels) == 1
