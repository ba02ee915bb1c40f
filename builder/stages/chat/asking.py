"""One stage asked of a model: an answer by schema, or a failure that ends the item's row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ....inference import Answer, Client, Picture, Request, Sampling, user
from ...sources.items import TrainItem
from .prompting import answer_schema, render

MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """Which models write and check, and how; ``parameters`` go into the manifest."""

    model: str
    verify_model: str
    temperature: float | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the answers depend on besides prompts and rows."""
        return {"verify_model": self.verify_model, "temperature": self.temperature, "max_tokens": MAX_TOKENS}


class RowError(Exception):
    """A row that can't be made; ``reason`` is the reject's reason, ``detail`` holds no source text."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(slots=True)
class Asker:
    """Asks stages over one client; ``keys`` collects the requests whose answers the build stands on."""

    client: Client
    settings: Settings
    keys: set[str] = field(default_factory=set)

    async def ask(
        self,
        stage: str,
        data: Mapping[str, str],
        item: TrainItem | None = None,
        *,
        attempt: int = 0,
        checks: bool = False,
        **values: str,
    ) -> dict[str, Any]:
        """The answer of a stage.

        Args:
            stage: names prompt and shape.
            data: texts from elsewhere, which are fenced in.
            item: whose picture is shown; None for a question of text alone.
            attempt: 0, or 1 for the one retry; another sample of the same prompt.
            checks: is the checking model asked.
            values: our own words in the prompt.

        Raises:
            RowError: the model gave no usable answer.
            UserError: the run has to stop.
        """
        prompt = render(stage, data, **values)
        parts = (prompt,) if item is None else (prompt, Picture(item.picture.read()))
        model = self.settings.verify_model if checks else self.settings.model
        request = Request(
            model,
            (user(*parts),),
            stage=stage,
            sampling=Sampling(temperature=self.settings.temperature, max_tokens=MAX_TOKENS),
            schema=answer_schema(stage),
            schema_name=stage,
            sample=attempt,
        )
        result = await self.client.ask(request)
        if isinstance(result, Answer):
            self.keys.add(request.key)
            return {name: value.strip() if isinstance(value, str) else value for name, value in result.parsed.items()}
        raise RowError(result.reason, stage)
