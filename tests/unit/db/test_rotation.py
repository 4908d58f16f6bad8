"""The address while the mounted secret changes under it."""

from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from app.db.rotation import CurrentAddress
from app.settings import load_settings
from tests.servers.secrets import MountedSecret


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MountedSecret:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PLINTH_SECRETS_DIR", str(tmp_path))
    made = MountedSecret(tmp_path)
    made.write(host="old", user="u", password="first\n")
    return made


def password(current: CurrentAddress) -> str:
    return str(current().options["password"])


def test_a_changed_secret_is_read_again(secret: MountedSecret):
    """Password and host count from the next connection on; unchanged, the address is the same object."""
    current = CurrentAddress(load_settings())
    assert (password(current), current() is current()) == ("first", True)
    secret.write(host="new", user="u", password="second")
    assert (password(current), str(current())) == ("second", "new:5432/u")


def test_a_secret_changed_before_its_first_use_is_read(secret: MountedSecret):
    """A process may wait for long between reading its settings and connecting."""
    settings = load_settings()
    secret.write(host="old", user="u", password="second")
    assert password(CurrentAddress(settings)) == "second"


def test_parts_may_become_a_uri(secret: MountedSecret):
    """The whole secret may change its form."""
    current = CurrentAddress(load_settings())
    secret.write(url="postgresql://u:p@uri/d?sslmode=disable")
    assert str(current()) == "uri:5432/d"


@pytest.mark.parametrize(
    "broken",
    [
        {"host": "new", "user": "u", "password": ""},
        {"host": "new", "user": "u"},
        {"host": "new", "user": "u", "password": "second", "port": "54"[:1] + "x"},
        {"user": "u", "password": "second"},
        {"url": "postgre"},
        {},
    ],
    ids=["empty-password", "no-password", "half-a-port", "no-host", "half-a-uri", "nothing"],
)
def test_what_cannot_be_used_is_said_once(secret: MountedSecret, broken: dict[str, str]):
    """The last version that could be used stays; a mended one is taken."""
    current = CurrentAddress(load_settings())
    good = current()
    secret.write(**broken)
    with capture_logs() as said:
        assert [current() is good for _ in range(3)] == [True] * 3
    assert [entry["event"] for entry in said] == ["the mounted secret cannot be used; its last version stays in use"]
    secret.write(host="mended", user="u", password="third")
    assert (str(current()), password(current)) == ("mended:5432/u", "third")


def test_a_variable_stays_as_it_is(secret: MountedSecret, monkeypatch: pytest.MonkeyPatch):
    """What was given as a variable wins over a file, before and after a change of it."""
    monkeypatch.setenv("PLINTH_DATABASE_PASSWORD", "from a variable")
    current = CurrentAddress(load_settings())
    secret.write(host="old", user="u", password="second")
    assert password(current) == "from a variable"


def test_files_that_a_changed_secret_names_are_watched(secret: MountedSecret, tmp_path: Path):
    """A CA that another URI names counts as one named from the start, and the change is said once."""
    current, ca = CurrentAddress(load_settings()), tmp_path / "ca.crt"
    trustme.CA().cert_pem.write_to_path(ca)
    with capture_logs() as said:
        current()
        secret.write(url=f"postgresql://u:p@uri/d?sslrootcert={ca}")
        addresses = [current() for _ in range(3)]
        trustme.CA().cert_pem.write_to_path(ca)
        addresses += [current() for _ in range(2)]
    assert [one is addresses[-1] for one in addresses] == [False, False, False, True, True]
    assert addresses[1] is addresses[2]
    assert len(said) == 2
