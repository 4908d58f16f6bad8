"""What the person sees: one line a step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


def say(text: str = "", *, mark: str = " ", colour: str = "") -> None:
    sys.stdout.write(f"{_coloured(mark, colour)} {text}\n")
    sys.stdout.flush()


def heading(text: str) -> None:
    say()
    say(_coloured(text, _BOLD))


def fact(name: str, value: str) -> None:
    """Something that is so now."""
    say(f"  {name:<14} {value}")


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step, and say how long it took."""
    began = time.monotonic()
    if sys.stdout.isatty():
        sys.stdout.write(f"{_coloured('…', _DIM)} {text}\r")
        sys.stdout.flush()
    try:
        yield
    except BaseException:
        say(text, mark="✗", colour=_RED)
        raise
    say(f"{text}  {_coloured(f'{time.monotonic() - began:.1f} s', _DIM)}", mark="✓", colour=_GREEN)


def _coloured(text: str, colour: str) -> str:
    return f"{colour}{text}{_PLAIN}" if colour and sys.stdout.isatty() else text
