"""Everything that comes with finstrat, by kind; each component is a worked example of its base.

Listing is explicit: a component that isn't named here doesn't exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import finstrat

if TYPE_CHECKING:
    from finstrat.components import Component


@finstrat.hookimpl
def finstrat_components() -> list[type[Component]]:
    """Every bundled component but the strategies, which `finstrat_strategies` provides."""
    from finstrat_plugins.costs.detailed import DetailedCosts
    from finstrat_plugins.costs.proportional import ProportionalCosts
    from finstrat_plugins.credit.scorecard import Scorecard
    from finstrat_plugins.optimizers.black_litterman import BlackLitterman
    from finstrat_plugins.optimizers.clusters import (
        HierarchicalEqualRisk,
        HierarchicalRiskParity,
        NestedClusters,
    )
    from finstrat_plugins.optimizers.entropy_pooling import EntropyPooling
    from finstrat_plugins.optimizers.equal import Equal
    from finstrat_plugins.optimizers.inverse_volatility import InverseVolatility
    from finstrat_plugins.optimizers.max_diversification import MaxDiversification
    from finstrat_plugins.optimizers.mean_variance import MeanVariance
    from finstrat_plugins.optimizers.min_tail_risk import MinTailRisk
    from finstrat_plugins.optimizers.min_variance import MinVariance
    from finstrat_plugins.optimizers.risk_parity import RiskParity
    from finstrat_plugins.optimizers.robust import RobustMeanVariance, RobustTailRisk
    from finstrat_plugins.optimizers.tracking_error import TrackingError
    from finstrat_plugins.scorers.causal_lm import CausalLM
    from finstrat_plugins.scorers.encoder_head import EncoderHead
    from finstrat_plugins.scorers.lexicon import LoughranMcDonald
    from finstrat_plugins.scorers.lexicon_context import LexiconInContext
    from finstrat_plugins.scorers.minilm import MiniLMSentiment
    from finstrat_plugins.scorers.minilm_embedding import MiniLMEmbedding
    from finstrat_plugins.scorers.openai_server import OpenAIServer
    from finstrat_plugins.scorers.transformers_classifier import TransformersClassifier
    from finstrat_plugins.scorers.vader import Vader
    from finstrat_plugins.sections import bundled_sections
    from finstrat_plugins.signals.combine import Combine
    from finstrat_plugins.signals.expression import Expression
    from finstrat_plugins.signals.filing_features import FilingFeatures
    from finstrat_plugins.signals.learned_ranking import LearnedRanking
    from finstrat_plugins.signals.market_mood import MarketMood
    from finstrat_plugins.signals.momentum import Momentum
    from finstrat_plugins.signals.news_sentiment import NewsSentiment
    from finstrat_plugins.signals.related import Related
    from finstrat_plugins.signals.revenue_forecast import RevenueForecast
    from finstrat_plugins.signals.risk_scores import RiskScores
    from finstrat_plugins.sources.files import FilesDocuments, FilesFacts, FilesPrices
    from finstrat_plugins.sources.filings import Filings
    from finstrat_plugins.sources.sec_facts import SecCompanyFacts, SecStatements
    from finstrat_plugins.sources.sp500 import Sp500
    from finstrat_plugins.sources.stocknet import StocknetPrices, StocknetTweets
    from finstrat_plugins.sources.tweets import Tweets

    return [
        *(Sp500, FilesPrices, StocknetPrices),
        *(Tweets, FilesDocuments, StocknetTweets, Filings),
        *(FilesFacts, SecCompanyFacts, SecStatements),
        *(LoughranMcDonald, MiniLMSentiment, Vader, TransformersClassifier, EncoderHead),
        *(LexiconInContext, CausalLM, OpenAIServer),
        MiniLMEmbedding,
        *(Combine, LearnedRanking),
        *(
            Expression,
            FilingFeatures,
            MarketMood,
            Momentum,
            NewsSentiment,
            Related,
            RevenueForecast,
            RiskScores,
        ),
        *(Equal, InverseVolatility, MinVariance, MeanVariance, RiskParity),
        *(BlackLitterman, EntropyPooling, MaxDiversification, MinTailRisk),
        *(RobustMeanVariance, RobustTailRisk, TrackingError),
        *(HierarchicalRiskParity, HierarchicalEqualRisk, NestedClusters),
        *(ProportionalCosts, DetailedCosts),
        Scorecard,
        *bundled_sections(),
    ]
