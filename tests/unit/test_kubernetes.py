"""The way to the API server."""

import ssl

from app.kubernetes import relaxed


def test_relaxed_verification_still_verifies() -> None:
    """Only the strictness of Python 3.13 goes; the chain and the host name are checked."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    made = relaxed(context)
    assert not made.verify_flags & ssl.VERIFY_X509_STRICT
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert made.check_hostname
