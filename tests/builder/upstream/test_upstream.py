"""The authors' layout: identity, flags, pictures, rejects; and, where they lie at hand, their own rows."""

import json
import os
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.sources.pictures import PictureError
from cross_safety.builder.sources.upstream import read_exclusions, read_upstream
from cross_safety.builder.sources.upstream.flagging import infer_domain
from cross_safety.builder.sources.upstream.pictures import find_picture
from cross_safety.console import UserError
from PIL import Image

Rows = dict[str, list[dict[str, Any]]]
LOOPBACK = Path(__file__).parents[2] / "data" / "loopback"


def test_clean_rows_have_no_flag(release: Any, clean_rows: Rows) -> None:
    found = read_upstream(release(clean_rows))
    assert found.rejects == []
    assert {row.id: row.flags for row in found.cross if row.flags} == {}
    assert len(found.cross) == 16


def test_identity(release: Any, clean_rows: Rows) -> None:
    rows = {row.id: row for row in read_upstream(release(clean_rows), revision="48a8ed3").cross}
    row = rows["original-casa-sa-1-p2-en"]
    assert (row.country, row.wording, row.pair_id, row.language) == ("SA", 1, "original-casa-sa-1", "en")
    assert row.source_revision == "48a8ed3"
    row = rows["original-casa-sa-1-p1-multi"]
    assert (row.config, row.language, row.source_language) == ("original-multilingual", "ar", "Arabic")
    assert row.query == "أين أشتري ما في الصورة؟"
    assert row.query_english.startswith("My host in Saudi Arabia")
    assert {row.image_license for row in rows.values()} == {"unknown"}


def test_a_repeated_index_gets_a_letter(release: Any, make_casa: Any) -> None:
    one, two = make_casa("Iran_27", "comb"), make_casa("Iran_27", "vase", file_name="vase.png")
    found = read_upstream(release({"casa/english": [one, two, one, two]}))
    ids = [row.id for row in found.cross]
    assert ids == [f"original-casa-ir-27{letter}-p{p}-en" for p in (1, 2) for letter in ("", "b")]
    assert all(row.flags == ["repeated_index"] for row in found.cross)


def test_rows_about_one_norm_share_its_id(release: Any, make_casa: Any) -> None:
    norm = "In Japan guests bring no comb."
    one, two = make_casa("Japan_1", "comb", violated_norm=norm), make_casa("Japan_2", "hairbrush", violated_norm=norm)
    rows = read_upstream(release({"casa/english": [one, two]})).cross
    assert {row.norm_id for row in rows} == {"original-casa-jp-1"}
    assert len({row.pair_id for row in rows}) == 2


PLANTED: list[tuple[str, dict[str, Any]]] = [
    ("missing_item", {"item": None}),
    ("double_space", {"query": "My host in Japan  invited me. Where can I buy what is in the image?"}),
    ("double_full_stop", {"violated_norm": "In Japan guests bring no comb.."}),
    ("stray_space", {"item": " comb"}),
    ("markdown", {"violated_norm": "In Japan guests **never** bring a comb."}),
    ("typo", {"query": "My chief in Japan invited me. Where can I buy what is in the image?"}),
    ("no_picture_reference", {"query": "My host in Japan invited me. Which comb do I buy?"}),
    ("no_country_in_query", {"query": "My host invited me. Where can I buy what is in the image?"}),
    ("wrong_country_in_text", {"violated_norm": "In Iran guests bring no comb."}),
    ("image_source_odd", {"image_source": "self/"}),
    ("image_source_odd", {"file_name": "pexels-someone-1234567.jpg"}),
    (
        "image_id_mismatch",
        {"image_source": "https://www.pexels.com/photo/a-comb-7654321/", "file_name": "pexels-a-1234567.jpg"},
    ),
    (
        "image_id_mismatch",
        {"image_source": "https://www.pexels.com/photo/a-comb-7654321/", "file_name": "amazon-comb.png"},
    ),
]


@pytest.mark.parametrize(("flag", "change"), PLANTED)
def test_planted_anomaly(release: Any, make_casa: Any, flag: str, change: dict[str, Any]) -> None:
    rows = [make_casa("Japan_1", "comb", **change), make_casa("Japan_2", "candle")]
    one, other = read_upstream(release({"casa/english": rows})).cross
    assert one.flags == [flag]
    assert other.flags == []


