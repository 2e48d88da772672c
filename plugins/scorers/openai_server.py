"""Scorer `openai-server`: any model behind a server that speaks OpenAI's chat completions.

vLLM, llama.cpp, `transformers serve` and most providers do. It knows nothing of caching or
cleaning, which happen before it is called.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotation at run time
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Any

import torch
from finstrat_plugins.scorers.prompts import SIX_SHOT
from pydantic import Field, field_validator

from finstrat.components import Scorer, Settings
from finstrat.errors import ConfigError
from finstrat.text import CLEAN_VERSION, ModelCard
from finstrat.text.prompt import read_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from finstrat.text.server import LabelClient

_TONE = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


class OpenAIServer(Scorer):
    """The label that the model answers with: score = -1, 0 or 1, NaN where it gave no valid answer.

    An answer is a word, not a probability, so there are none among the outputs. What was asked and
    paid stands in `usage`, and for each document in the file `record`.

    Attributes:
        prompt: the instruction and the solved examples.
    """

    name = "openai-server"
    version = "1"
    outputs = ("score",)
    unknown_is_final = False

    class Config(Scorer.Config):
        """Which server and model, on which terms."""

        server: str = Field(description="address, like http://127.0.0.1:8000/v1")
        model: str = Field(description="as the server calls it")
        key_env: str | None = Field(
            None, description="environment variable with the key; no key is sent if left out"
        )
        prompt: Path | None = Field(None, description="prompt in TOML; the bundled one if left out")
        parameters: dict[str, Any] = Field(
            {"temperature": 0, "max_tokens": 32}, description="further fields of each request"
        )
        concurrency: int = Field(4, ge=1, description="requests under way at once")
        retries: int = Field(4, ge=0, description="further attempts where the server is busy")
        timeout_s: float = Field(60.0, gt=0, description="seconds to wait for one answer")
        price_in: float = Field(0.0, ge=0, description="money per million tokens read")
        price_out: float = Field(0.0, ge=0, description="money per million tokens written")
        max_cost: float | None = Field(None, gt=0, description="stop once this much is spent")
        record: Path | None = Field(None, description="file for a JSON line a document: its cost")
        training_cutoff: dt.date | None = Field(
            None, description="latest date that the model may have read; unknown if left out"
        )
        licence: str = Field("not stated", description="of the model or service, for the report")

        @field_validator("server")
        @classmethod
        def _plain_address(cls, server: str) -> str:
            from urllib.parse import urlsplit

            parts = urlsplit(server)
            _ = parts.port  # a ValueError of its own where it is out of range
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("expected an address like http://127.0.0.1:8000/v1")
            if parts.username or parts.password or parts.query or parts.fragment:
                # It is written into manifests, and a key must never be.
                raise ValueError("expected no key, query or user in the address; use `key_env`")
            return server.rstrip("/")

    config: Config

    def __init__(self, config: Settings | Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.prompt = read_prompt(self.config.prompt or SIX_SHOT)
        if set(self.prompt.labels) != set(_TONE):
            raise ConfigError(
                f"prompt: expected the labels {', '.join(_TONE)}, got "
                f"{', '.join(self.prompt.labels)}"
            )
        self._client: LabelClient | None = None

    @property
    def fingerprint(self) -> str:
        """Server, model, prompt, parameters, and the versions of code and cleaning; no key."""
        from finstrat.text.server import SERVER_VERSION

        asked = (self.config.server, self.config.model, json.dumps(self.config.parameters))
        versions = (self.name, self.version, SERVER_VERSION, CLEAN_VERSION)
        parts = (*versions, *asked, self.prompt.digest)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def card(self) -> ModelCard:
        """What was declared of the model; the cutoff is the latest over it and the examples."""
        declared = self.config.training_cutoff
        return ModelCard(
            name=self.name,
            version=self.version,
            summary=(
                f"{self.config.model} at {self.config.server}, asked with "
                f"{len(self.prompt.examples)} solved examples"
            ),
            training_data=(
                "not known to finstrat: see the model's own card",
                f"{len(self.prompt.examples)} examples in the prompt, {self.prompt.source}",
            ),
            licence=self.config.licence,
            training_cutoff=max(declared, self.prompt.written) if declared else None,
            cutoff_reason=(
                f"the later of the model's ({declared}, declared) and the prompt's examples' "
                f"({self.prompt.written})"
                if declared
                else "the model's isn't declared (option `training_cutoff`)"
            ),
            limits=(
                "a server may answer differently another time: the score cache keeps the first",
                "a provider may change the model under its name",
                "what a language model remembers of a company colours its answer",
            ),
        )

    @property
    def usage(self) -> dict[str, float]:
        """Documents, requests, tokens and money since this object was made; {} before the first."""
        return asdict(self._client.usage) if self._client else {}

    def close(self) -> None:
        """Close the connections that are kept open; a later score opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def score(self, texts: Sequence[str]) -> torch.Tensor:
        """Scores `[D, 1]` float32; NaN where the server gave no valid answer.

        Raises:
            ConfigError: the key is missing, or the server refuses it or the model.
            DataError: the server can't be reached, or answers nothing any more.
        """
        if self._client is None:
            self._client = self._connect()
        labels = self._client.labels(texts)
        tones = [_TONE[label] if label else float("nan") for label in labels]
        return torch.tensor(tones, dtype=torch.float32).reshape(len(texts), 1)

    def _connect(self) -> LabelClient:
        from math import inf

        from finstrat.text.server import LabelClient, Terms

        asked = self.config
        key = os.environ.get(asked.key_env) if asked.key_env else None
        if asked.key_env and not key:
            raise ConfigError(f"key_env: the environment has no {asked.key_env}; set it to the key")
        return LabelClient(
            asked.server,
            asked.model,
            self.prompt,
            terms=Terms(
                concurrency=asked.concurrency,
                retries=asked.retries,
                timeout_s=asked.timeout_s,
                price_in=asked.price_in,
                price_out=asked.price_out,
                max_cost=inf if asked.max_cost is None else asked.max_cost,
            ),
            key=key,
            parameters=asked.parameters,
            record=asked.record,
        )
