# The developer's commands; `make help` lists them. What is missing on the machine is installed by
# .ci/setup, which says what it does.

CARGO       ?= cargo
CARGO_FLAGS ?= --locked
TARGET      := $(or $(CARGO_TARGET_DIR),target)
DEMO        := $(TARGET)/demo/final_data.h5
BENCH_FLAGS ?=
PEERS       ?=
# A test that fails is run a second time, and the summary names it as "rerun": a busy machine can be late once.
PYTEST_FLAGS ?= -q -rsR --reruns 1
# One process of a test waits for one of dicomprep half of the time: two run side by side.
PYTEST_WORKERS ?= -n 2 --dist loadfile
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
ATTACK_RUNS  ?= 20000

VENV        := $(CURDIR)/.venv
BENCH_VENV  := $(CURDIR)/.venv-bench
SPARK_VENV  := $(CURDIR)/.venv-spark
STAMPS      := $(VENV)/stamps
# Loaders whose packages are large, or want versions that clash, each in an environment of its own.
PEER_STAMPS := $(if $(PEERS),$(STAMPS)/bench-torch $(STAMPS)/bench-tensorflow)
# The bundled HDF5 is built with the cmake whose path stands in this file.
CMAKE_PATH  := $(STAMPS)/cmake
# What `dicomprep --version --verbose` names; empty outside of a checkout.
COMMIT      := $(shell git rev-parse --short HEAD 2>/dev/null)
WITH_CMAKE   = CMAKE="$$(cat '$(CMAKE_PATH)')" DICOMPREP_COMMIT="$(COMMIT)"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help docs demo test check fuzz deny bench bench-programs bench-prep bench-batches bench-augment bench-codecs bench-scaling bench-annotations bench-shards bench-python bench-serve bench-spark install fixtures wheel sdist test-python test-spark clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(CMAKE_PATH) ## build the release binary, pack fixtures/final_data and print what the file holds
	$(WITH_CMAKE) $(CARGO) build --release $(CARGO_FLAGS)
	mkdir -p $(dir $(DEMO))
	$(TARGET)/release/dicomprep prep fixtures/final_data -o $(DEMO) --force
	$(TARGET)/release/dicomprep info $(DEMO)

# Program and module are built together, so that what both depend on is compiled once, with the features of both.
# An older Python than the module needs builds and tests the program alone.
OLD_PYTHON  = $(shell $(VENV)/bin/python -c 'import sys; print("old" * (sys.version_info < (3, 11)))')
BOTH        = --workspace $(OLD_PYTHON:old=--exclude dicomprep-python) $(LIKE_TESTS)
WITH_BOTH   = $(WITH_CMAKE) PYO3_PYTHON=$(VENV)/bin/python
BUILD_BOTH  = $(WITH_BOTH) $(CARGO) build $(CARGO_FLAGS) $(BOTH)

test: $(CMAKE_PATH) $(STAMPS)/tests $(STAMPS)/wheel ## run all tests: Rust, then the file under its real readers in Python, then the Python module
	$(BUILD_BOTH)
	$(WITH_BOTH) $(CARGO) test $(CARGO_FLAGS) $(BOTH)
	$(if $(OLD_PYTHON),@echo "make: the Python module needs Python 3.11 or later: it is not tested",$(INSTALL_MODULE))
	DICOMPREP=$(TARGET)/debug/dicomprep $(VENV)/bin/python -m pytest -p no:cacheprovider $(PYTEST_FLAGS) $(PYTEST_WORKERS) tests/interop
	$(if $(OLD_PYTHON),,$(TEST_MODULE))
	$(if $(OLD_PYTHON),,$(TEST_SPARK))

