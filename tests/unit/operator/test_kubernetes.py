"""The way to the API server."""

import ssl

import kopf

from app.operator.kubernetes import _relaxed, _RelaxedConnectionInfo


def test_relaxed_verification_still_verifies() -> None:
    """Only the strictness of Python 3.13 goes; the chain and the host name are checked."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    relaxed = _relaxed(context)
    assert not relaxed.verify_flags & ssl.VERIFY_X509_STRICT
    assert relaxed.verify_mode == ssl.CERT_REQUIRED
    assert relaxed.check_hostname


def test_kopf_takes_the_relaxed_context() -> None:
    """It is a ConnectionInfo like any other."""
    info = _RelaxedConnectionInfo(server="https://api", token="t")
    assert isinstance(info, kopf.ConnectionInfo)
    assert not info.as_ssl_context().verify_flags & ssl.VERIFY_X509_STRICT
