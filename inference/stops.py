"""Why a whole run stops, in words that say what to type next."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ..console.errors import UserError
from .endpoint import Endpoint
from .request import Request
from .trouble import Trouble

if TYPE_CHECKING:
    from .client import Client

_SHOWN = 8
AGAIN = "the same command again goes on from here; answers that came are kept"


async def explain(met: Trouble, request: Request, client: "Client") -> UserError:
    """The error for an endpoint that will take no call: key, access, credit, address or model."""
    endpoint, where = client.endpoint, client.endpoint.url
    match met.status:
        case 401:
            has = "did not take the key in" if endpoint.key_or_none() else "wants a key, and there is none in"
            return UserError(
                f"{where} {has} {endpoint.api_key_env} ({met.detail})",
                f"export {endpoint.api_key_env}=… with a key for {where}, then the same command; or --api-key-env NAME",
            )
        case 403:
            return UserError(
                f"{where} does not let this key use {request.model} ({met.detail})",
                "the same command with a model that the key may use (--model), or with another key (--api-key-env)",
            )
        case status if 300 <= status < 400:
            return UserError(f"{where} sends elsewhere ({met.detail})", "the same command with that --base-url")
        case 402 | 429:
            return UserError(f"{where}: no credit is left ({met.detail})", f"add credit, then {AGAIN}")
        case _:
            return await _no_model(met, request, client)


async def _no_model(met: Trouble, request: Request, client: "Client") -> UserError:
    names = await offered(client)
    said = f"{client.endpoint.url} knows no model {request.model!r} ({met.detail})"
    if names is None:
        hint = "" if client.endpoint.url.endswith("/v1") else ", most often with /v1 at its end"
        return UserError(
            f"{said}; nor does it list any at /models",
            f"check --base-url{hint} and --model NAME",
        )
    near = difflib.get_close_matches(request.model, names, n=1, cutoff=0.4)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = ", ".join(near + [name for name in names if name not in near][: _SHOWN - len(near)])
    return UserError(f"{said}; it offers: {listed}{more}", f"the same command with --model {(near or names)[0]}")


async def offered(client: "Client") -> list[str] | None:
    """Names of the models that an endpoint lists; None where it lists none."""
    import openai

    try:
        raw = await client.api.get("/models", cast_to=bytes, options={"timeout": 10.0})
        listed = orjson.loads(raw)["data"]
        names = [str(model["id"])[:120] for model in listed]
    except (openai.OpenAIError, ValueError, KeyError, TypeError):
        return None
    return [name for name in names if name.isprintable()] or None


def dead(met: Trouble, endpoint: Endpoint, silent_s: float, journal: Path) -> UserError:
    """The error for an endpoint that gave no usable response for too long."""
    return UserError(
        f"{endpoint.url} gave no usable response for {silent_s:g} s (last: {met.detail})",
        f"see that it runs (curl {endpoint.url}/models), then {AGAIN} in {journal.name}",
    )


def long_wait(met: Trouble, endpoint: Endpoint) -> UserError:
    """The error for a rate limit that lasts longer than anyone would wait."""
    minutes = (met.wait_s or 0) / 60
    return UserError(f"{endpoint.url} asks to wait for {minutes:.0f} minutes ({met.detail})", f"after that, {AGAIN}")


def all_bad(met: Trouble, endpoint: Endpoint, count: int) -> UserError:
    """The error for an endpoint that took none of the first requests."""
    return UserError(
        f"{endpoint.url} took none of the first {count} requests (last: {met.detail})",
        "check --model (does it take pictures?) and the sampling parameters, then the same command again",
    )
