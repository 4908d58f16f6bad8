import asyncio
import time

from fastapi import APIRouter

router = APIRouter(prefix="/slow", tags=["slow"])


@router.post("/block")
async def block(seconds: float) -> None:
    """Stop the event loop, as a library does that waits without `await`."""
    time.sleep(seconds)  # noqa: ASYNC251


@router.get("/wait")
async def wait(seconds: float) -> dict[str, float]:
    """A long request, which takes nobody else's time."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}
