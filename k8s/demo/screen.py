"""What the person sees: one line a step, with its time, which runs while the step does."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.cli.terminal import has_colours, is_terminal

_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"
_CLEAR = "\r\033[2K"
_TICK_SECONDS = 0.5
_writing = threading.RLock()


def say(text: str = "", *, mark: str = " ", colour: str = "") -> None:
    """One line; where a step is under way, its own comes again below."""
    with _writing:
        clear = _CLEAR if is_terminal(sys.stdout) else ""
        sys.stdout.write(f"{clear}{_coloured(mark, colour)} {text}\n")
        sys.stdout.flush()


def heading(text: str) -> None:
    say()
    say(_coloured(text, _BOLD))


def fact(name: str, value: str) -> None:
    """Something that is so now."""
    say(f"  {name:<14} {value}")


def time_of(seconds: float) -> str:
    """As one reads it: `4.2 s`, `3 min 5 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step, count its seconds while it runs, and say how long it took."""
    began = time.monotonic()
    try:
        with _counting(text, began):
            yield
    except BaseException:
        say(f"{text}  {_coloured(time_of(time.monotonic() - began), _DIM)}", mark="✗", colour=_RED)
        raise
    say(f"{text}  {_coloured(time_of(time.monotonic() - began), _DIM)}", mark="✓", colour=_GREEN)


@contextmanager
def _counting(text: str, began: float) -> Iterator[None]:
    """In a terminal; a file gets one line a step, at its end."""
    if not is_terminal(sys.stdout):
        yield
        return
    ended = threading.Event()

    def count() -> None:
        waiting = 0.0
        while not ended.wait(waiting):
            waiting = _TICK_SECONDS
            with _writing:
                sys.stdout.write(f"{_CLEAR}{_coloured('…', _DIM)} {text}  {time_of(time.monotonic() - began)}")
                sys.stdout.flush()

    counter = threading.Thread(target=count, daemon=True)
    counter.start()
    try:
        yield
    finally:
        ended.set()
        counter.join()


def _coloured(text: str, colour: str) -> str:
    return f"{colour}{text}{_PLAIN}" if colour and has_colours(sys.stdout) else text
