"""Settings: where they come from, and what a wrong one is answered with."""

import ssl
from pathlib import Path

import pytest

from app.db.address import address
from app.environment import variable
from app.errors import SettingsError
from app.settings import SECRET_FILES, Settings, from_secret, load_settings
from tests.settings_table import DOC, current


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PLINTH_SECRETS_DIR", str(tmp_path))


def test_a_file_in_the_secret_folder_is_a_setting(tmp_path: Path):
    """A mounted secret gives a setting without a variable."""
    (tmp_path / "PLINTH_DATABASE_URL").write_text("postgresql://u:p@h/d\n")
    url = load_settings().database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://u:p@h/d"


def test_a_variable_wins_over_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Where both say something, the environment is believed."""
    (tmp_path / "PLINTH_HTTP_PORT").write_text("1")
    monkeypatch.setenv("PLINTH_HTTP_PORT", "2")
    assert load_settings().http_port == 2


def test_database_url_counts_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """DATABASE_URL is used alone, and not beside a PLINTH_DATABASE_URL from anywhere."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://other/d")
    assert "other" in load_settings().database_url.get_secret_value()
    (tmp_path / "PLINTH_DATABASE_URL").write_text("postgresql://own/d")
    assert "own" in load_settings().database_url.get_secret_value()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PLINTH_HTTP_PORT", "http", "PLINTH_HTTP_PORT: Input should be a valid integer"),
        ("PLINTH_CORS_ORIGINS", "https://a", "PLINTH_CORS_ORIGINS must be a JSON list."),
        ("PLINTH_LOG_LEVEL", "loud", "PLINTH_LOG_LEVEL: Input should be 'debug'"),
        ("PLINTH_CORS_ORIGIN", "[]", "There is no setting PLINTH_CORS_ORIGIN; did you mean PLINTH_CORS_ORIGINS?"),
        ("PLINTH_WXYZQKJXVW", "1", "There is no setting PLINTH_WXYZQKJXVW; docs/settings.md lists them all."),
        ("PLINTH_TENANT_SOURCE", "jwt", "set PLINTH_JWT_JWKS_URL, PLINTH_JWT_ISSUER, PLINTH_JWT_AUDIENCE too"),
        ("PLINTH_JWT_AUDIENCE", "me", "nobody asks for one: set PLINTH_TENANT_SOURCE to jwt"),
        ("PLINTH_JWT_ALGORITHMS", '["HS256"]', "PLINTH_JWT_ALGORITHMS: Input should be 'RS256'"),
        ("PLINTH_JWT_ALGORITHMS", '["none"]', "PLINTH_JWT_ALGORITHMS: Input should be 'RS256'"),
        ("PLINTH_DATABASE_COMMAND_TIMEOUT", "0", "PLINTH_DATABASE_COMMAND_TIMEOUT: Input should be greater than 0"),
        ("PLINTH_DATABASE_CONNECT_TIMEOUT", "0", "PLINTH_DATABASE_CONNECT_TIMEOUT: Input should be greater than 0"),
        ("PLINTH_DATABASE_STATEMENT_TIMEOUT", "10", "PLINTH_DATABASE_STATEMENT_TIMEOUT: must be below"),
        ("PLINTH_SHUTDOWN_SECONDS", "inf", "PLINTH_SHUTDOWN_SECONDS: Input should be a finite number"),
        ("PLINTH_READINESS_TIMEOUT", "9", "readiness_timeout must not exceed readiness_interval"),
    ],
)
def test_a_wrong_setting_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str):
    """The message names the variable and what is wrong with it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 8),
        ({"database_command_timeout": 5}, 4),
        ({"database_command_timeout": 60}, 8),
        ({"database_command_timeout": 5, "database_statement_timeout": 4.9}, 4.9),
        ({"database_statement_timeout": 0}, 0),
    ],
)
def test_the_server_ends_a_slow_statement_first(given: dict[str, float], seconds: float):
    """Its timeout stays below this process's, also where that alone is given; else each would cost the whole pool."""
    assert Settings(**given).statement_timeout == seconds


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://issuer.example/jwks", True),
        ("http://127.0.0.1:8080/jwks", True),
        ("http://[::1]:8080/jwks", True),
        ("http://localhost/jwks", True),
        ("http://issuer.example/jwks", False),
        ("http://127.0.0.1.example/jwks", False),
        ("file:///etc/jwks", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(monkeypatch: pytest.MonkeyPatch, url: str, accepted: bool):
    """Who can change the keys on their way makes tokens for every tenant."""
    needed = {"TENANT_SOURCE": "jwt", "JWT_ISSUER": "i", "JWT_AUDIENCE": "a", "JWT_JWKS_URL": url}
    for name, value in needed.items():
        monkeypatch.setenv(f"PLINTH_{name}", value)
    if accepted:
        assert load_settings().jwt_jwks_url == url
    else:
        with pytest.raises(SettingsError, match="jwt_jwks_url must be https"):
            load_settings()


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A message never holds the value: it may be a password."""
    monkeypatch.setenv("PLINTH_DATABASE_PORT", "canary")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["PLINTH_PORT", "PLINTH_SERVICE_HOST", "PLINTH_PORT_80_TCP_ADDR", "PLINTH_METRICS_PORT"]
)
def test_what_kubernetes_adds_for_a_service_is_no_setting(monkeypatch: pytest.MonkeyPatch, name: str):
    """A Service named plinth puts variables into pods; they are neither read nor refused."""
    monkeypatch.setenv(name, "tcp://10.96.0.7:80")
    assert load_settings().metrics_port == 9090


def test_every_setting_says_its_meaning_and_default():
    """Each field has a text beside it, which names its default."""
    silent = [
        name
        for name, field in Settings.model_fields.items()
        if not field.description or ("Default" not in field.description and name != "termination_log")
    ]
    assert silent == []


def test_the_page_is_what_the_settings_say():
    """Every setting, with its default and meaning (`python -m tests.settings_table`)."""
    text = DOC.read_text()
    assert text == current()
    assert all(f"| `{variable(name)}` |" in text for name in Settings.model_fields)


def test_settings_are_flat():
    """Fields hold plain values: a variable each, no nesting."""
    nested = [name for name, field in Settings.model_fields.items() if "BaseModel" in str(field.annotation)]
    assert nested == []


KEYS = {key: key for key in SECRET_FILES}


def test_the_uri_of_a_secret_is_taken_before_the_parts() -> None:
    """As where it is mounted; what else is known goes along."""
    data = {"uri": "postgresql://u:p@db/x?sslmode=disable", "host": "other"}
    made = from_secret(data, KEYS, database_connect_timeout=1)
    assert str(address(made)) == "db:5432/x"
    assert made.database_connect_timeout == 1


def test_the_parts_of_a_secret_make_an_address() -> None:
    """Under the keys it is said to have, blanks and line ends of hand-made secrets taken away."""
    keys = {**KEYS, "host": "hostname", "user": "username"}
    data = {"hostname": "db\n", "port": "6432", "dbname": "x", "username": "u", "password": "p"}
    made = address(from_secret(data, keys))
    assert str(made) == "db:6432/x"
    assert made.options["user"] == "u"
    assert isinstance(made.options["ssl"], ssl.SSLContext)


def test_a_secret_is_read_as_where_it_is_mounted(tmp_path: Path) -> None:
    """So that whoever reads it from the API finds the server that a pod with its files finds."""
    data = {"host": "db\n", "port": " 6432", "dbname": "x", "user": "u", "password": "p"}
    for key, value in data.items():
        (tmp_path / variable(SECRET_FILES[key])).write_text(value)
    assert from_secret(data, KEYS).model_dump() == load_settings().model_dump()


def test_the_reader_of_a_secret_adds_nothing_of_its_own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that looks at others may have an address itself: a URI there would win over the secret's parts."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://own/d")
    monkeypatch.setenv("PLINTH_DATABASE_PASSWORD", "own")
    made = from_secret({"host": "db"}, KEYS)
    assert (made.database_url, made.database_password, made.database_port) == (None, None, "5432")


@pytest.mark.parametrize(
    ("uri", "mode", "verifies"),
    [("", "disable", None), ("", "require", False), ("", "verify-ca", True), ("?sslmode=require", "disable", False)],
)
def test_a_tls_mode_beside_the_secret_counts_where_its_uri_is_silent(
    uri: str, mode: str, verifies: bool | None
) -> None:
    """Secrets in parts have no other place to say it."""
    data = {"uri": f"postgresql://u:p@db/x{uri}"} if uri else {"host": "db"}
    context = address(from_secret(data, KEYS, database_tls_mode=mode)).options["ssl"]
    assert (context.verify_mode == ssl.CERT_REQUIRED if context else None) is verifies


def test_a_secret_without_an_address_names_the_keys_that_are_missing() -> None:
    """The person who reads it can mend either."""
    with pytest.raises(SettingsError, match="neither the key uri nor the key host"):
        from_secret({"password": "p"}, KEYS)
