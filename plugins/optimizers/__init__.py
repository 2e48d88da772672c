"""Optimizers: one thin class each."""
