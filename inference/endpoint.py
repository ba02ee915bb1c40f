"""Where a model is served, and the key for it; the key itself never leaves this module but in a request's header."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..console.errors import UserError

OPENAI = "https://api.openai.com/v1"
NO_KEY = "none"


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        base_url: up to and with ``/v1``; None is OpenAI's own.
        api_key_env: name of the environment variable that holds the key.
        concurrency: most calls at one time (slots).
        timeout_s: deadline of one call, from its sending to the last byte, in seconds.
    """

    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = 64
    timeout_s: float = 180.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"--base-url wants an address like http://localhost:8000/v1, not {self.url[:80]!r}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UserError(
                "--base-url holds more than an address; a key belongs into an environment variable",
                f"export {self.api_key_env}=… , and --base-url {parts.scheme}://{parts.hostname}/v1",
            )

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return (self.base_url or OPENAI).rstrip("/")

    def key(self) -> str:
        """The API key; a word that is none for servers of one's own that want none.

        Raises:
            UserError: OpenAI's endpoint is meant and the variable is not set.
        """
        found = self.key_or_none()
        if not found and self.base_url is None:
            raise UserError(
                f"no API key: the environment variable {self.api_key_env} is not set",
                f"export {self.api_key_env}=… , or --base-url http://localhost:8000/v1 for a server of your own",
            )
        return found or NO_KEY

    def key_or_none(self) -> str | None:
        """The API key where the environment has one."""
        return os.environ.get(self.api_key_env, "").strip() or None