# Program and module go into one file. The program is made executable before it is packed: pip keeps the mode.
WHEEL_PROGRAM := python/dicomprep.data/scripts/dicomprep
WHEEL_PROFILE ?= release
# maturin looks at the module alone; the program may need a newer C library, and then the tag says so.
MATURIN        = $(VENV)/bin/maturin build --profile $(WHEEL_PROFILE) $(CARGO_FLAGS) $(LIKE_TESTS) --out $(WHEEL_FOLDER)
AUDITWHEEL     = $(VENV)/bin/auditwheel show $(WHEEL_FOLDER)/*.whl
WHEEL_FOLDER   = $(TARGET)/wheels-$(WHEEL_PROFILE)

wheel: $(CMAKE_PATH) $(STAMPS)/wheel ## build the Python wheel into target/wheels-release and say what it runs on
	$(BUILD_BOTH) --exclude dicomprep-fuzz --profile $(WHEEL_PROFILE)
	install -D -m 755 $(TARGET)/$(WHEEL_PROFILE:dev=debug)/dicomprep $(WHEEL_PROGRAM)
	strip $(WHEEL_PROGRAM)
	rm -rf $(WHEEL_FOLDER)
	$(WITH_CMAKE) $(MATURIN)
	tag=$$($(AUDITWHEEL) | grep -m 1 -o '"manylinux_[0-9]*_[0-9]*' | tr -d '"'); \
		ls $(WHEEL_FOLDER) | grep -q "$${tag}_" || \
		{ rm $(WHEEL_FOLDER)/*.whl && $(WITH_CMAKE) $(MATURIN) --compatibility $$tag; }
	$(AUDITWHEEL)

sdist: $(STAMPS)/wheel ## write the source package of the Python wheel into target/sdist
	rm -rf $(TARGET)/sdist
	$(VENV)/bin/maturin sdist --out $(TARGET)/sdist

# The wheel of the debug profile is for this machine alone: no tag of a C library, nothing stripped but the program.
define INSTALL_MODULE
install -D -m 755 $(TARGET)/debug/dicomprep $(WHEEL_PROGRAM)
strip $(WHEEL_PROGRAM)
rm -rf $(WHEEL_FOLDER)
$(WITH_BOTH) $(MATURIN) --compatibility linux
$(VENV)/bin/pip install --quiet --force-reinstall --no-deps $(WHEEL_FOLDER)/*.whl
endef

define TEST_MODULE
$(VENV)/bin/mypy
DICOMPREP_WHEEL=$$(ls $(WHEEL_FOLDER)/*.whl) $(VENV)/bin/python -m pytest -p no:cacheprovider $(PYTEST_FLAGS) tests/python
endef

# Spark runs on Java. PySpark is large, and has an environment of its own.
JAVA         = $(if $(JAVA_HOME),$(JAVA_HOME)/bin/)java
JAVA_VERSION = $(shell $(JAVA) -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
NO_SPARK     = $(shell [ "0$(JAVA_VERSION)" -ge 17 ] || echo none)

define RUN_SPARK
@.ci/setup python '$(SPARK_VENV)' tests/spark/requirements.txt
$(SPARK_VENV)/bin/pip install --quiet --force-reinstall --no-deps $(WHEEL_FOLDER)/*.whl
$(SPARK_VENV)/bin/python -m pytest -p no:cacheprovider $(PYTEST_FLAGS) $(SPARK_FLAGS) tests/spark
endef

TEST_SPARK = $(if $(NO_SPARK),@echo "make: Spark needs Java 17 or later: its tests are skipped",$(RUN_SPARK))

test test-python test-spark: WHEEL_PROFILE := dev
# Dependencies with the features that they have in tests are compiled once for all.
check test test-python test-spark: LIKE_TESTS := --features like-tests
# How soon Spark gives up an attempt that hangs depends on what else the machine does.
test: SPARK_FLAGS := --deselect tests/spark/test_prep.py::test_an_attempt_that_hangs_is_made_elsewhere_and_ends
test-spark: $(CMAKE_PATH) $(STAMPS)/wheel ## build a wheel of the debug profile and run the tests on Apache Spark (500 MB; Java 17 or later)
	$(BUILD_BOTH)
	$(INSTALL_MODULE)
	$(TEST_SPARK)

test-python: $(CMAKE_PATH) $(STAMPS)/tests $(STAMPS)/wheel ## build a wheel of the debug profile, install it and run the Python tests
	$(BUILD_BOTH)
	$(INSTALL_MODULE)
	$(TEST_MODULE)

check: $(CMAKE_PATH) ## formatting, lints and documentation, with warnings denied
	$(CARGO) fmt --all --check
	.ci/like_tests $(CARGO)
	$(WITH_CMAKE) $(CARGO) clippy $(CARGO_FLAGS) --workspace $(LIKE_TESTS) --all-targets -- -D warnings
	$(WITH_CMAKE) RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(CARGO_FLAGS) $(LIKE_TESTS) --no-deps
	$(WITH_CMAKE) $(CARGO) clippy $(CARGO_FLAGS) --no-default-features $(LIKE_TESTS) --lib -- -D warnings

docs: $(CMAKE_PATH) ## write docs/options.md from the help of the program
	$(WITH_CMAKE) $(CARGO) build $(CARGO_FLAGS)
	python3 docs/options.py $(TARGET)/debug/dicomprep

# In a folder of its own: what is counted is compiled otherwise, HDF5 included.
fuzz: $(CMAKE_PATH) ## search for inputs that break the readers, FUZZ_SECONDS=60 for each of FUZZ_TARGETS
	@.ci/setup c++
	$(WITH_CMAKE) CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" \
		fuzz/run '$(abspath $(TARGET))/fuzz' $(FUZZ_SECONDS) $(FUZZ_TARGETS)

attack: $(CMAKE_PATH) $(STAMPS)/tests ## damage files, inputs and limits ATTACK_RUNS=20000 times, and count what goes wrong
	$(WITH_CMAKE) $(CARGO) build --release $(CARGO_FLAGS)
	$(VENV)/bin/python -W ignore tests/attack/attack.py $(TARGET)/release/dicomprep --runs $(ATTACK_RUNS)

deny: ## licences, duplicate versions and advisories of all dependencies, by cargo-deny
	@command -v cargo-deny >/dev/null || { echo "make: first cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny --workspace --all-features check

# Each benchmark leaves its rows in this file.
SUMMARY := $(CURDIR)/bench-data/summary.jsonl

bench: bench-programs ## all benchmarks, and at the end one table of them; BENCH_FLAGS are passed on, BENCH_FLAGS=--help says which
	mkdir -p $(dir $(SUMMARY)) && rm -f $(SUMMARY)
	DICOMPREP_BENCH_SUMMARY=$(SUMMARY) $(MAKE) --no-print-directory bench-prep bench-batches bench-augment bench-scaling bench-shards
	python3 benches/summary.py --target $(TARGET)/release $(SUMMARY)

bench-prep: bench-programs $(STAMPS)/bench ## compare prep with the usual Python script (2 GB)
	$(BENCH_VENV)/bin/python benches/prep.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-batches: bench-programs $(STAMPS)/bench $(PEER_STAMPS) ## compare batches with Python's loaders; PEERS=1 adds the large ones (8 GB)
	$(BENCH_VENV)/bin/python benches/batches.py --target $(TARGET)/release $(BENCH_FLAGS)

# What cannot be installed is not compared with.
bench-augment: bench-programs $(STAMPS)/bench $(if $(PEERS),$(STAMPS)/bench-torch) ## compare augmentation with Keras, albumentations and cv2 (1 GB); PEERS=1 adds MONAI, TorchIO and batchgeneratorsv2 (8 GB)
	-@$(MAKE) --no-print-directory $(STAMPS)/bench-augment
	$(BENCH_VENV)/bin/python benches/augment.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-codecs: bench-programs $(STAMPS)/bench ## compare the codecs with libjpeg-turbo, CharLS, OpenJPEG, OpenJPH, GDCM and pydicom's plugins
	$(BENCH_VENV)/bin/pip install --quiet 'imagecodecs>=2025.3' python-gdcm pyjpegls pylibjpeg pylibjpeg-openjpeg pylibjpeg-rle
	$(BENCH_VENV)/bin/python benches/codecs.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-scaling: bench-programs $(STAMPS)/bench ## what prep and batches cost as samples and images grow (1 GB; 8 GB with LARGE=1)
	$(BENCH_VENV)/bin/python benches/scaling.py --target $(TARGET)/release $(if $(LARGE),--large) $(BENCH_FLAGS)

bench-annotations: bench-programs $(STAMPS)/bench-annotations ## compare RTSTRUCT and SEG with rt-utils, dcmrtstruct2nii and highdicom (1 GB)
	$(BENCH_VENV)-annotations/bin/python benches/annotations.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-shards: bench-programs ## compare merge with cp, and measure planning of up to a million files
	python3 benches/merge.py --target $(TARGET)/release
	python3 benches/planning.py --target $(TARGET)/release

bench-python: bench-programs wheel $(STAMPS)/bench ## compare the Python module with h5py, numpy and our pipe (10 GB; BENCH_FLAGS=--keras adds a U-Net)
	$(BENCH_VENV)/bin/pip install --quiet --force-reinstall --no-deps $(TARGET)/wheels-release/*.whl
	$(BENCH_VENV)/bin/python benches/module.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-serve: bench-programs $(STAMPS)/bench $(PEER_STAMPS) ## compare the service with one process of batches for each reader (1 GB); PEERS=1 as above
	$(BENCH_VENV)/bin/python benches/serve.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-spark: bench-programs wheel ## compare Spark with the same shards made by hand (2 GB; Java 17 or later)
	@.ci/setup python '$(SPARK_VENV)' tests/spark/requirements.txt
	$(SPARK_VENV)/bin/pip install --quiet --force-reinstall --no-deps $(WHEEL_FOLDER)/*.whl
	$(SPARK_VENV)/bin/python benches/spark.py --target $(TARGET)/release $(BENCH_FLAGS)

bench-programs: $(CMAKE_PATH)
	$(WITH_CMAKE) $(CARGO) build --release $(CARGO_FLAGS) --bins --example make_fixtures --example decode_images

install: $(CMAKE_PATH) ## install dicomprep into cargo's bin folder
	$(WITH_CMAKE) $(CARGO) install --path . --locked

fixtures: $(CMAKE_PATH) ## write fixtures/final_data again, with the generator's defaults
	rm -rf fixtures/final_data
	$(WITH_CMAKE) $(CARGO) run $(CARGO_FLAGS) --example make_fixtures -- --out fixtures/final_data

clean: ## remove everything that these commands made
	$(CARGO) clean
	rm -rf bench-data $(VENV) $(BENCH_VENV) $(BENCH_VENV)-* $(SPARK_VENV)

$(CMAKE_PATH): .ci/setup
	@.ci/setup build '$(VENV)' '$@'

$(STAMPS)/tests: tests/interop/requirements.txt tests/python/requirements.txt .ci/setup | $(CMAKE_PATH)
	@.ci/setup python '$(VENV)' $<
	@.ci/setup python '$(VENV)' tests/python/requirements.txt
	@.ci/setup h5dump
	@.ci/setup proxy
	@.ci/setup browser
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/wheel: python/requirements.txt .ci/setup | $(CMAKE_PATH)
	@.ci/setup python '$(VENV)' $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/bench: benches/requirements.txt .ci/setup
	@.ci/setup python '$(BENCH_VENV)' $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/bench-%: benches/requirements-%.txt .ci/setup
	@.ci/setup python '$(BENCH_VENV)-$*' $<
	@mkdir -p $(STAMPS) && touch $@
