"""The environment, as one typed object."""

import multiprocessing
import re
import sys
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

START_FAILED = 3  # so uvicorn calls it, and gunicorn, which starts a worker again after any other
KEY_DIGEST = re.compile(r"[\w.-]+:[0-9a-f]{64}")


class Settings(BaseSettings):
    """What can be configured; `.env.example` says what each variable is for."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    app_env: Literal["development", "production"] = "development"
    llm_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("LLM_API_KEY", "OPENAI_API_KEY")
    )
    llm_base_url: str = Field(
        default="https://api.openai.com/v1",
        validation_alias=AliasChoices("LLM_BASE_URL", "OPENAI_BASE_URL"),
    )
    llm_model: str = "gpt-5.4-mini"
    llm_timeout_seconds: PositiveFloat = 60
    allowed_models: Annotated[frozenset[str], NoDecode] = frozenset()
    api_keys: Annotated[tuple[str, ...], NoDecode] = ()
    max_body_bytes: PositiveInt = 1_000_000
    max_messages: PositiveInt = 100
    max_tokens: PositiveInt = 4096
    requests_per_minute: PositiveInt = 60
    tokens_per_day: PositiveInt = 1_000_000
    redis_url: SecretStr | None = None
    web_concurrency: PositiveInt = 1
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        "allowed_models",
        "api_keys",
        "cors_origins",
        mode="before",
    )
    @classmethod
    def split_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("api_keys")
    @classmethod
    def require_digests(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(KEY_DIGEST.fullmatch(key) for key in value):
            raise ValueError("takes id:sha256-hex, several separated by commas")
        return value

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        if self.app_env == "production" and self.llm_api_key is None:
            raise ValueError("LLM_API_KEY must be set in production: the offline model is a demo")
        if self.app_env == "production" and not self.api_keys:
            raise ValueError("API_KEYS must be set in production: the API would be open to all")
        alone = self.web_concurrency == 1
        # uvicorn's `--workers 2` sets no variable, but makes each worker a child process.
        alone = alone and multiprocessing.parent_process() is None
        if self.app_env == "production" and self.redis_url is None and not alone:
            raise ValueError(
                "REDIS_URL must be set where WEB_CONCURRENCY or --workers is above 1: "
                "each worker would count its own limits"
            )
        return self


def load_settings() -> Settings:
    """Reads the environment, and `.env` where there is one.

    Raises:
        SystemExit: after one line on stderr that names the variable and what it takes.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        sys.stderr.write(f"settings: {name}: {reason}\n" if name else f"settings: {reason}\n")
        raise SystemExit(START_FAILED) from None
