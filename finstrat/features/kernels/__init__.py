"""Compiled loops over columns, one family a file: each kernel and all it calls stand together."""
