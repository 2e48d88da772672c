# `make check` before a commit; `make test` for the tests alone; `make docs` checks the documents.
.PHONY: check test docs

check: test
	ruff check .
	ruff format --check .
	mypy -p finstrat -p finstrat_plugins -p finstrat_strategies

test:
	pytest

docs:
	pytest tests/test_docs.py
