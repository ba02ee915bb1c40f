"""What the README shows for reading a published version, against a hub on loopback."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from loopback.hub import Hub

READ = """
import json, datasets, pandas
where = "someone/cross"
default = datasets.load_dataset(where)
pinned = datasets.load_dataset(where, "open-multilingual", split="test", revision="1.0.0")
first = next(iter(datasets.load_dataset(where, split="test", streaming=True)))
path = next(f["path"] for f in json.load(open("cross/manifest.json"))["files"] if f["split"] == "benign")
frame = pandas.read_parquet(f"hf://datasets/{where}@1.0.0/{path}", columns=["id", "query"])
told = {"splits": {name: len(rows) for name, rows in default.items()}, "pinned": len(pinned)}
told |= {"first": first["id"], "width": first["image"].width, "frame": list(frame["id"])}
print(json.dumps(told))
"""


def test_clients(hub: Hub, folder: Path, to_hub: Callable, tmp_path: Path) -> None:
    assert to_hub("publish", "cross", "--repo", "someone/cross").returncode == 0
    import os

    env = os.environ | hub.env(tmp_path / "reader")
    done = subprocess.run(
        [sys.executable, "-c", READ], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert told["splits"] == manifest["configs"]["open"]["splits"]
    assert told["pinned"] == manifest["configs"]["open-multilingual"]["splits"]["test"]
    assert told["first"].startswith("open-jp-")
    assert told["width"] > 0
    assert all(name.startswith("open-jp-") for name in told["frame"])