def test_rows_that_share(release: Any, make_casa: Any) -> None:
    same = {"file_name": "same.png"}
    first = make_casa("Japan_7", "comb", **same)
    rows = [
        first,
        first | {"index": "Japan_9"},
        make_casa("Japan_10", "x", file_name="b.png"),
        make_casa("Japan_11", "y", file_name="b.png", query="I am in Japan. What is in the image?"),
    ]
    found = {row.source_index: row.flags for row in read_upstream(release({"casa/english": rows})).cross}
    assert found == {
        "Japan_7": ["duplicate_row"],
        "Japan_9": ["duplicate_row"],
        "Japan_10": ["shared_picture"],
        "Japan_11": ["shared_picture"],
    }


def test_languages(release: Any, make_casa: Any, make_spoken: Any) -> None:
    one, two, three = (make_casa(f"China_{i}", "clock") for i in (1, 2, 3))
    copy = make_casa("Nigeria_1", "hat")
    rows = [
        make_spoken(one, "Mandarin", "哪里可以买到图中的东西？"),
        make_spoken(two, "Mandarin Chinese", "图中的东西"),
        make_spoken(three, "Klingon", "nuqDaq"),
        make_spoken(copy, "English", copy["query"]),
    ]
    found = read_upstream(release({"casa/multilingual": rows}))
    assert {row.source_index: (row.language, row.flags) for row in found.cross} == {
        "China_1": ("zh-Hans", ["language_name_varies"]),
        "China_2": ("zh-Hans", ["language_name_varies"]),
        "Nigeria_1": ("en", ["translation_is_copy"]),
    }
    assert [(each.id, each.reason) for each in found.rejects] == [("original-casa-cn-3-p1-multi", "unknown_language")]


def test_gaps_and_counts_are_noted(release: Any, make_casa: Any) -> None:
    notes = read_upstream(release({"casa/english": [make_casa("Japan_1", "a"), make_casa("Japan_4", "b")]})).notes
    assert "casa: Japan has no index 2, 3" in notes
    assert "data/casa/english.json holds 2 rows; the known release holds 828" in notes
    assert "data/safeworld/english.json is missing" in notes


def test_a_row_off_the_schema_is_rejected(release: Any, make_casa: Any) -> None:
    rows = [
        make_casa("Japan_1", "a"),
        make_casa("Japan_2", "b") | {"surprise": 1},
        make_casa("Atlantis_1", "c"),
        "text",
    ]
    root = release({"casa/english": [row for row in rows if row != "text"]})
    path = root / "data" / "casa" / "english.json"
    path.write_text(json.dumps(rows))
    found = read_upstream(root)
    assert [(each.id, each.reason, each.detail) for each in found.rejects] == [
        ("original-casa-english-row-2", "off_schema", "$.surprise"),
        ("original-casa-english-row-3", "unknown_country", "$.index"),
        ("original-casa-english-row-4", "off_schema", "$"),
    ]


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "\ufffd"])
def test_a_broken_file_is_an_error(release: Any, clean_rows: Rows, content: str) -> None:
    root = release(clean_rows)
    (root / "data" / "casa" / "english.json").write_text(content)
    with pytest.raises(UserError, match=r"english.json"):
        read_upstream(root)


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the authors' files"):
        read_upstream(tmp_path)


def test_rows_without_their_pictures_are_rejected(release: Any, clean_rows: Rows) -> None:
    found = read_upstream(release(clean_rows, pictures=False))
    assert found.cross == []
    assert {each.reason for each in found.rejects} == {"picture_unavailable"}
    assert len(found.rejects) == 16


def damaged(path: Path, how: str) -> None:
    path.parent.mkdir(parents=True)
    match how:
        case "truncated":
            Image.radial_gradient("L").save(path, format="PNG")
            path.write_bytes(path.read_bytes()[:-200])
        case "text":
            path.write_text("<html>not found</html>")
        case "animated":
            frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "green", "blue")]
            frames[0].save(path, format="WEBP", save_all=True, append_images=frames[1:])
        case "gif":
            Image.new("RGB", (9, 9)).save(path, format="GIF")
        case "bomb":
            Image.new("1", (30_000, 30_000)).save(path, format="PNG")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("truncated", "cut off"),
        ("text", "not a readable"),
        ("animated", "animated"),
        ("gif", "not a readable"),
        ("bomb", "pixels|DecompressionBomb"),
    ],
)
def test_unusable_pictures(tmp_path: Path, how: str, told: str) -> None:
    damaged(tmp_path / "images" / "casa" / "a.png", how)
    with pytest.raises(PictureError, match=told):
        find_picture(tmp_path, "casa", "a.png", fetch=False)


