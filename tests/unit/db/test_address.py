"""Addresses: URIs, parts and TLS."""

import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.db.address import address, from_parts, from_uri, tls
from app.db.tls import in_memory
from app.errors import SettingsError
from app.settings import Settings


def test_nothing_configured_gets_a_sentence():
    """Without any database setting the message says which ones there are."""
    with pytest.raises(SettingsError, match="No database is configured: set PLINTH_DATABASE_URL"):
        address(Settings(database_url=None))


def test_a_uri_wins_over_parts():
    """With both given, the URI is the address."""
    settings = Settings(database_url=SecretStr("postgresql://u:p@uri/d"), database_host="parts")
    assert str(address(settings)) == "uri:5432/d"


def test_parts_make_an_address():
    """Host, port, database and role are enough."""
    place = from_parts(host="db", port=6432, database="d", user="u", password="secret", tls_mode="disable")
    assert str(place) == "db:6432/d"
    assert place.options["ssl"] is False


@pytest.mark.parametrize("uri", ["postgresql://u:secret@db/d", "postgresql://u:secret@a:1,b:2/d?sslmode=require"])
def test_an_address_never_shows_its_password(uri: str):
    """Neither str nor repr of an address holds the password."""
    place = from_uri(uri)
    assert "secret" not in f"{place} {place!r}"


def test_several_hosts_in_parts():
    """Hosts with commas between become a list, each with the port."""
    place = from_parts(host="a,b", port=5432, database="d", user="u", password=None)
    assert place.hosts == (("a", 5432), ("b", 5432))


@pytest.mark.parametrize(
    ("hosts", "ports", "expected"),
    [
        ("a,b", "1,2", (("a", 1), ("b", 2))),
        ("a:7,b", "1", (("a", 7), ("b", 1))),
        ("[::1]:7,::2", "1", (("::1", 7), ("::2", 1))),
        ("/run/postgresql", "5432", (("/run/postgresql", 5432),)),
    ],
)
def test_hosts_and_ports(hosts: str, ports: str, expected: tuple[tuple[str, int], ...]):
    """One port for all, or one for each; a port beside its host wins."""
    assert from_parts(host=hosts, port=ports, database="d", user="u", password=None).hosts == expected


@pytest.mark.parametrize(("hosts", "ports"), [("a,b", "1,2,3"), ("a,,b", "1"), ("a", "0"), ("a:x", "1"), ("[::1", "1")])
def test_hosts_and_ports_that_cannot_be(hosts: str, ports: str):
    """A wrong list gets a sentence."""
    with pytest.raises(SettingsError, match="The database's address"):
        from_parts(host=hosts, port=ports, database="d", user="u", password=None)


@pytest.mark.parametrize("uri", ["postgresql://u:p@a:1,b/d", "postgresql:///d?host=a,b&port=1,5432"])
def test_several_hosts_in_a_uri(uri: str):
    """In the place of the host, or as a parameter."""
    place = from_uri(uri)
    assert (place.hosts, str(place)) == ((("a", 1), ("b", 5432)), "a:1,b:5432/d")


def test_the_uri_says_what_a_server_must_be():
    """target_session_attrs of the URI is believed over the setting; a word that is none gets a sentence."""
    assert from_uri("postgresql://u@a,b/d?target_session_attrs=any").target == "any"
    assert from_uri("postgresql://u@a,b/d", target="read-write").target == "read-write"
    with pytest.raises(SettingsError, match="target_session_attrs=master in the database URI is refused"):
        from_uri("postgresql://u@a,b/d?target_session_attrs=master")


@pytest.mark.parametrize("parameter", ["sslcrl=x", "ssl_min_protocol_version=TLSv1.3"])
def test_what_would_be_passed_over_is_refused(parameter: str):
    """A parameter somebody relies on is not ignored without a word."""
    with pytest.raises(SettingsError, match="in the database URI is not supported"):
        from_uri(f"postgresql://u@a/d?{parameter}")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("sslcert=/nowhere/client.crt", "The client certificate /nowhere/client.crt"), ("sslkey=x", "needs sslcert")],
)
def test_a_client_certificate_that_cannot_be_used(query: str, sentence: str):
    """A file that is not there, or a key without its certificate, gets a sentence."""
    with pytest.raises(SettingsError, match=sentence):
        from_uri(f"postgresql://u@a/d?{query}")


def test_sqlalchemys_scheme_is_understood():
    """postgresql+asyncpg:// is the same place."""
    assert from_uri("postgresql+asyncpg://u@db/d").options["dsn"] == "postgresql://u@db/d"


def test_another_scheme_is_refused():
    """A URI of another database gets a sentence."""
    with pytest.raises(SettingsError, match="must begin with postgresql://"):
        from_uri("mysql://u@db/d")


@pytest.mark.parametrize("password", ["se#cret", "se/cret", "se?cret", "se@cret"])
def test_a_password_that_breaks_the_uri_is_refused(password: str):
    """A special character that was not encoded gets a sentence, which does not repeat it."""
    with pytest.raises(SettingsError, match="percent-encode the special characters") as caught:
        from_uri(f"postgresql://u:{password}@db/d")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("mode", ["prefer", "allow"])
def test_a_mode_that_falls_back_is_refused(mode: str):
    """sslmode=prefer would become plain text without a word."""
    with pytest.raises(SettingsError, match=f"sslmode={mode} in the database URI is refused"):
        from_uri(f"postgresql://u@db/d?sslmode={mode}")


def test_the_uris_sslmode_wins():
    """What the URI says about TLS is believed over the setting."""
    assert from_uri("postgresql://u@db/d?sslmode=disable", tls_mode="verify-full").options["ssl"] is False


def test_libpqs_own_parameters_do_not_reach_the_server():
    """asyncpg would send connect_timeout as a server parameter, and the server would refuse it."""
    place = from_uri("postgresql://u@db/d?connect_timeout=5&application_name=x")
    assert place.options["dsn"] == "postgresql://u@db/d?application_name=x"


def test_tls_is_required_by_default():
    """Without a word the connection is encrypted; the certificate is verified only with a CA."""
    context = tls(None, None)
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(("mode", "hostname"), [("verify-ca", False), ("verify-full", True)])
def test_verifying_modes_verify(mode: str, hostname: bool):
    """verify-ca wants a certificate of the CA, verify-full also the right name."""
    context = tls(mode, None)
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, hostname)


def test_a_missing_ca_gets_a_sentence():
    """A CA file that is not there is named."""
    with pytest.raises(SettingsError, match=r"The CA file /nowhere/ca\.crt cannot be used"):
        tls("verify-full", Path("/nowhere/ca.crt"))


def test_a_ca_in_memory_is_a_file_for_as_long_as_it_is_needed():
    """Without a folder; nothing makes no file."""
    with in_memory("a CA") as path, in_memory(None) as none:
        assert path is not None
        assert (path.read_text(), none) == ("a CA\n", None)
    assert not path.exists()
