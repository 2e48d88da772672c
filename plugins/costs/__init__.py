"""Bundled cost models."""
