"""Files and batches of the loopback endpoint."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from loopback.server import Loopback

MOST_LINES = 50_000
MOST_BYTES = 200_000_000


@dataclass
class Batches:
    """How batches behave, and what came in.

    Attributes:
        polls: how often a batch has to be looked at before it is done.
        expire: share of its lines that are never answered in time.
        fail: message with which batches fail at once, or none.
        hold: while True no batch comes to its end.
        files: content by file id.
        made: batches by id.
    """

    polls: int = 2
    expire: float = 0.0
    fail: str = ""
    hold: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    _looked: dict[str, int] = field(default_factory=dict)

    def add_routes(self, app: web.Application, server: "Loopback") -> None:
        self._server = server
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_delete("/v1/files/{id}", self._delete)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._look)

    def _keep(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _keep_lines(self, lines: list[dict[str, Any]]) -> str | None:
        return self._keep(b"".join(json.dumps(line).encode() + b"\n" for line in lines)) if lines else None

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert form["purpose"] == "batch" and not isinstance(upload, str)
        content = upload.file.read()
        assert len(content) <= MOST_BYTES
        return web.json_response(self._file(self._keep(content)))

    def _file(self, name: str) -> dict[str, Any]:
        size = len(self.files[name])
        return {
            "id": name,
            "object": "file",
            "bytes": size,
            "created_at": 0,
            "filename": "x",
            "purpose": "batch",
            "status": "processed",
        }

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        self.files.pop(request.match_info["id"], None)
        return web.json_response({"id": request.match_info["id"], "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        told = await request.json()
        assert told["endpoint"] == "/v1/chat/completions" and told["completion_window"] == "24h"
        lines = self.files[told["input_file_id"]].splitlines()
        assert len(lines) <= MOST_LINES
        self.lines.append(len(lines))
        name = f"batch_{len(self.made)}"
        self.made[name] = {
            "id": name, "object": "batch", "endpoint": told["endpoint"], "input_file_id": told["input_file_id"],
            "completion_window": "24h", "status": "validating", "created_at": int(time.time()), "errors": None,
            "metadata": told.get("metadata"), "output_file_id": None, "error_file_id": None,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }  # fmt: skip
        return web.json_response(self.made[name])

    async def _list(self, _: web.Request) -> web.Response:
        data = list(reversed(self.made.values()))
        return web.json_response({"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None})

    async def _look(self, request: web.Request) -> web.Response:
        batch = self.made[request.match_info["id"]]
        looked = self._looked[batch["id"]] = self._looked.get(batch["id"], 0) + 1
        if self.fail and batch["status"] == "validating":
            batch["status"] = "failed"
            batch["errors"] = {"object": "list", "data": [{"code": "invalid", "message": self.fail, "line": 1}]}
        elif batch["status"] == "validating":
            batch["status"] = "in_progress"
        if looked >= self.polls and not self.hold and batch["status"] == "in_progress":
            await asyncio.to_thread(self._finish, batch)
        return web.json_response(batch)

    def _finish(self, batch: dict[str, Any]) -> None:
        """Answer every line by the script, in any order; a share of them too late."""
        from loopback.server import Say, Status, completion, error_body

        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        random.Random(batch["id"]).shuffle(lines)
        late = int(len(lines) * self.expire)
        out, errors = [], []
        for i, line in enumerate(lines):
            assert line["method"] == "POST" and line["url"] == "/v1/chat/completions"
            if i < late:
                told = {"code": "batch_expired", "message": "This request could not be executed in time."}
                errors.append({"id": f"r{i}", "custom_id": line["custom_id"], "response": None, "error": told})
                continue
            ask = self._server.note(line["body"], "batch")
            wanted = self._server.decide(ask)
            if isinstance(wanted, Status):
                response = {"status_code": wanted.status, "request_id": "x", "body": error_body(wanted)}
                errors.append({"id": f"r{i}", "custom_id": line["custom_id"], "response": response, "error": None})
                continue
            said = Say(wanted) if isinstance(wanted, str) else wanted
            assert isinstance(said, Say)
            response = {"status_code": 200, "request_id": "x", "body": completion(ask, said)}
            out.append({"id": f"r{i}", "custom_id": line["custom_id"], "response": response, "error": None})
        batch["output_file_id"] = self._keep_lines(out)
        batch["error_file_id"] = self._keep_lines(errors)
        batch["status"] = "expired" if late else "completed"
