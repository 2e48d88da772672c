"""Models that finstrat trains itself."""
