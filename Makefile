# Two commands do everything: `make demo` scores a film, `make test` checks the code.
.PHONY: demo test test-blender test-kdenlive check benchmark clean

BIN := .venv/bin

demo: .venv/ready-run ## draw the demo film, score it, say where everything is
	$(BIN)/shotscore demo --out demo

test: check ## style, types, tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

test-blender: .venv/ready-dev ## the whole journey and the contract of hosts in real Blenders (bpy from PyPI, 400 MB a version)
	found="$$(tests/editors/setup_blender.sh $(BLENDERS))" && SHOTSCORE_BPY="$$found" $(BIN)/python -m pytest tests/editors tests/contracts/test_hosts.py -k blender

test-kdenlive: .venv/ready-editors ## the journey in the real Kdenlive on a virtual screen; OpenShot's engine (Debian's packages, 1 GB)
	$(BIN)/python -m pytest tests/editors/test_kdenlive_journey.py tests/editors/test_openshot.py

benchmark: .venv/ready-dev ## speed and memory, as the README quotes them
	$(BIN)/python benchmarks/run.py

.venv/ready-%: setup.sh pyproject.toml
	./setup.sh $*

clean:
	rm -rf .venv demo
