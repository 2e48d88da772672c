"""The packaged backtests; each `.toml` file here runs by its name."""
