"""The client against real HTTP servers on loopback that misbehave in every way we know of."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from finstrat_plugins.scorers.prompts import SIX_SHOT

from finstrat.errors import ConfigError, DataError
from finstrat.text.prompt import read_prompt
from finstrat.text.server import LabelClient, Terms

PROMPT = read_prompt(SIX_SHOT)
KEY = "sk-secret-1234567890"


def reply(label, *, content=None, tokens=(100, 5)):
    """What a server answers, as OpenAI documents it."""
    content = json.dumps({"label": label}) if content is None else content
    message = {"role": "assistant", "content": content}
    return {
        "model": "tiny-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }


def right(text):
    label = "positive" if "rise" in text else "negative" if "fall" in text else "neutral"
    return 200, reply(label)


class Server:
    """Answers by `behave(text)`, which gives a status, a body and perhaps headers."""

    def __init__(self, behave):
        self.requests, self.headers, self.busiest, self.now = [], [], 0, 0
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    outer.now += 1
                    outer.busiest = max(outer.busiest, outer.now)
                text = body["messages"][-1]["content"]
                told = behave(text[len("News: ") : -len("\nSentiment:")])
                with lock:
                    outer.now -= 1
                if told is None:
                    self.connection.close()  # hangs up without a word
                    return
                status, answer, *headers = told
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers[0].items() if headers else ():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass

            def handle_one_request(self):
                # A client that stops waiting, or a hang-up of ours, is part of the test.
                try:
                    super().handle_one_request()
                except (ConnectionError, ValueError):
                    self.close_connection = True

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@pytest.fixture
def serve():
    running = []

    def start(behave):
        server = Server(behave)
        running.append(server)
        threading.Thread(target=server.http.serve_forever, daemon=True).start()
        return server

    yield start
    for server in running:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def waits(monkeypatch):
    """The pauses between attempts, not slept through."""
    seen = []
    monkeypatch.setattr("finstrat.text.server._pause", seen.append)
    return seen


@contextmanager
def client(address, *, key=None, record=None, parameters=None, **terms):
    made = LabelClient(
        address,
        "tiny",
        PROMPT,
        terms=Terms(**terms),
        key=key,
        record=record,
        parameters=parameters,
    )
    yield made
    made.close()


def test_labels_come_in_the_order_of_the_texts_with_bounded_concurrency(serve):
    def slowly(text):
        time.sleep(0.02 if "rise" in text else 0.005)
        return right(text)

    server = serve(slowly)
    texts = [f"{word} {n}" for n in range(8) for word in ("rise", "fall", "stay")]
    with client(server.address, concurrency=3) as asked:
        labels = asked.labels(texts)
    assert labels == ["positive", "negative", "neutral"] * 8
    assert 1 < server.busiest <= 3
    assert asked.usage.requests == len(texts)


def test_request_carries_the_examples_and_binds_the_answer_to_a_schema(serve):
    server = serve(right)
    with client(server.address, parameters={"temperature": 0}) as asked:
        asked.labels(["rise"])
    [body] = server.requests
    assert (body["model"], body["temperature"]) == ("tiny", 0)
    assert len(body["messages"]) == 2 + 2 * len(PROMPT.examples)
    assert json.loads(body["messages"][2]["content"]) == {"label": PROMPT.examples[0].label}
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["properties"]["label"]["enum"] == list(PROMPT.labels)
    assert schema["schema"]["additionalProperties"] is False


def test_busy_server_is_asked_again_after_the_time_it_names(serve, waits):
    answers = iter([(429, "slow down", {"Retry-After": "7"}), (503, "busy"), right("rise")])
    server = serve(lambda text: next(answers))
    with client(server.address) as asked:
        assert asked.labels(["rise"]) == ["positive"]
    assert waits[0] == 7
    assert 0.5 <= waits[1] <= 1.5  # the second back-off: 1 s, spread by half
    assert (asked.usage.requests, asked.usage.failed) == (3, 0)


def test_back_off_doubles_and_ends(serve, waits):
    server = serve(lambda text: (500, "oops"))
    with client(server.address, retries=9) as asked:
        assert asked.labels(["rise"]) == [None]
    spread = waits[0] / 0.5
    assert waits == pytest.approx([min(0.5 * 2**n * spread, 60) for n in range(9)])
    assert len(server.requests) == 10


def test_document_that_fails_is_unknown_and_the_others_are_answered(serve, waits, tmp_path):
    server = serve(lambda text: (500, "oops") if "bad" in text else right(text))
    record = tmp_path / "record.jsonl"
    with client(server.address, retries=2, record=record) as asked:
        assert asked.labels(["rise", "bad", "fall"]) == ["positive", None, "negative"]
    assert (asked.usage.answered, asked.usage.failed, asked.usage.requests) == (2, 1, 5)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    [failed] = [line for line in lines if line["label"] is None]
    assert (failed["attempts"], failed["failure"]) == (3, "status 500: oops")


@pytest.mark.parametrize(
    "content",
    [
        "positive",
        '{"label": "bullish"}',
        '{"label": "positive", "why": "because"}',
        '["positive"]',
        '{"label": ["positive"]}',
        "",
        '{"label": "positive"',
    ],
)
def test_answer_outside_the_schema_is_no_answer_but_is_paid(serve, content):
    server = serve(lambda text: (200, reply(None, content=content)))
    with client(server.address, price_in=1000, price_out=10_000) as asked:
        assert asked.labels(["rise"]) == [None]
    assert asked.usage.cost == pytest.approx(0.1 + 0.05)
    assert asked.usage.requests == 1


@pytest.mark.parametrize(
    "told", [(200, "<html>"), (200, "[]"), (200, {"choices": []}), (200, {"error": "x"}), None]
)
def test_reply_that_is_none_is_a_failed_document(serve, waits, told):
    server = serve(lambda text: told)
    with client(server.address, retries=1) as asked:
        assert asked.labels(["rise"]) == [None]
    assert asked.usage.failed == 1


def test_silent_server_is_a_failed_document(serve, waits, tmp_path):
    done = threading.Event()
    server = serve(lambda text: done.wait(5) and None)
    record = tmp_path / "record.jsonl"
    with client(server.address, retries=1, timeout_s=0.2, record=record) as asked:
        assert asked.labels(["rise"]) == [None]
    done.set()
    assert "ReadTimeout" in json.loads(record.read_text())["failure"]
    assert asked.usage.requests == 2


def test_unreachable_server_stops_with_a_clear_word(waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with client(address, retries=2) as asked:
        with pytest.raises(DataError, match="can't be reached .* is the server running"):
            asked.labels(["rise"])
    assert len(waits) == 2


def test_answers_in_hand_are_returned_before_a_dead_server_stops_the_run(serve, waits):
    server = serve(right)
    with client(server.address, concurrency=1, retries=0) as asked:
        original = asked._post

        def dying(body):
            if "fall" in body["messages"][-1]["content"]:
                server.http.shutdown()
                server.http.server_close()
                asked._http.close()
                asked._http = type(asked._http)(timeout=1)
            return original(body)

        asked._post = dying
        assert asked.labels(["rise", "fall", "stay"]) == ["positive", None, None]
        with pytest.raises(DataError, match="can't be reached"):
            asked.labels(["rise"])
    assert (asked.usage.answered, asked.usage.failed) == (1, 1)  # "stay" was never asked


def test_twenty_failures_in_a_row_stop_the_run(serve):
    server = serve(lambda text: (400, "unknown field response_format"))
    with client(server.address) as asked:
        with pytest.raises(DataError, match="20 documents in a row .* unknown field"):
            asked.labels([f"rise {n}" for n in range(100)])
    assert 20 <= len(server.requests) < 30


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusal_stops_at_once_and_never_shows_the_key(serve, tmp_path, status):
    server = serve(lambda text: (status, f"Incorrect API key provided: {KEY}"))
    record = tmp_path / "record.jsonl"
    with client(server.address, key=KEY, record=record, concurrency=1) as asked:
        with pytest.raises(ConfigError, match=f"status {status}: .*provided: \\*\\*\\*") as caught:
            asked.labels(["rise", "fall"])
    assert len(server.requests) == 1
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value) + record.read_text()


def test_record_holds_costs_and_hashes_but_no_text(serve, tmp_path):
    server = serve(right)
    record = tmp_path / "record.jsonl"
    with client(server.address, key=KEY, record=record, price_in=2, price_out=8) as asked:
        asked.labels(["rise", "fall"])
    text = record.read_text()
    assert "rise" not in text
    assert KEY not in text
    first, second = (json.loads(line) for line in text.splitlines())
    assert first["cost"] == pytest.approx((100 * 2 + 5 * 8) / 1e6)
    assert (first["tokens_in"], first["tokens_out"], first["answered_by"]) == (100, 5, "tiny-2026")
    assert first["model"] == "tiny"
    assert first["server"].startswith(server.address)
    assert asked.usage.cost == pytest.approx(first["cost"] + second["cost"])
    assert (asked.usage.tokens_in, asked.usage.tokens_out) == (200, 10)


def test_no_request_begins_once_the_budget_is_spent(serve):
    server = serve(right)
    with client(server.address, concurrency=1, price_in=10_000, max_cost=2.5) as asked:
        labels = asked.labels(["rise"] * 6)  # 1.00 each
        assert labels == ["positive"] * 3 + [None] * 3
        with pytest.raises(DataError, match="spent of max_cost 2.5, for 3 answers"):
            asked.labels(["rise"])
    assert len(server.requests) == 3


def test_redirect_is_not_followed_with_the_key(serve):
    elsewhere = serve(right)
    target = {"Location": elsewhere.address + "/chat/completions"}
    server = serve(lambda text: (307, "", target))
    with client(server.address, key=KEY) as asked:
        assert asked.labels(["rise"]) == [None]
    assert elsewhere.requests == []


def test_record_that_cannot_be_written_stops_before_anything_is_paid(serve, tmp_path):
    server = serve(right)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="record: .* can't be written"):
        LabelClient(
            server.address, "m", PROMPT, terms=Terms(), record=tmp_path / "file" / "costs.jsonl"
        )
    assert server.requests == []


def test_key_does_not_travel_in_the_clear():
    with pytest.raises(ConfigError, match="only sent by https"):
        LabelClient("http://example.com/v1", "m", PROMPT, terms=Terms(), key=KEY)
