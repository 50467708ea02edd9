# Two commands do everything: `make demo` scores a film, `make test` checks the code.
.PHONY: demo test check benchmark clean

BIN := .venv/bin

demo: .venv/ready-run ## draw the demo film, score it, say where everything is
	$(BIN)/shotscore demo --out demo

test: check ## style, types, tests
	$(BIN)/python -m pytest

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: .venv/ready-dev ## speed and memory, as the README quotes them
	$(BIN)/python benchmarks/run.py

.venv/ready-%: setup.sh pyproject.toml
	./setup.sh $*

clean:
	rm -rf .venv demo
