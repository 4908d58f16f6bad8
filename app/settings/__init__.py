"""Every setting of the API, the migrator and the operator, in one flat class; its groups are the modules here.

A setting is the environment variable ``PLINTH_<NAME>``, or a file of that name in the folder
``PLINTH_SECRETS_DIR``; the variable wins.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError as SourceError

from app.environment import (
    DEFAULT_SECRETS_DIR,
    SECRETS_DIR,
    DatabaseUrl,
    mounted_version,
    refuse_unknown,
    sentence,
    variable,
    without_service_links,
)
from app.errors import SettingsError
from app.settings.database import DatabaseSettings
from app.settings.http import HttpSettings
from app.settings.kinds import SessionAttribute as SessionAttribute, TenantSource as TenantSource, TlsMode as TlsMode
from app.settings.migrations import MigrationSettings
from app.settings.operator import OperatorSettings
from app.settings.readiness import ReadinessSettings
from app.settings.tenancy import TenancySettings

SECRET_FILES = {
    "uri": "database_url",
    "host": "database_host",
    "port": "database_port",
    "dbname": "database_name",
    "user": "database_user",
    "password": "database_password",
}
"""What the keys of a database's secret mean, and the setting whose file each is where a pod mounts it."""


class Settings(DatabaseSettings, HttpSettings, TenancySettings, ReadinessSettings, MigrationSettings, OperatorSettings):
    """The settings, read once at start and frozen."""

    _folder: Path | None = PrivateAttr(None)

    @property
    def mounted(self) -> Path | None:
        """The secret folder these settings were read from, if any: what is in it may change."""
        return self._folder

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, without_service_links(env_settings), file_secret_settings, DatabaseUrl(settings_cls)


def load_settings() -> Settings:
    """Read the settings from the environment and the secret folder.

    Raises SettingsError with one sentence a person can act on.
    """
    refuse_unknown(Settings.model_fields)
    folder = Path(os.environ.get(SECRETS_DIR, DEFAULT_SECRETS_DIR))
    mounted = folder.is_dir()
    try:
        settings = Settings(_secrets_dir=mounted_version(folder) if mounted else None)
    except ValidationError as error:
        raise SettingsError(sentence(error)) from None
    except SourceError as error:  # a list that is no JSON
        field = re.search(r'field "(\w+)"', str(error))
        raise SettingsError(f"{variable(field[1]) if field else error} must be a JSON list.") from None
    settings._folder = folder if mounted else None
    return settings


def from_secret(data: Mapping[str, str], keys: Mapping[str, str], **others: Any) -> Settings:
    """The settings a pod has that mounts this secret, for one who reads it from the API: both find the same server.

    ``keys`` are what those of `SECRET_FILES` are called in it. Raises SettingsError where it names no server.
    """
    values = {setting: data[keys[key]].strip() for key, setting in SECRET_FILES.items() if data.get(keys[key])}
    if not values.keys() & {"database_url", "database_host"}:
        raise SettingsError(f"it has neither the key {keys['uri']} nor the key {keys['host']}")
    nothing = {setting: Settings.model_fields[setting].default for setting in SECRET_FILES.values()}
    return Settings.model_validate({**nothing, **others, **values})  # and not what the environment says of another
