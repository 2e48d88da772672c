"""Bundled sources: where prices, documents and facts come from, one file each."""
