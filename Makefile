# make demo    watch a robot ask before it acts: ARGS="..." goes to `clue demo`
# make test    run every test that needs no GPU: ARGS="..." goes to pytest
# make lint    ruff and mypy
# make setup   .venv with everything in it; the others do this by themselves
# make clean   remove .venv
#
# On a machine without an NVIDIA GPU, keep torch small:
#   make setup PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

SHELL := /bin/bash
PYTHON := python3
VENV := .venv
RUN := $(VENV)/bin/python -m
PIP := $(RUN) pip --disable-pip-version-check install

SOURCES := CMakeLists.txt LICENSE README.md package.xml pyproject.toml \
  $(shell find action clue_ros cmake config launch msg srv -type f -not -name '*.pyc')

.PHONY: help demo test lint setup clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

demo: setup
	@$(VENV)/bin/clue demo $(ARGS)

test: setup
	@# One more worker than cores: some of the tests wait for nodes. In the order of the tree, in
	@# which files with few but long tests do not come last.
	PYTEST_XDIST_AUTO_NUM_WORKERS=$$(($$(nproc) + 1)) $(RUN) pytest -m 'not gpu' \
	  -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/dependencies
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

setup: $(VENV)/package

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@[ "$$(uname -sm)" = 'Linux x86_64' ] || { \
	  echo 'ROS 2 is on PyPI for x86_64 Linux only. Elsewhere build with colcon, see README.md.'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'clue_ros needs Python 3.11 or newer. Name one: make PYTHON=python3.12'; exit 1; }
	@need() { "$${@:2}" >/dev/null 2>&1 || missing+=" $$1"; }; \
	need python3-venv $(PYTHON) -c 'import ensurepip, venv'; \
	need python3-dev $(PYTHON) -c 'import sysconfig; open(sysconfig.get_path("include") + "/Python.h")'; \
	need g++ g++ --version; \
	need cmake cmake --version; \
	[ -z "$$missing" ] || { echo "Missing. Run: sudo apt install$$missing"; exit 1; }
	@echo '[1/3] a virtual environment: $(VENV)'
	@$(PYTHON) -m venv $(VENV)

# What clue_ros needs to be built, to run and to be tested, at the versions of constraints.txt.
$(VENV)/dependencies: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo '[2/3] third-party packages: some minutes and 2 GB the first time'
	@$(VENV)/bin/python -c 'import tomllib; \
	  t = tomllib.load(open("pyproject.toml", "rb")); p = t["project"]; \
	  print(*t["build-system"]["requires"], *p["dependencies"], *sum(p["optional-dependencies"].values(), []), sep="\n")' > $@
	$(PIP) -r $@ -c constraints.txt

# Built without isolation and in one folder that stays, so that only what changed is built again.
# Stamped first: what changes during the build belongs to the next one.
$(VENV)/package: $(VENV)/dependencies $(SOURCES)
	@echo '[3/3] clue_ros itself: a minute or two the first time, seconds after a change of Python code'
	@touch $@
	$(PIP) --no-deps --no-build-isolation --config-settings=build-dir=$(VENV)/build .
