"""Labels from an OpenAI-compatible server: many requests at once, retries, and what it all cost.

It asks for one label a text in a JSON schema, counts tokens and money a document, and never writes
down a key or a text. It knows nothing of caching, cleaning or what the labels mean.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from finstrat.errors import ConfigError, DataError, FinstratError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from finstrat.text.prompt import Prompt

SERVER_VERSION = "1"
"""Raise it when the same text would be asked about in another way; part of the fingerprint."""

_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403, 404})
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_GIVE_UP_AFTER = 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MILLION = 1_000_000


@dataclass(frozen=True)
class Terms:
    """How a server is used, and what it charges.

    Attributes:
        concurrency: requests under way at once, at most.
        retries: further attempts where the server is busy, silent or unreachable.
        timeout_s: seconds to wait for an answer.
        price_in, price_out: per million tokens read and written, as declared; discounts for cached
            tokens aren't known here, so costs are upper bounds.
        max_cost: no request is begun once this much is spent.
    """

    concurrency: int = 4
    retries: int = 4
    timeout_s: float = 60.0
    price_in: float = 0.0
    price_out: float = 0.0
    max_cost: float = math.inf


@dataclass(frozen=True)
class Answer:
    """What one document brought and cost.

    Attributes:
        text: SHA-256 of the text, as the score cache knows it.
        label: one of the prompt's labels, or None; then `failure` says why.
        answered_by: the model, as the server names it.
        tokens_in, tokens_out: as the server counts them; 0 where it doesn't.
        cost: by the declared prices, answered or not.
        attempts: requests made.
        seconds: from the first request to the last answer, waiting included.
    """

    text: str
    label: str | None
    answered_by: str
    tokens_in: int
    tokens_out: int
    cost: float
    attempts: int
    seconds: float
    failure: str | None


@dataclass
class Usage:
    """The sum over all documents asked about since the client was made."""

    answered: int = 0
    failed: int = 0
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    def add(self, answer: Answer) -> None:
        """Count one more document."""
        self.answered += answer.label is not None
        self.failed += answer.label is None
        self.requests += answer.attempts
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out
        self.cost += answer.cost


class _NoReplyError(Exception):
    """One attempt brought no reply that could be read."""

    def __init__(self, reason: str, *, again: bool, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.again = again
        self.wait_s = wait_s


class _UnreachableError(_NoReplyError):
    """Nobody listens there."""


class _RefusedError(_NoReplyError):
    """The server answers, but not to this key, or not for this model or address."""


class LabelClient:
    """Asks one model on one server for labels.

    A document that fails is counted and has no label. The whole stops where going on would only
    cost: the server can't be reached, it refuses the key or the model, twenty documents in a row
    failed, or `max_cost` is spent. Answers of the same call that are already in hand are returned
    first, and the next call stops.

    Attributes:
        usage: what was asked, answered and paid so far.
    """

    def __init__(
        self,
        server: str,
        model: str,
        prompt: Prompt,
        *,
        terms: Terms,
        key: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        record: Path | None = None,
    ) -> None:
        """Make a client; nothing is sent yet. `record` is a file that gets a JSON line a document.

        Raises:
            ConfigError: the key would travel unencrypted to another machine, or the record can't
                be written.
        """
        self.usage = Usage()
        self._url = server.rstrip("/") + "/chat/completions"
        self._model = model
        self._prompt = prompt
        self._terms = terms
        self._key = key
        self._parameters = dict(parameters or {})
        self._record = record
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._stop: FinstratError | None = None
        url = httpx2.URL(self._url)
        if key and url.scheme != "https" and url.host not in _LOOPBACK:
            raise ConfigError(f"{server}: a key is only sent by https, or to this machine")
        if record is not None:
            try:
                record.parent.mkdir(parents=True, exist_ok=True)
                record.touch()
            except OSError as error:
                raise ConfigError(f"record: {record} can't be written: {error}") from error
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # Redirects aren't followed: they would carry the key to another host.
        self._http = httpx2.Client(headers=headers, timeout=terms.timeout_s)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._http.close()

    def labels(self, texts: Sequence[str]) -> list[str | None]:
        """The label of each text, in their order; None where there was no valid answer.

        Raises:
            ConfigError: the server refuses the key, the model or the address.
            DataError: it can't be reached, nothing is answered any more, or the budget is spent.
        """
        self._raise_if_stopped()
        pool = ThreadPoolExecutor(self._terms.concurrency)
        try:
            found = list(pool.map(self._label, texts))
        finally:
            # Interrupted, it doesn't send what is still waiting.
            pool.shutdown(cancel_futures=True)
        if not any(found):
            self._raise_if_stopped()
        return found

    def request_body(self, text: str) -> dict[str, Any]:
        """What is sent about one text."""
        schema = {
            "type": "object",
            "properties": {"label": {"type": "string", "enum": list(self._prompt.labels)}},
            "required": ["label"],
            "additionalProperties": False,
        }
        return {
            "model": self._model,
            "messages": chat_messages(self._prompt, text),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "label", "strict": True, "schema": schema},
            },
            **self._parameters,
        }

    def _label(self, text: str) -> str | None:
        """One document's label, counted and recorded; None also once the whole has stopped."""
        with self._lock:
            if self.usage.cost >= self._terms.max_cost:
                self._stop_with(
                    DataError(
                        f"{self._url}: {self.usage.cost:.4f} spent of max_cost "
                        f"{self._terms.max_cost:g}, for {self.usage.answered} answers; what is "
                        "answered is kept, raise max_cost to go on"
                    )
                )
            if self._stop is not None:
                return None
        answer, stop = self._ask(text)
        with self._lock:
            self.usage.add(answer)
            self._write(answer)
            self._failed_in_a_row = 0 if answer.label else self._failed_in_a_row + 1
            if stop is not None:
                self._stop_with(stop)
            elif self._failed_in_a_row >= _GIVE_UP_AFTER:
                self._stop_with(
                    DataError(
                        f"{self._url}: {_GIVE_UP_AFTER} documents in a row got no valid answer; "
                        f"the last: {answer.failure}"
                    )
                )
        return answer.label

    def _stop_with(self, error: FinstratError) -> None:
        """Send nothing more, for the first reason that there was."""
        self._stop = self._stop or error

    def _raise_if_stopped(self) -> None:
        if self._stop is not None:
            raise self._stop

    def _ask(self, text: str) -> tuple[Answer, FinstratError | None]:
        """The answer about one text, after retries, and why to stop altogether, if so."""
        started = time.monotonic()
        digest = hashlib.sha256(text.encode()).hexdigest()
        reply: dict[str, Any] = {}
        label = stop = None
        attempt, failure = 0, "never asked"
        while attempt <= self._terms.retries:
            attempt += 1
            try:
                reply = self._post(self.request_body(text))
            except _NoReplyError as missing:
                failure, stop = self._without_key(str(missing)), self._reason_to_stop(missing)
                if not missing.again:
                    break
                if attempt <= self._terms.retries:
                    _pause(missing.wait_s or _backoff_s(digest, attempt))
            else:
                # An answer that doesn't fit isn't asked for again: at temperature 0 it comes back.
                label, failure, stop = *read_label(reply, self._prompt.labels), None
                break
        tokens_in, tokens_out = (
            _count(reply.get("usage"), key) for key in ("prompt_tokens", "completion_tokens")
        )
        cost = (tokens_in * self._terms.price_in + tokens_out * self._terms.price_out) / _MILLION
        answer = Answer(
            text=digest,
            label=label,
            answered_by=str(reply.get("model", "")),
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=cost,
            attempts=attempt,
            seconds=round(time.monotonic() - started, 3),
            failure=None if label else self._without_key(failure),
        )
        return answer, stop

    def _reason_to_stop(self, missing: _NoReplyError) -> FinstratError | None:
        reason = self._without_key(str(missing))
        if isinstance(missing, _UnreachableError):
            return DataError(f"{self._url}: can't be reached ({reason}); is the server running?")
        if isinstance(missing, _RefusedError):
            return ConfigError(f"{self._url}: {reason}; check server, model and key")
        return None

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        """The server's reply to one request.

        Raises:
            _NoReplyError: there is none, or it is no JSON object.
        """
        try:
            response = self._http.post(self._url, json=body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise _UnreachableError(str(error) or type(error).__name__, again=True) from error
        except httpx2.RequestError as error:
            raise _NoReplyError(f"{type(error).__name__} {error}".strip(), again=True) from error
        status = response.status_code
        said = f"status {status}: {' '.join(response.text.split())[:200]}"
        if status in _REFUSED:
            raise _RefusedError(said, again=False)
        if not response.is_success:
            wait_s = _retry_after_s(response.headers.get("retry-after", ""))
            raise _NoReplyError(said, again=status in _BUSY, wait_s=wait_s)
        try:
            reply = response.json()
        except ValueError as error:
            raise _NoReplyError(f"no JSON: {said}", again=False) from error
        if not isinstance(reply, dict):
            raise _NoReplyError(f"no JSON object: {said}", again=False)
        return reply

    def _write(self, answer: Answer) -> None:
        if self._record is None:
            return
        line = json.dumps({"server": self._url, "model": self._model, **asdict(answer)})
        with self._record.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _without_key(self, message: str) -> str:
        """A message that may go into a record: servers like to quote the key that they refuse."""
        return message.replace(self._key, "***") if self._key else message


def chat_messages(prompt: Prompt, text: str) -> list[dict[str, str]]:
    """The prompt as a conversation: each solved example a question and its answer in JSON."""
    form = json.dumps({"label": "|".join(prompt.labels)})
    said = [{"role": "system", "content": f"{prompt.instruction} Answer in JSON: {form}"}]
    for example in prompt.examples:
        said.append({"role": "user", "content": _question(prompt, example.text)})
        said.append({"role": "assistant", "content": json.dumps({"label": example.label})})
    return [*said, {"role": "user", "content": _question(prompt, text)}]


def read_label(reply: Mapping[str, Any], labels: Sequence[str]) -> tuple[str | None, str]:
    """The label in a reply, or None and what was said instead.

    Valid is exactly what the schema allows: a JSON object with the one key `label`.
    """
    try:
        content = reply["choices"][0]["message"]["content"]
        told = json.loads(content)
    except (KeyError, IndexError, TypeError, ValueError):
        return None, f"no answer by the schema: {json.dumps(reply.get('choices'))[:200]}"
    if isinstance(told, dict) and list(told) == ["label"] and told["label"] in labels:
        return str(told["label"]), ""
    return None, f"no answer by the schema: {content[:200]}"


def _question(prompt: Prompt, text: str) -> str:
    return f"{prompt.before}{text}{prompt.after}"


def _count(usage: object, key: str) -> int:
    found = usage.get(key) if isinstance(usage, dict) else None
    return found if isinstance(found, int) else 0


def _pause(seconds: float) -> None:
    time.sleep(seconds)


def _backoff_s(digest: str, attempt: int) -> float:
    """Twice as long each time, spread by the text's hash: a burst doesn't come back whole."""
    spread = 0.5 + int(digest[:4], 16) / 0x10000
    return min(_FIRST_WAIT_S * 2.0 ** (attempt - 1) * spread, _LONGEST_WAIT_S)


def _retry_after_s(header: str) -> float:
    """Seconds that the server asks to wait; 0 where it names none, or a date."""
    return min(float(header), _LONGEST_WAIT_S) if header.isdecimal() else 0.0
