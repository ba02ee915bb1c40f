"""Where a model is served, and the key for it; the key itself never leaves this module but in a request's header."""

import os
from dataclasses import dataclass

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

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return (self.base_url or OPENAI).rstrip("/")

    def key(self) -> str:
        """The API key; a word that is none for servers of one's own that want none.

        Raises:
            UserError: OpenAI's endpoint is meant and the variable is not set.
        """
        found = os.environ.get(self.api_key_env, "").strip()
        if not found and self.base_url is None:
            raise UserError(
                f"no API key: the environment variable {self.api_key_env} is not set",
                f"export {self.api_key_env}=… , or --base-url http://localhost:8000/v1 for a server of your own",
            )
        return found or NO_KEY
