"""Signals: features that strategies act upon."""
