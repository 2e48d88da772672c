"""From text to scores: cleaning, batching, encoding, caching, and the cards of the models used."""
