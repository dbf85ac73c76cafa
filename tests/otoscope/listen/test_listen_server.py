"""The server of the listening test: people at once, hostile visitors, and nothing given away."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

ENDPOINTS = ("/api/register", "/api/open", "/api/answer")
SERVED = ("/", "/page.css", "/page.js", "/icon.svg", "/api/check")


def test_a_listener_answers_all_questions(visitor) -> None:
    session = visitor.begin("ann")
    assert len(session["ahead"]) == session["total"] == 4 and session["answered"] == 0
    for place in range(4):
        expected = (200, {"answered": place + 1, "total": 4})
        assert visitor.say("ann", session, place, answer="ab"[place % 2]) == expected
    lines = [line.split(",") for line in visitor.lines("ann")]
    assert [(line[0], line[1]) for line in lines] == [
        (asked["question"], "ab"[i % 2]) for i, asked in enumerate(session["ahead"])
    ]
    assert {tuple(line[2:5]) for line in lines} == {("700", "3000", "1")}
    assert visitor.post("/api/open", listener="ann")[1]["ahead"] == []


def test_sounds_are_the_files_of_the_test(visitor) -> None:
    names = [name for asked in visitor.begin("ann")["ahead"] for name in asked["sounds"]]
    names.append(json.loads(visitor.ask("GET", "/api/check")[2])["sound"])
    for name in names:
        status, headers, body = visitor.ask("GET", f"/audio/{name}")
        assert (status, headers["Content-Type"]) == (200, "audio/flac")
        assert body == visitor.test.sound(name).read_bytes()


def test_nothing_served_tells_a_layer_a_speaker_or_an_answer(visitor) -> None:
    session = visitor.begin("ann")
    answered = visitor.say("ann", session)[1]
    # the tab is a random key, which may spell anything
    said = [json.dumps(some | {"tab": ""}) for some in (session, answered)]
    for path in SERVED:
        status, headers, body = visitor.ask("GET", path)
        assert status == 200 and not {"Last-Modified", "ETag"} & set(headers)
        said.append(body.decode())
    secrets = {"cnn1", "blstm1", "robust", "s0-", "s1-", "female", "sentence", "triplets.csv"}
    assert not [word for word in secrets for text in said if word in text]
    assert all(set(asked) == {"question", "sounds"} for asked in session["ahead"])
    headers = visitor.ask("GET", f"/audio/{session['ahead'][0]['sounds'][0]}")[1]
    assert not {"Last-Modified", "ETag"} & set(headers)


def test_every_response_forbids_the_page_everything_else(visitor) -> None:
    for method, path in (("GET", "/"), ("GET", "/none"), ("PUT", "/"), ("POST", "/api/open")):
        _, headers, _ = visitor.ask(method, path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store" and headers["Server"] == "otoscope"
        assert "Access-Control-Allow-Origin" not in headers
    page = visitor.ask("GET", "/")[2].decode()
    assert "//" not in page.replace("<!doctype", "") and "<script>" not in page
    assert " style=" not in page and " on" not in page.split("<main>")[0].split("<head>")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "127.0.0.1:x"},
        {"Host": ""},
        {"Host": None},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://127.0.0.1"},
    ],
)
def test_foreign_pages_are_kept_out(visitor, headers: dict[str, str | None]) -> None:
    for method, path in (("GET", "/"), ("GET", "/api/check"), ("POST", "/api/register")):
        status, _, body = visitor.ask(method, path, b'{"listener": "eve"}', **headers)
        assert status in (400, 403)
        assert status == 400 or json.loads(body)["error"] == "foreign"
    assert not list((visitor.test.folder / "answers").iterdir())


def test_the_own_page_is_let_in_under_both_names(visitor) -> None:
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{visitor.port}"
        body = json.dumps({"listener": name.replace(".", "-")}).encode()
        given = {"Host": host, "Origin": f"http://{host}"}
        assert visitor.ask("POST", "/api/register", body, **given)[0] == 201


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"{",
        b"null",
        b"[1, 2]",
        b'"ann"',
        b"[" * 4000,
        b'{"a":' * 800,
        b"\xff\xfe\x00",
        b"9" * 4000,
        b"{}",
        b'{"listener": 5}',
        b'{"listener": ["ann"]}',
        b'{"listener": null}',
        b'{"listener": "\\ud800"}',
        b'{"listener": "../../ann", "tab": "", "plays": [1, 1, 1]}',
    ],
)
def test_a_body_that_is_no_request_is_refused(visitor, endpoint: str, body: bytes) -> None:
    status, _, answer = visitor.ask("POST", endpoint, body)
    assert status in (400, 404) and set(json.loads(answer)) == {"error", "message"}
    assert not list((visitor.test.folder / "answers").iterdir())


def test_a_form_of_another_site_is_refused(visitor) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "nonsense", None):
        status, _, _ = visitor.ask("POST", "/api/open", b"{}", Content_Type=kind)
        assert status == 415


@pytest.mark.parametrize("length", [None, 10**12])
def test_too_large_a_body_is_refused_before_it_is_read(visitor, length: int | None) -> None:
    body = json.dumps({"listener": "a" * 5000}).encode()
    given = {"Content_Length": str(length)} if length else {}
    for endpoint in ENDPOINTS:
        status, _, answer = visitor.ask("POST", endpoint, body, **given)
        assert (status, json.loads(answer)["error"]) == (413, "large")


def test_a_body_in_endless_chunks_is_refused(visitor) -> None:
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=20) as line:
        head = f"POST /api/open HTTP/1.1\r\nHost: 127.0.0.1:{visitor.port}\r\n"
        head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        line.sendall(head.encode() + (b"400\r\n" + b"[" * 1024 + b"\r\n") * 5)
        assert b" 413 " in line.recv(100)


@pytest.mark.parametrize(
    "path",
    [
        "/triplets.csv",
        "/listen.json",
        "/answers/ann.csv",
        "/audio/",
        "/audio/../triplets.csv",
        "/audio/..%2ftriplets.csv",
        "/audio/%2e%2e/listen.json",
        "/audio/..%5clisten.json",
        "/../triplets.csv",
        "/..%2f..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/audio//etc/passwd",
        "/audio/%00",
        "/page.html",
        "/page.js/..",
        "/static/../listen.json",
        "http://evil.example/",
        "/audio/" + "a" * 7000,
    ],
)
def test_no_path_leads_out(visitor, path: str) -> None:
    visitor.begin("ann")
    status, _, body = visitor.ask("GET", path)
    assert status in (400, 403, 404)
    assert not [word for word in (b"cnn1", b"triplet,", b"root:", b"sha256") if word in body]


@pytest.mark.parametrize("name", ["..", "../eve", "a/b", "a.csv", "Ann", "", "ä", "a\n", "a" * 33])
def test_a_listener_cannot_choose_a_path(visitor, name: str) -> None:
    before = sorted(visitor.test.folder.rglob("*"))
    status, answer = visitor.post("/api/register", listener=name)
    assert (status, answer["error"]) == (400, "name")
    assert visitor.post("/api/open", listener=name)[0] == 404
    assert sorted(visitor.test.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"answer": "c"}, 400, "request"),
        ({"answer": 1}, 400, "request"),
        ({"answer": None}, 400, "request"),
        ({"plays": [1, 1, 0]}, 400, "request"),
        ({"plays": [1, 1]}, 400, "request"),
        ({"plays": [1, True, 1]}, 400, "request"),
        ({"plays": "111"}, 400, "request"),
        ({"response_ms": -1}, 400, "request"),
        ({"response_ms": 1.5}, 400, "request"),
        ({"response_ms": True}, 400, "request"),
        ({"total_ms": 10**30}, 400, "request"),
        ({"total_ms": "5"}, 400, "request"),
        ({"question": "nothing"}, 400, "question"),
        ({"question": 3}, 400, "request"),
        ({"listener": "bob"}, 404, "unknown"),
        ({"tab": "guess"}, 409, "elsewhere"),
        ({"tab": ""}, 409, "elsewhere"),
        ({"tab": "\ud800"}, 409, "elsewhere"),
    ],
)
def test_an_answer_that_is_none_is_not_kept(visitor, wrong, status: int, code: str) -> None:
    session = visitor.begin("ann")
    said, facts = visitor.say("ann", session, **wrong)
    assert (said, facts["error"]) == (status, code)
    assert visitor.lines("ann") == []
    assert visitor.say("ann", session)[0] == 200, "the right one is still welcome"


def test_answers_out_of_order_and_twice(visitor) -> None:
    session = visitor.begin("ann")
    status, facts = visitor.say("ann", session, 2)
    assert (status, facts["error"]) == (409, "order")
    assert visitor.say("ann", session, answer="b")[0] == 200
    assert visitor.say("ann", session, answer="b") == (200, {"answered": 1, "total": 4})
    status, facts = visitor.say("ann", session, answer="a")
    assert (status, facts["error"]) == (409, "answered")
    assert [line.split(",")[1] for line in visitor.lines("ann")] == ["b"]


def test_a_second_tab_shuts_the_first_one_out(visitor) -> None:
    first = visitor.begin("ann")
    _, second = visitor.post("/api/open", listener="ann")
    assert visitor.say("ann", first)[1]["error"] == "elsewhere"
    assert visitor.say("ann", second)[0] == 200
    status, facts = visitor.post("/api/register", listener="ann")
    assert (status, facts["error"], facts["answered"]) == (409, "taken", 1)


def test_after_a_restart_nobody_has_lost_anything(serving, test) -> None:
    with serving(test) as visitor:
        session = visitor.begin("ann")
        visitor.say("ann", session)
    with serving(test) as visitor:
        assert visitor.say("ann", session, 1)[1]["error"] == "elsewhere"
        _, again = visitor.post("/api/open", listener="ann")
        assert again["answered"] == 1 and again["ahead"] == session["ahead"][1:]
        assert visitor.say("ann", again)[1]["answered"] == 2


def test_an_answer_that_the_disk_refuses_is_told_and_can_be_sent_again(visitor) -> None:
    session = visitor.begin("ann")
    path = visitor.test.folder / "answers" / "ann.csv"
    aside = path.rename(path.with_name("aside"))
    status, facts = visitor.say("ann", session)
    assert (status, facts["error"]) == (507, "unsaved") and "could not be saved" in facts["message"]
    aside.rename(path)
    assert visitor.say("ann", session)[0] == 200 and len(visitor.lines("ann")) == 1


def test_listeners_at_once_keep_their_answers_apart(visitor) -> None:
    names = ["ann", "bob", "eve", "kim"]
    sessions = {name: visitor.begin(name) for name in names}

    def take(name: str) -> None:
        for place in range(4):
            assert visitor.say(name, sessions[name], place, answer="ab"[place % 2])[0] == 200

    with ThreadPoolExecutor(8) as pool:  # everybody on two pages with one key
        list(pool.map(take, names * 2))
    for name in names:
        asked = [asked["question"] for asked in sessions[name]["ahead"]]
        told = [tuple(line.split(",")[:2]) for line in visitor.lines(name)]
        assert told == list(zip(asked, "abab", strict=True))
    orders = {tuple(a["question"] for a in session["ahead"]) for session in sessions.values()}
    assert len(orders) > 1
