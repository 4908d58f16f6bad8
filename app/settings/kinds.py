"""What several settings have in common: their kinds of value, and how a group of them is declared."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.environment import PREFIX

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0)]
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TenantSource = Literal["none", "header", "jwt"]
Ports = Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{1,5}(,\d{1,5})*$")]
TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]
SessionAttribute = Literal["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]


class Group(BaseSettings):
    """Some of the settings; the text under each field gives its meaning, unit, default and reason."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_ignore_empty=True,
        allow_inf_nan=False,
    )
