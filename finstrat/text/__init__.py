"""From text to scores: cleaning, batching, encoding, caching, and the cards of the models used.

`Encoder` lives in `finstrat.text.encode` and is imported from there, because it brings
transformers with it.
"""

from finstrat.text.attribution import effects_on_mean
from finstrat.text.cache import ScoreCache
from finstrat.text.card import ModelCard
from finstrat.text.clean import CLEAN_VERSION, Cleaned, clean, cleaned, raw_digest, text_key
from finstrat.text.extracts import (
    AssetLinks,
    earlier_copies_of,
    events_of,
    links_of,
    novelty_of,
    term_weights_of,
)
from finstrat.text.language import language
from finstrat.text.scoring import Scored, ScoredBatch, score_documents, score_stream

__all__ = [
    "CLEAN_VERSION",
    "AssetLinks",
    "Cleaned",
    "ModelCard",
    "ScoreCache",
    "Scored",
    "ScoredBatch",
    "clean",
    "cleaned",
    "earlier_copies_of",
    "effects_on_mean",
    "events_of",
    "language",
    "links_of",
    "novelty_of",
    "raw_digest",
    "score_documents",
    "score_stream",
    "term_weights_of",
    "text_key",
]
