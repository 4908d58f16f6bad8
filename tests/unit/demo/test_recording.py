"""The recording of `make upgrade`, made of a run that only says what one says."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from k8s.demo.recording import main

SVG = "{http://www.w3.org/2000/svg}"
RUN = """
import sys, time
assert sys.stdout.isatty()
print("\\033[1m  Before\\033[0m")
print("  server         PostgreSQL 17.12 <&>")
sys.stdout.write("\\r\\033[2K\\033[2m…\\033[0m pg_dump  0.0 s")
sys.stdout.flush()
time.sleep(0.2)
print("\\r\\033[2K\\033[32m✓\\033[0m pg_dump  \\033[2m0.2 s\\033[0m")
print("  MigrationSucceeded     Job plinth-uuidv7-1 succeeded: Applied uuidv7.")
print("  a new id: 01a20af6-6463-7484-8f67-b35059092dcb  (UUIDv7)")
"""


def fake(script: str) -> tuple[str, ...]:
    return sys.executable, "-c", script


def texts(target: Path) -> list[str]:
    """The lines of the picture, from the top, without the title."""
    lines: dict[float, str] = {}
    for text in ElementTree.parse(target).iter(f"{SVG}text"):  # noqa: S314 - our own
        if "clip-path" in text.attrib:
            lines[float(text.attrib["y"])] = lines.get(float(text.attrib["y"]), "") + (text.text or "").replace(
                "\xa0", " "
            )
    return [lines[y] for y in sorted(lines)]


def test_what_was_said_is_drawn_with_its_times(tmp_path: Path):
    """Versions, Events and ids, each line as it stood when it ended, beside the seconds since the start."""
    target = tmp_path / "upgrade.svg"
    assert main(target, fake(RUN)) == 0
    lines = texts(target)
    assert [line[10:].strip() for line in lines] == [
        "Before",
        "server         PostgreSQL 17.12 <&>",
        "✓ pg_dump  0.2 s",
        "MigrationSucceeded     Job plinth-uuidv7-1 succeeded: Applied uuidv7.",
        "a new id: 01a20af6-6463-7484-8f67-b35059092dcb  (UUIDv7)",
    ]
    seconds = [float(line[:6]) for line in lines]
    assert seconds == sorted(seconds)
    assert seconds[2] >= 0.2


def test_the_picture_needs_nothing_from_elsewhere(tmp_path: Path):
    """No font, no script; one rule a line, and only where movement is wanted."""
    target = tmp_path / "upgrade.svg"
    main(target, fake(RUN))
    text = target.read_text()
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    before, wanted, after = text.partition("@media (prefers-reduced-motion: no-preference)")
    assert ("animation:" in before, after.count("animation:"), bool(wanted)) == (False, 5, True)
    assert "make upgrade" in text.replace("&#160;", " ")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("raise SystemExit(3)", "ended with 3: there is nothing to draw"),
        ("print('Nothing to do')", "make down && make up"),
    ],
)
def test_a_run_that_moved_nothing_is_not_drawn(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, says: str
):
    """What was drawn before stays."""
    target = tmp_path / "upgrade.svg"
    target.write_text("before")
    assert main(target, fake(script)) == 1
    assert says in capfd.readouterr().err
    assert target.read_text() == "before"
