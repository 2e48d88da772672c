"""Measures of return and risk, each a `Figure` that names its convention."""
