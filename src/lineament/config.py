"""Settings, read from the environment. docs/reference/settings.md lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lineament.errors import SettingsInvalid
from lineament.index.engines import EMBEDDED, is_engine
from lineament.records.master_key import is_master_key


class Settings(BaseSettings):
    """Every setting, with its environment variable in docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="LINEAMENT_", frozen=True)

    data: Path = Field(default_factory=lambda: user_data_path("lineament"))
    port: int = Field(default=8765, ge=1, le=65535)
    device: Literal["cpu", "cuda"] = "cpu"
    index: SecretStr = SecretStr(EMBEDDED)  # an address may hold a password
    examples: Path | None = None
    master_key: str | None = None  # where it is, and not the key
    hosts: Annotated[tuple[str, ...], NoDecode] = ()  # that may be fetched from; with none the network is off
    operator: str = ""  # as sites call this installation's operator in their permission files
    contact: str = ""  # that a site's owner can write to

    @field_validator("hosts", mode="before")
    @classmethod
    def _list_hosts(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("master_key", mode="after")
    @classmethod
    def _name_a_place(cls, value: str | None) -> str | None:
        if value is not None and not is_master_key(value):
            raise ValueError("it names no place; docs/reference/settings.md says how to")
        return value

    @field_validator("index", mode="after")
    @classmethod
    def _name_an_engine(cls, value: SecretStr) -> SecretStr:
        if not is_engine(value.get_secret_value()):
            raise ValueError("it is no engine; docs/reference/settings.md lists them")
        return value

    @field_validator("data", mode="before")
    @classmethod
    def _name_a_folder(cls, value: object) -> Path:
        if not str(value).strip():
            raise ValueError("it is empty; name a folder, or unset it")
        return Path(str(value)).expanduser()

    @property
    def policy(self) -> Path:
        """Where an operator's own policy lies; the one that ships is used where there is none."""
        return self.data / "policy.toml"

    @property
    def models(self) -> Path:
        """Where the model packs lie that an operator added."""
        return self.data / "models"

    @property
    def master_key_place(self) -> str:
        """Where the master key is."""
        return self.master_key or f"file:{self.data / 'master-key'}"

    @property
    def witnesses(self) -> Path:
        """Where the ledger's witnesses are listed, if any are: a policy file of c2sp.org/tlog-policy."""
        return self.data / "witnesses"


def load_settings() -> Settings:
    """Read the settings. Raises SettingsInvalid that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"LINEAMENT_{first['loc'][0]}".upper()
        why = first["msg"].removeprefix("Value error, ")
        raise SettingsInvalid(f"{name} cannot be used: {why[0].lower()}{why[1:]}.") from error
