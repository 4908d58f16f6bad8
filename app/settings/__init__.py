"""Every setting of the API, the migrator and the operator, in one flat class; its groups are the modules here.

A setting is the environment variable ``PLINTH_<NAME>``, or a file of that name in the folder
``PLINTH_SECRETS_DIR``; the variable wins.
"""

import os
import re
from pathlib import Path

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
