"""The house holds: packages listed, arrows one way, sizes bounded, imports light."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

MAY_IMPORT = {
    "schemas": set(),
    "console": set(),
    "store": {"schemas"},
    "cards": {"store", "schemas"},
    "inference": {"schemas", "console"},
    "builder": {"inference", "store", "cards", "schemas", "console"},
    "eval": {"inference", "store", "schemas", "console"},
    "train": {"store", "cards", "schemas", "console"},
}
OURS = sorted(MAY_IMPORT)


def sources(root: Path) -> list[Path]:
    rooms = [path for room in OURS for path in (root / room).rglob("*.py")]
    return [root / "__init__.py", root / "cli.py", *rooms]


def test_every_sub_package_is_listed(root: Path) -> None:
    listed = set(tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        ".".join(["cross_safety", *path.parent.relative_to(root).parts])
        for path in [root / "__init__.py", *(p for room in OURS for p in (root / room).rglob("__init__.py"))]
    }
    assert listed == there


def test_only_two_modules_at_the_root(root: Path) -> None:
    assert {path.name for path in root.glob("*.py")} == {"__init__.py", "cli.py"}
    assert not list((root / "tests").rglob("__init__.py"))


def imported_rooms(root: Path, path: Path) -> set[str]:
    """Rooms that a module imports, relatively or by name."""
    package = ["cross_safety", *path.parent.relative_to(root).parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [".".join([*base, *([node.module] if node.module else [])])]
            names += [f"{names[0]}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("cross_safety.")}
    return found & set(OURS)


@pytest.mark.parametrize("room", OURS)
def test_arrows_go_one_way(root: Path, room: str) -> None:
    for path in (root / room).rglob("*.py"):
        wrong = imported_rooms(root, path) - MAY_IMPORT[room] - {room}
        assert not wrong, f"{path.relative_to(root)} imports {wrong}"


def test_the_arrow_test_sees_an_arrow(root: Path, tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    bad = tmp_path / "schemas" / "bad.py"
    bad.write_text("from ..builder.starter import load_corpus\nimport cross_safety.eval\n")
    assert imported_rooms(tmp_path, bad) == {"builder", "eval"}


def test_sizes(root: Path) -> None:
    for path in sources(root):
        text = path.read_text("utf-8")
        assert text.count("\n") <= 350, f"{path}: over 350 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 60, f"{path}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("code", ["import cross_safety", "from cross_safety.cli import main; main(['--help'])"])
def test_imports_are_light(code: str) -> None:
    probe = (
        "import sys, time, atexit\n"
        "def told():\n"
        "    heavy = {'torch', 'trl', 'datasets', 'openai', 'pyarrow', 'numpy'} & set(sys.modules)\n"
        "    print('heavy:', sorted(heavy), file=sys.stderr)\n"
        f"atexit.register(told)\n{code}\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stderr


def test_no_word_of_places(root: Path) -> None:
    """Nothing in the repository names a path of the machine that it was made on."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False).stdout
    marks = ["/wo" + "rk/", "/ro" + "ot/", "/tm" + "p/v/"]
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".json", ".j2", ".txt", ".cff", ""}:
            text = path.read_text("utf-8", errors="replace")
            assert not any(mark in text for mark in marks), name
