"""The environment, as one typed object."""

import re
import sys
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    RedisDsn,
    Secret,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from redis import ConnectionPool, RedisError

from backend.api_keys import ID
from backend.proxies import proxy_for

START_FAILED = 3  # so uvicorn calls it, and gunicorn, which starts a worker again after any other


def split_commas(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def like(pattern: str, form: str) -> AfterValidator:
    """Returns a validator of texts, which names the form that they take."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"takes {form}")
        return value

    return AfterValidator(check)


def visible(secret: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", secret.get_secret_value()):
        raise ValueError("takes a key of ASCII letters, digits and marks, without blanks")
    return secret


def endpoint(value: str) -> str:
    """Returns an address that paths can be added to, and that holds no password."""
    try:
        fits = re.fullmatch(r"(https?://[\w.:\[\]-]+(/[!-~]*)?)?", value) is not None
        fits = fits and urlsplit(value).port != 0 and not set("?#@") & set(value)
        (urlsplit(value).hostname or "").encode("idna")
    except ValueError:  # of a port, of brackets, or of a name that no host can have
        fits = False
    if not fits:
        raise ValueError("takes http(s)://host[:port][/path], without user, ? or #")
    return value


def of_redis(url: RedisDsn) -> RedisDsn:
    """Refuses what the client of Redis would not take once it is asked."""
    try:
        ConnectionPool.from_url(str(url)).make_connection()
        int((url.path or "/0")[1:])  # which it would read as 0 where it is no number
    except (RedisError, TypeError, ValueError):
        raise ValueError("takes redis(s)://[user:password@]host[:port][/number]") from None
    return url


Item = TypeVar("Item")
Several = Annotated[tuple[Item, ...], NoDecode, BeforeValidator(split_commas)]
KeyDigest = Annotated[str, like(ID + r":[0-9a-f]{64}", "id:sha256-hex")]
# Of web pages, and of apps that bring their own scheme. `null` is every sandboxed page's.
ORIGIN = r"\*|[a-z][a-z0-9+.-]*://([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?"
Origin = Annotated[str, like(ORIGIN, "https://host, or app://host, without a path")]
FileType = Literal[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "audio/mpeg",
    "audio/wav",
    "none",
]
BaseURL = Annotated[str, AfterValidator(endpoint)]
Key = Annotated[SecretStr, AfterValidator(visible)]
Count = Annotated[int, Field(ge=1, le=10**15)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
TokenField = Literal["max_completion_tokens", "max_tokens"]


def in_development(settings: dict[str, Any]) -> bool:
    return settings.get("app_env") == "development"


class Settings(BaseSettings):
    """What can be configured; `.env.example` says what each variable is for."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    app_env: Literal["development", "production"] = "development"
    llm_api_key: Key | None = None
    llm_base_url: BaseURL = "https://api.openai.com/v1"
    openai_api_key: Key | None = None
    openai_base_url: BaseURL = "https://api.openai.com/v1"
    llm_model: str = "gpt-5.4-mini"
    embedding_model: str = "text-embedding-3-small"
    llm_files: Several[FileType] = (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
    )
    llm_timeout_seconds: Seconds = 60
    llm_token_field: TokenField = "max_completion_tokens"  # noqa: S105 - a name
    llm_ask_usage: bool = True
    llm_responses: Literal["translate", "pass"] = "translate"
    llm_json_schema: bool = True
    allowed_models: Several[str] = ()
    pass_on: Several[str] = ()
    api_keys: Several[KeyDigest] = ()
    max_body_bytes: Count = 10_000_000
    max_messages: Count = 1000
    max_tokens: Count = 4096
    requests_per_minute: Count = 60
    tokens_per_day: Count = 1_000_000
    redis_url: Secret[Annotated[RedisDsn, AfterValidator(of_redis)]] | None = None
    web_concurrency: Count = 1
    cors_origins: Several[Origin] = ()
    page: bool = Field(default_factory=in_development)
    forwarded_allow_ips: Several[IPvAnyNetwork | Literal["*"]] = (IPv4Network("127.0.0.1"),)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def passes_responses(self) -> bool:
        """Whether the model makes responses itself; the offline one does not."""
        return self.llm_responses == "pass" and self.llm_api_key is not None

    @property
    def sends_json_schema(self) -> bool:
        """Whether the model is sent the form of an answer; the offline one reads no prompt."""
        return self.llm_json_schema or self.llm_api_key is None

    @field_validator("*", mode="before")
    @classmethod
    def strip_blanks(cls, value: object) -> object:
        if not isinstance(value, str) or not value:
            return value
        text = value.strip()
        if not text or not "".join(text.split()).isprintable():
            raise ValueError("takes a text that can be printed")
        return text

    @model_validator(mode="after")
    def take_openai_names(self) -> Self:
        # Only the two together: a key of OpenAI's is not to be sent to another endpoint.
        if not self.model_fields_set & {"llm_api_key", "llm_base_url"}:
            self.llm_api_key, self.llm_base_url = self.openai_api_key, self.openai_base_url
        return self

    @model_validator(mode="after")
    def refuse_a_proxy_that_cannot_be_used(self) -> Self:
        if self.llm_api_key is not None:
            proxy_for(self.llm_base_url)
        return self

    @model_validator(mode="after")
    def refuse_a_default_that_is_not_allowed(self) -> Self:
        if self.allowed_models and self.llm_model not in self.allowed_models:
            raise ValueError("LLM_MODEL must be one of ALLOWED_MODELS: it answers by default")
        named = "embedding_model" in self.model_fields_set and self.embedding_model
        if self.allowed_models and named and named not in self.allowed_models:
            raise ValueError("EMBEDDING_MODEL must be one of ALLOWED_MODELS")
        return self

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        if self.app_env == "production" and self.llm_api_key is None:
            raise ValueError("LLM_API_KEY must be set in production: the offline model is a demo")
        if self.app_env == "production" and not self.api_keys:
            raise ValueError("API_KEYS must be set in production: the API would be open to all")
        alone = self.web_concurrency == 1
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
        name = [str(part).upper() for part in first["loc"][:1]]
        reason = first["msg"].removeprefix("Value error, ")
        refuse_to_start(": ".join([*name, reason]))
    except UnicodeDecodeError:
        refuse_to_start(".env: takes text in UTF-8")


def refuse_to_start(reason: str) -> NoReturn:
    sys.stderr.write(f"settings: {reason}\n")
    raise SystemExit(START_FAILED) from None
