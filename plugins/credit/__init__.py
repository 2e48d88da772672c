"""Credit models."""
