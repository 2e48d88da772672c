import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from finstrat_plugins.scorers.openai_server import OpenAIServer
from pydantic import ValidationError
from typer.testing import CliRunner

import finstrat
from finstrat.cli import app
from finstrat.errors import ConfigError
from finstrat.text import ScoreCache, score_documents

KEY = "sk-secret-1234567890"
GOOD, BAD, PLAIN = "Profit rose.", "Profit fell.", "The meeting is on Tuesday."


class Handler(BaseHTTPRequestHandler):
    """A server that knows two words, and fails on "trouble" for as long as it is told to."""

    trouble = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][-1]["content"]
        label = "positive" if "rose" in text else "negative" if "fell" in text else "neutral"
        status = 400 if "trouble" in text and Handler.trouble else 200
        message = {"role": "assistant", "content": json.dumps({"label": label})}
        answer = {
            "model": "two-words",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 8},
        }
        data = json.dumps(answer if status == 200 else {"error": "no"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def make(address):
    made = []

    def new(**options):
        made.append(OpenAIServer({"server": address, "model": "two-words", **options}))
        return made[-1]

    yield new
    for scorer in made:
        scorer.close()


def test_labels_become_tones(make):
    scorer = make()
    assert scorer.score([GOOD, BAD, PLAIN]).tolist() == [[1.0], [-1.0], [0.0]]
    assert scorer.score([]).shape == (0, 1)


def test_usage_is_counted_and_leaves_the_card_alone(make):
    scorer = make(price_in=5, price_out=20)
    card = scorer.card
    assert scorer.usage == {}
    scorer.score([GOOD, BAD])
    assert scorer.usage["cost"] == pytest.approx(2 * (200 * 5 + 8 * 20) / 1e6)
    assert (scorer.usage["answered"], scorer.usage["tokens_in"]) == (2, 400)
    assert scorer.card == card
    assert "two-words at http://127.0.0.1" in card.summary


def test_document_without_an_answer_is_asked_about_again_and_the_others_are_not(make, tmp_path):
    texts = [GOOD, "trouble ahead", BAD]
    with ScoreCache(tmp_path / "scores.sqlite") as cache:
        Handler.trouble = True
        first = score_documents(make(), texts, cache=cache)
        assert first.values[:, 0].isnan().tolist() == [False, True, False]
        Handler.trouble = False
        again = make()
        second = score_documents(again, texts, cache=cache)
    assert (second.cached, second.scored) == (2, 1)
    assert second.values[:, 0].tolist() == [1, 0, -1]
    assert again.usage["requests"] == 1


def test_run_records_what_its_scores_cost_in_its_provenance(
    world, make, monkeypatch, tmp_path, address
):
    monkeypatch.chdir(tmp_path)
    world["scorers"] = {
        "llm": {"use": "openai-server", "server": address, "model": "two-words", "price_in": 10}
    }
    world["signals"]["news"]["scorer"] = "llm"
    first, second = finstrat.run(world), finstrat.run(world)
    usage = first.provenance["scorer_usage"]["llm"]
    assert usage["answered"] == first.provenance["texts_scored"] > 0
    assert usage["cost"] == pytest.approx(usage["answered"] * 200 * 10 / 1e6)
    assert second.provenance["scorer_usage"] == {}
    assert first.sessions.equals(second.sessions)


def test_unanswered_document_is_unknown(make):
    Handler.trouble = True
    scores = make().score([GOOD, "trouble ahead"])
    assert scores[0, 0] == 1
    assert scores[1, 0].isnan()


def test_fingerprint_covers_what_changes_answers_and_nothing_else(make, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)
    plain = make().fingerprint
    assert make(model="other").fingerprint != plain
    assert make(parameters={"temperature": 1}).fingerprint != plain
    assert make(server="http://127.0.0.1:1/v1").fingerprint != plain
    same = make(concurrency=1, retries=0, price_in=3, key_env="A_KEY", max_cost=1)
    assert same.fingerprint == plain


def test_key_comes_from_the_environment_and_stays_out_of_every_record(make, monkeypatch, tmp_path):
    record = tmp_path / "record.jsonl"
    scorer = make(key_env="A_KEY", record=record)
    with pytest.raises(ConfigError, match="the environment has no A_KEY"):
        scorer.score([GOOD])
    monkeypatch.setenv("A_KEY", KEY)
    scorer.score([GOOD])
    told = record.read_text() + scorer.card.model_dump_json() + scorer.config.model_dump_json()
    assert KEY not in told


def test_scoring_a_file_says_what_it_cost_and_how_many_got_no_answer(address, project):
    Handler.trouble = True
    rows = [GOOD, "trouble ahead", BAD]
    (project / "texts.csv").write_text("\n".join(["text", *rows]))
    call = ["score", "texts.csv", "--scorer", "openai-server", "--out", "scores.parquet"]
    for option in (f"server={address}", "model=two-words", "price_in=10", "retries=0"):
        call += ["--set", option]
    ended = CliRunner().invoke(app, call)
    assert ended.exit_code == 0, ended.output
    assert (
        "answered 2, failed 1, requests 3, tokens in 400, tokens out 16, cost 0.004" in ended.output
    )
    again = CliRunner().invoke(app, [*call, "--json"])
    told = json.loads(again.stdout)
    assert (told["cached"], told["usage"]["requests"]) == (2, 1)


@pytest.mark.parametrize(
    "server",
    [
        *("127.0.0.1:8000", "ftp://host/v1", "http://host:99999/v1"),
        *("http://user:key@host/v1", "https://h/v1?key=1"),
    ],
)
def test_address_with_a_key_or_without_a_scheme_is_refused(make, server):
    with pytest.raises(ValidationError, match=r"expected|Port out of range"):
        make(server=server)


def test_cutoff_is_the_later_of_model_and_examples(make):
    assert make().card.training_cutoff is None
    card = make(training_cutoff="2024-06-30").card
    assert card.training_cutoff.isoformat() == "2026-11-25"
    assert "2024-06-30, declared" in card.cutoff_reason


def test_prompt_with_other_labels_is_refused(make, tmp_path):
    from finstrat_plugins.scorers.prompts import SIX_SHOT

    text = SIX_SHOT.read_text(encoding="utf-8").replace('"neutral"', '"mixed"')
    (tmp_path / "prompt.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="expected the labels negative, neutral, positive"):
        make(prompt=tmp_path / "prompt.toml")
