"""`plinth new`: a slice's files, from the templates beside this, as the slices there are look.

``names`` and ``kinds`` read what was asked for, ``tree`` says what of it the project has already, ``files`` renders
and writes. Nothing is written before everything is known to be right.
"""

from app.errors import PlinthError


class SliceError(PlinthError):
    """The slice cannot be made as it was asked for."""

    exit_code = 2
    reason = "Usage"
