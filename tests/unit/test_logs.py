"""The form of log lines."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from app import logs
from app.settings import Settings

Written = Callable[[], str]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What was written to stderr since; logging is as it was before afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(written: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written().splitlines()]


def test_json_lines_carry_time_level_message_and_context(written: Written) -> None:
    """One object a line, with the names log collectors look for."""
    logs.configure(Settings(log_format="json"))
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.stdlib.get_logger("test").info("done", count=3)
    (line,) = lines(written)
    assert list(line)[:3] == ["timestamp", "level", "message"]
    assert (line["level"], line["message"], line["request_id"], line["count"]) == ("info", "done", "r1", 3)


def test_other_libraries_logs_have_the_same_form(written: Written) -> None:
    """What goes through the standard library comes out as JSON, once, with the context."""
    logs.configure(Settings(log_format="json"))
    with structlog.contextvars.bound_contextvars(request_id="r2"):
        logging.getLogger("uvicorn.error").warning("port %d", 80)
    (line,) = lines(written)
    assert (line["message"], line["logger"], line["request_id"]) == ("port 80", "uvicorn.error", "r2")


def test_configuring_twice_logs_once(written: Written) -> None:
    """A second call replaces the first."""
    logs.configure(Settings(log_format="json"))
    logs.configure(Settings(log_format="json"))
    logging.getLogger("any").error("once")
    assert len(lines(written)) == 1


def test_the_level_is_kept(written: Written) -> None:
    """Less severe lines are not written."""
    logs.configure(Settings(log_format="json", log_level="warning"))
    structlog.stdlib.get_logger("test").info("quiet")
    assert written() == ""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_variables(written: Written, form: Any) -> None:
    """Local variables hold passwords; a traceback is of code lines only."""
    logs.configure(Settings(log_format=form))
    password = "".join(["s3", "cret"])
    try:
        int("broken")
    except ValueError:
        structlog.stdlib.get_logger("test").exception("failed")
    assert "ValueError: invalid literal" in (text := written())
    assert password not in text


def test_auto_is_json_where_stderr_is_no_terminal(written: Written) -> None:
    """A pod's stderr is a pipe."""
    logs.configure(Settings())
    logging.getLogger("any").error("piped")
    assert lines(written)[0]["message"] == "piped"


def test_auto_is_text_in_a_terminal(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads columns rather than braces."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.configure(Settings())
    logging.getLogger("any").error("shown")
    assert "shown" in (text := written())
    assert "{" not in text
