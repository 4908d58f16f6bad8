"""The address as the mounted secret names it now: a changed password, host or certificate needs no restart."""

from pathlib import Path

import structlog

from app.db.address import Address, address
from app.environment import mounted_version, variable
from app.errors import SettingsError
from app.settings import SECRET_FILES, Settings, load_settings

log = structlog.stdlib.get_logger("plinth.database")

Contents = tuple[bytes | None, ...]


class CurrentAddress:
    """Gives the address, and reads it again where a file it came from has changed.

    The same object for as long as nothing changes. What cannot be used (half written, gone, not a PEM file) is said
    once in the log, and the last that could be used stays. Values from variables never change. Raises SettingsError
    only when it is made.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._good = address(settings)
        self._keeps_password = settings.database_password is not None
        # What is mounted may have changed since the settings were read from it.
        self._read = None if settings.mounted else self._contents()
        self._refused: Contents | None = None

    def __call__(self) -> Address:
        now, files = self._contents(), self._good.files
        if now != self._read:
            try:
                self._good = self._again()
            except SettingsError as error:
                if now != self._refused:
                    log.warning("the mounted secret cannot be used; its last version stays in use", error=str(error))
                self._refused = now
            else:
                if self._read is not None:
                    log.info("the mounted secret has changed and was read again")
                # What other files held when they were read is not known: then it is read once more.
                self._read, self._refused = now if self._good.files == files else None, None
        return self._good

    def _again(self) -> Address:
        settings = load_settings() if self._settings.mounted else self._settings
        if self._keeps_password and settings.database_url is None and not settings.database_password:
            raise SettingsError("The file of the password is empty or gone.")
        place = address(settings)
        self._keeps_password = settings.database_password is not None
        return place

    def _contents(self) -> Contents:
        folder = self._settings.mounted
        version = mounted_version(folder) if folder else None
        files = [version / variable(name) if version else None for name in SECRET_FILES.values()]
        return tuple(_content(file) for file in (*files, *self._good.files))


def _content(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError:
        return None
