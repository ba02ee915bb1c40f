"""A hub on loopback that speaks what the real `huggingface_hub` and `datasets` ask for, with faults on request."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_loopbackLoopbackLoopbackLoopback0"
COMMIT = re.compile(r"[0-9a-f]{40}")


def blob_id(data: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Entry:
    """A file in a commit: its bytes, and whether it lies in LFS."""

    data: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        if not self.lfs:
            return blob_id(self.data)
        return blob_id(
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()
        )

    def told(self, path: str) -> dict[str, Any]:
        told: dict[str, Any] = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        return told | ({"lfs": {"oid": self.sha256, "size": len(self.data), "pointerSize": 134}} if self.lfs else {})


@dataclass
class Commit:
    """A commit: the whole tree, its parent and its title."""

    oid: str
    parent: str | None
    title: str
    tree: dict[str, Entry]
    date: str


@dataclass
class Repo:
    """A dataset repository."""

    private: bool = False
    gated: Any = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, title: str, tree: dict[str, Entry]) -> str:
        parent = self.branches.get(branch)
        oid = hashlib.sha1(f"{parent}{title}{len(self.commits)}".encode()).hexdigest()
        date = f"2026-01-01T00:{len(self.commits) // 60:02}:{len(self.commits) % 60:02}.000Z"
        self.commits[oid] = Commit(oid, parent, title, tree, date)
        self.branches[branch] = oid
        return oid

    def resolve(self, revision: str) -> Commit | None:
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        return self.commits.get(self.branches.get(name) or self.tags.get(name) or name)

    def history(self, branch: str) -> list[Commit]:
        """Commits of a branch, last first."""
        found, oid = [], self.branches.get(branch)
        while oid:
            found.append(self.commits[oid])
            oid = self.commits[oid].parent
        return found


@dataclass
class Fault:
    """What happens to requests whose ``METHOD /path`` matches: ``times`` of them after the first ``skip``.

    ``status`` answers with it and does nothing; ``lost`` does what was asked and cuts the connection; ``cut`` cuts it
    and does nothing; ``alter`` flips a byte of the answer; ``slow`` sends it in pieces, ``call`` runs something before.
    """

    match: str
    what: str
    times: int = 1
    skip: int = 0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    call: Callable[[], None] | None = None
    seen: int = 0

    def strikes(self, line: str) -> bool:
        if not re.search(self.match, line):
            return False
        self.seen += 1
        return self.skip < self.seen <= self.skip + self.times


class Hub:
    """The server: ``with Hub() as hub``; ``hub.url`` is the endpoint, ``hub.repos`` what it holds."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.lfs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.log: list[str] = []
        self.sent: dict[str, int] = {}
        self.uploaded = 0
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.hub = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def strike(self, line: str) -> Fault | None:
        with self.lock:
            self.log.append(line)
            return next((fault for fault in self.faults if fault.strikes(line)), None)

    def env(self, home: Any) -> dict[str, str]:
        """The environment of a client of this hub, with a home of its own."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "", **more: str) -> None:
        self.status, self.message, self.code, self.more = status, message, code, more


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def hub(self) -> Hub:
        found: Hub = self.server.hub  # type: ignore[attr-defined]
        return found

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        fault = self.hub.strike(f"{self.command} {self.path}")
        if fault and fault.call:
            fault.call()
        if fault and fault.what == "cut":
            return self._cut()
        if fault and fault.what == "status":
            return self._send(fault.status, b"<html>not now</html>", fault.headers)
        try:
            with self.hub.lock:
                status, data, headers = self._route(body)
        except _Refused as refused:
            told = {"X-Error-Message": refused.message} | ({"X-Error-Code": refused.code} if refused.code else {})
            status, data, headers = (
                refused.status,
                json.dumps({"error": refused.message} | refused.more).encode(),
                told,
            )
        if fault and fault.what == "lost":
            return self._cut()
        if fault and fault.what == "alter" and len(data) > 40:
            data = data[:20] + bytes([data[20] ^ 1]) + data[21:]
        self._send(status, data, headers, slow=bool(fault and fault.what == "slow"))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, data: bytes, headers: dict[str, str], slow: bool = False) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        pieces = [data[at : at + 65536] for at in range(0, len(data), 65536)] if slow else [data]
        for piece in pieces:
            self.wfile.write(piece)
            time.sleep(0.02 if slow else 0)
        with self.hub.lock:
            path = urlsplit(self.path).path
            self.hub.sent[path] = self.hub.sent.get(path, 0) + len(data)

    def _route(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        path = unquote(urlsplit(self.path).path)
        for method, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method:
                answer = getattr(self, name)(body, *found.groups())
                return answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode(), {})
        raise _Refused(404, f"no such address: {self.command} {path}")

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _write(self) -> None:
        if not self._known():
            raise _Refused(401, "Invalid username or password.")

    def _repo(self, name: str) -> Repo:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and not self._known()):
            raise _Refused(404 if self._known() else 401, "Repository not found", "RepoNotFound")
        return repo

    def _commit(self, name: str, revision: str) -> Commit:
        found = self._repo(name).resolve(revision)
        if found is None:
            raise _Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    def create(self, body: bytes) -> Any:
        self._write()
        asked = json.loads(body)
        name = f"{asked['organization'] or 'someone'}/{asked['name']}"
        if name in self.hub.repos:
            raise _Refused(409, "You already created this dataset repo", url=f"{self.hub.url}/datasets/{name}")
        repo = self.hub.repos[name] = Repo(private=asked.get("visibility") == "private")
        repo.commit("main", "initial commit", {".gitattributes": Entry(b"*.parquet filter=lfs\n", False)})
        return {"url": f"{self.hub.url}/datasets/{name}"}

    def settings(self, body: bytes, name: str) -> Any:
        self._write()
        asked = json.loads(body)
        repo = self._repo(name)
        repo.gated = asked.get("gated", repo.gated)
        repo.private = asked.get("visibility", "private" if repo.private else "public") == "private"
        return {"gated": repo.gated}

    def info(self, _: bytes, name: str, revision: str | None = None) -> Any:
        repo, commit = self._repo(name), self._commit(name, revision or "main")
        siblings = [{"rfilename": path} for path in commit.tree]
        return {"_id": "0", "id": name, "sha": commit.oid, "private": repo.private, "gated": repo.gated} | {
            "siblings": siblings,
            "lastModified": commit.date,
            "tags": [],
            "disabled": False,
            "downloads": 0,
        }

    def refs(self, _: bytes, name: str) -> Any:
        repo = self._repo(name)

        def told(kind: str, refs: dict[str, str]) -> list[dict[str, str]]:
            return [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": oid} for n, oid in refs.items()]

        return {"branches": told("heads", repo.branches), "tags": told("tags", repo.tags), "converts": []}

    def commits(self, _: bytes, name: str, revision: str) -> Any:
        repo, told, oid = self._repo(name), [], self._commit(name, revision).oid
        while oid:
            each = repo.commits[oid]
            told.append({"id": each.oid, "authors": [{"user": "someone"}], "date": each.date, "title": each.title})
            told[-1]["message"] = ""
            oid = each.parent or ""
        return told

    def tree(self, _: bytes, name: str, revision: str, under: str | None = None) -> Any:
        commit = self._commit(name, revision)
        prefix = f"{under}/" if under else ""
        inside = {path: entry for path, entry in commit.tree.items() if path.startswith(prefix)}
        if under and not inside:
            raise _Refused(404, "no such folder", "EntryNotFound")
        deep = parse_qs(urlsplit(self.path).query).get("recursive", [""])[0].lower() in ("true", "1")
        folders = sorted({path[: at.start()] for path in inside for at in re.finditer("/", path)} - {under})
        folders = [each for each in folders if each.startswith(prefix) and (deep or "/" not in each[len(prefix) :])]
        told = [{"type": "directory", "path": each, "size": 0, "oid": blob_id(each.encode())} for each in folders]
        return told + [e.told(path) for path, e in inside.items() if deep or "/" not in path[len(prefix) :]]

    def paths_info(self, body: bytes, name: str, revision: str) -> Any:
        commit, told = self._commit(name, revision), []
        for path in parse_qs(body.decode()).get("paths", []):
            if path in commit.tree:
                told.append(commit.tree[path].told(path))
            elif any(each.startswith(f"{path}/") for each in commit.tree):
                told.append({"type": "directory", "path": path, "size": 0, "oid": blob_id(path.encode())})
        return told

    def preupload(self, body: bytes, name: str, revision: str) -> Any:
        self._write()
        there = self._commit(name, revision).tree
        files = [
            {"path": each["path"], "shouldIgnore": False, "uploadMode": _mode(each["path"], each["size"])}
            | ({"oid": there[each["path"]].oid} if each["path"] in there else {})
            for each in json.loads(body)["files"]
        ]
        return {"files": files}

    def commit(self, body: bytes, name: str, revision: str) -> Any:
        self._write()
        repo = self._repo(name)
        if revision not in repo.branches:
            raise _Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        tree = dict(repo.commits[repo.branches[revision]].tree)
        lines = [json.loads(line) for line in body.splitlines() if line]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repo.branches[revision]):
            raise _Refused(412, "A commit has happened since. Please refresh and try again.")
        for line in lines[1:]:
            self._apply(tree, line["key"], line["value"])
        oid = repo.commit(revision, header["summary"], tree)
        return {"commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}", "commitOid": oid}

    def _apply(self, tree: dict[str, Entry], key: str, value: dict[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            tree[path] = Entry(base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            if value["oid"] not in self.hub.lfs:
                raise _Refused(400, f"LFS object {value['oid']} is not there")
            tree[path] = Entry(self.hub.lfs[value["oid"]], True)
        elif path not in tree:
            raise _Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        else:
            del tree[path]

    def branch(self, body: bytes, name: str, branch: str) -> Any:
        self._write()
        repo = self._repo(name)
        if self.command == "DELETE":
            if branch not in repo.branches:
                raise _Refused(404, "no such branch", "RevisionNotFound")
            del repo.branches[branch]
            return {}
        if branch in repo.branches:
            raise _Refused(409, "Reference already exists")
        repo.branches[branch] = self._commit(name, json.loads(body or b"{}").get("startingPoint", "main")).oid
        return {}

    def tag(self, body: bytes, name: str, revision: str) -> Any:
        self._write()
        repo, tag = self._repo(name), json.loads(body)["tag"]
        if tag in repo.tags:
            raise _Refused(409, "Tag reference exists already")
        repo.tags[tag] = self._commit(name, revision).oid
        return {}

    def yaml(self, _: bytes) -> Any:
        return {"errors": [], "warnings": []}

    def batch(self, body: bytes, name: str) -> Any:
        self._write()
        self._repo(name)
        told = []
        for each in json.loads(body)["objects"]:
            verify = {"href": f"{self.hub.url}/lfs/verify"}
            up = {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}, "verify": verify}
            told.append(each | ({} if each["oid"] in self.hub.lfs else {"actions": up}))
        return {"transfer": "basic", "objects": told}

    def put(self, body: bytes, oid: str) -> Any:
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refused(400, "another content than announced")
        self.hub.lfs[oid] = body
        self.hub.uploaded += len(body)
        return {}

    def verify(self, body: bytes) -> Any:
        if json.loads(body)["oid"] not in self.hub.lfs:
            raise _Refused(404, "not uploaded")
        return {}

    def get(self, _: bytes, name: str, revision: str, path: str) -> Any:
        repo, commit = self._repo(name), self._commit(name, revision)
        if repo.gated and not self._known():
            raise _Refused(401, "Access to this dataset is restricted", "GatedRepo")
        entry = commit.tree.get(path)
        if entry is None:
            raise _Refused(404, "Entry not found", "EntryNotFound")
        etag = entry.sha256 if entry.lfs else entry.oid
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        headers |= {"Content-Type": "application/octet-stream"}
        data, asked = entry.data, re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if asked is None:
            return 200, data, headers | {"Content-Length": str(len(data))}
        start = int(asked[1]) if asked[1] else max(0, len(data) - int(asked[2]))
        end = min(int(asked[2]) if asked[1] and asked[2] else len(data) - 1, len(data) - 1)
        part = data[start : end + 1]
        return 206, part, headers | {"Content-Range": f"bytes {start}-{end}/{len(data)}"}


def _mode(path: str, size: int) -> str:
    return "lfs" if path.endswith(".parquet") or size > 10 * 2**20 else "regular"


_NAME = r"/api/datasets/([^/]+/[^/]+)"
_ROUTES = [
    (("POST",), r"/api/repos/create", "create"),
    (("POST",), r"/api/validate-yaml", "yaml"),
    (("PUT",), rf"{_NAME}/settings", "settings"),
    (("GET",), rf"{_NAME}/refs", "refs"),
    (("GET",), rf"{_NAME}/commits/(.+)", "commits"),
    (("GET",), rf"{_NAME}/tree/([^/]+)(?:/(.*))?", "tree"),
    (("POST",), rf"{_NAME}/paths-info/(.+)", "paths_info"),
    (("POST",), rf"{_NAME}/preupload/(.+)", "preupload"),
    (("POST",), rf"{_NAME}/commit/(.+)", "commit"),
    (("POST", "DELETE"), rf"{_NAME}/branch/(.+)", "branch"),
    (("POST",), rf"{_NAME}/tag/(.+)", "tag"),
    (("GET",), rf"{_NAME}/revision/(.+)", "info"),
    (("GET",), _NAME, "info"),
    (("POST",), r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
    (("POST",), r"/lfs/verify", "verify"),
    (("PUT",), r"/lfs/([0-9a-f]{64})", "put"),
    (("GET", "HEAD"), r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "get"),
]
