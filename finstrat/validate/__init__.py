"""Splits, causality, luck: whether a result can be believed."""