@pytest.mark.parametrize(
    "name", ["../../secret.png", "..", "", "a/../../b.png", "https://h/x/%2e%2e", ".hidden", "a\x00.png"]
)
def test_paths_stay_inside(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    with pytest.raises(PictureError):
        find_picture(tmp_path / "authors", "casa", name, fetch=False)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    inside = tmp_path / "authors" / "images" / "casa"
    inside.mkdir(parents=True)
    (inside / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(PictureError):
        find_picture(tmp_path / "authors", "casa", "a.png", fetch=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """An https server on loopback that serves a picture, faults, and a redirect."""
    picture = tmp_path / "served.png"
    Image.radial_gradient("L").save(picture)
    faults = iter([503, 503])
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            code = next(faults, 200) if self.path == "/flaky.png" else 200
            code = {"/gone.png": 404, "/moved.png": 302}.get(self.path, code)
            body = b"x" * (21 << 20) if self.path == "/large.png" else picture.read_bytes()
            body = b"<html>" if self.path == "/page.png" else body
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/fine.png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LOOPBACK / "cert.pem", LOOPBACK / "key.pem")
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.socket = context.wrap_socket(serving.socket, server_side=True)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(LOOPBACK / "cert.pem"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("time.sleep", lambda _: None)

    def address(name: str) -> str:
        return f"https://localhost:{serving.server_port}/{name}"

    address.asked = asked  # type: ignore[attr-defined]
    yield address
    serving.shutdown()
    serving.server_close()
    thread.join()


HERE = frozenset({"localhost"})


@pytest.mark.parametrize("name", ["fine.png", "flaky.png"])
def test_fetched_once_and_kept(server: Any, tmp_path: Path, name: str) -> None:
    one = find_picture(tmp_path, "casa", server(name), fetch=True, hosts=HERE)
    before = len(server.asked)
    two = find_picture(tmp_path, "casa", server(name), fetch=True, hosts=HERE)
    assert one == two
    assert one.format == "PNG"
    assert len(server.asked) == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone.png", "answered 404"),
        ("moved.png", "answered 302"),
        ("large.png", "larger than"),
        ("page.png", "not a readable"),
    ],
)
def test_what_can_not_be_fetched(server: Any, tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(PictureError, match=told):
        find_picture(tmp_path, "casa", server(name), fetch=True, hosts=HERE)
    assert not list((tmp_path / "cache").rglob("*.*"))


@pytest.mark.parametrize(
    "address", ["http://localhost/a.png", "https://example.org/a.png", "file:///etc/a.png", "a.png"]
)
def test_only_known_hosts_by_https(tmp_path: Path, address: str) -> None:
    with pytest.raises(PictureError, match=r"not an https address of raw.githubusercontent.com"):
        find_picture(tmp_path, "casa", address, fetch=True)


@pytest.mark.parametrize(
    ("query", "domain"),
    [
        ("Where can I buy this as a gift?", "shopping"),
        ("Which dish do I cook for dinner?", "meal-planning"),
        ("What do I wear for the hike in the park?", "outdoor"),
        ("What is this?", None),
        ("Do I buy a dinner?", None),
    ],
)
def test_domain_by_rule(query: str, domain: str | None) -> None:
    assert infer_domain(query) == domain


def test_the_command(release: Any, clean_rows: Rows, tmp_path: Path, run: Any) -> None:
    root = release(clean_rows)
    (root / "images" / "safeworld" / "amazon-hat-mexico_1.jpg").unlink()
    done = run("build", "--source", "upstream", "--path", root, "--out", tmp_path / "out", "--output", "json")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert [each["name"] for each in told["datasets"]] == ["cross"]
    assert told["datasets"][0]["rejects"] == {"picture_unavailable": 4}
    rejects = [json.loads(line) for line in (tmp_path / "out" / "cross" / "rejects.jsonl").read_text().splitlines()]
    assert {each["id"] for each in rejects} == {f"original-safeworld-mx-1-p{p}-en" for p in (1, 2, 3)} | {
        "original-safeworld-mx-1-p1-multi"
    }
    assert run("check", tmp_path / "out" / "cross").returncode == 0


def test_excluded_rows(release: Any, clean_rows: Rows, tmp_path: Path, run: Any) -> None:
    listed = tmp_path / "list.jsonl"
    listed.write_text(
        '{"id": "original-casa-jp-1", "reason": "reviewed"}\n{"id": "original-casa-sa-1-p2-en", "reason": "r"}\n'
    )
    done = run(
        "build", "--source", "upstream", "--path", release(clean_rows), "--exclude", listed, "--out", tmp_path / "o"
    )
    assert done.returncode == 3
    rejects = [json.loads(line) for line in (tmp_path / "o" / "cross" / "rejects.jsonl").read_text().splitlines()]
    assert sorted(each["id"] for each in rejects) == [
        *(f"original-casa-jp-1-p{i}-{end}" for i, end in ((1, "en"), (1, "multi"), (2, "en"), (3, "en"))),
        "original-casa-sa-1-p2-en",
    ]
    assert {each["reason"] for each in rejects} == {"excluded"}


def test_the_shipped_exclusions(release: Any, make_casa: Any) -> None:
    shipped = read_exclusions("default")
    assert len(shipped) == 11
    rows = [make_casa("Russia_2", "knife"), make_casa("Russia_3", "mirror")]
    found = read_upstream(release({"casa/english": rows}), exclude=shipped)
    assert [(each.id, each.reason) for each in found.rejects] == [("original-casa-ru-2-p1-en", "excluded")]
    assert [row.source_index for row in found.cross] == ["Russia_3"]


@pytest.mark.parametrize("line", ["x", "[]", '{"id": "a"}'])
def test_a_broken_exclusion_list(tmp_path: Path, line: str) -> None:
    (tmp_path / "l.jsonl").write_text(line)
    with pytest.raises(UserError, match=r"l\.jsonl:1"):
        read_exclusions(str(tmp_path / "l.jsonl"))


def test_no_picture_at_all_is_told(release: Any, clean_rows: Rows, tmp_path: Path, run: Any) -> None:
    root = release(clean_rows, pictures=False)
    done = run("build", "--source", "upstream", "--path", root, "--out", tmp_path / "out", "--only", "cross")
    assert done.returncode == 1
    assert "no row is left for cross (16 picture_unavailable; first: images/casa/" in done.stderr
    assert "--fetch was not given" in done.stderr
    assert not (tmp_path / "out" / "cross").exists()


def test_both_sources_in_one_build(release: Any, clean_rows: Rows, tmp_path: Path, run: Any) -> None:
    done = run(
        "build", "--source", "starter", "--source", "upstream", "--path", release(clean_rows), "--out", tmp_path / "o"
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "o" / "cross" / "manifest.json").read_text())
    assert set(manifest["configs"]) == {"open", "open-multilingual", "original", "original-multilingual"}
    assert manifest["default_config"] == "open"
    assert run("check", tmp_path / "o" / "cross").returncode == 0


REAL = os.environ.get("CROSS_SAFETY_UPSTREAM")


@pytest.mark.skipif(REAL is None, reason="CROSS_SAFETY_UPSTREAM names no folder with the authors' files")
def test_the_authors_own_rows(tmp_path: Path) -> None:
    root = tmp_path / "authors"
    shutil.copytree(Path(str(REAL)) / "data", root / "data")
    for path in (root / "data").glob("*/*.json"):
        for row in json.loads(path.read_text("utf-8")):
            picture = root / "images" / path.parent.name / row["file_name"].rsplit("/", 1)[-1]
            picture.parent.mkdir(parents=True, exist_ok=True)
            Image.linear_gradient("L").rotate(sum(map(ord, picture.name))).save(picture, format="PNG")
    found = read_upstream(root)
    assert found.rejects == []
    flags = {row.id: row.flags for row in found.cross}
    assert "duplicate_row" in flags["original-casa-jp-7-p1-en"]
    assert "item_doubtful" in flags["original-casa-jp-19-p1-en"]
