"""What every request passes through, from the outside in. Plain ASGI: no task, no copied body."""
