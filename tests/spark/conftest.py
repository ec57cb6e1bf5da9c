"""A cluster, sessions on it, and programs that do harm the first time that they are asked for a shard."""

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))

import cluster as spark_cluster  # noqa: E402
from trees import Study, noise  # noqa: E402

import dicomprep  # noqa: E402
from dicomprep._command import program  # noqa: E402

os.environ["PYSPARK_PYTHON"] = sys.executable
PATIENTS, IMAGES = 6, 3
SHARDS = 6


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    missing = spark_cluster.java_is_missing()
    if missing:
        pytest.skip(missing)
    running = spark_cluster.Cluster(tmp_path_factory.mktemp("cluster"))
    yield running
    running.stop()


# One session at a time lives in a process, and starting one takes longer than most tests.
CONF = {
    # An attempt that hangs is begun again elsewhere.
    "spark.speculation": "true", "spark.speculation.interval": "200ms", "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "3", "spark.speculation.minTaskRuntime": "2s",
    # An executor that fails a task is not asked for it again, but for all others, also by the tests that follow.
    "spark.excludeOnFailure.enabled": "true",
    "spark.excludeOnFailure.stage.maxFailedTasksPerExecutor": "1000",
    "spark.excludeOnFailure.stage.maxFailedExecutorsPerNode": "1000",
    "spark.excludeOnFailure.application.maxFailedTasksPerExecutor": "1000",
    "spark.excludeOnFailure.application.maxFailedExecutorsPerNode": "1000",
}


@pytest.fixture(scope="session")
def spark(cluster):
    made = spark_cluster.session(cluster, "tests of dicomprep", CONF)
    yield made
    made.stop()


@pytest.fixture
def tree(tmp_path):
    """A data directory of its own, whose files may be changed."""
    study = Study(tmp_path / "tree")
    for patient in range(PATIENTS):
        for number in range(1, IMAGES + 1):
            study.add(f"P{patient}", number, noise((16, 16), -200, 900, patient, number).astype(np.int16))
    return study


class Harmful:
    """A program that runs `script` before the native program, which is `$PROGRAM`. `$FIRST` is 1 the first time that
    shard `index` is asked for, `$HOST` the address of the worker."""

    def __init__(self, folder, script, index=2):
        self.asked = folder / "asked"
        self.asked.mkdir()
        self.path = folder / "harmful"
        self.path.write_text(f"""#!/bin/bash
PROGRAM={program()}
HOST=$CLUSTER_HOST
parent() {{ cut -d ' ' -f 4 "/proc/$1/stat"; }}
ASKED={self.asked}
FIRST=0
case " $* " in *" --shard {index}/"*) mkdir {self.asked}/first 2>/dev/null && FIRST=1;; esac
echo "$*" > {self.asked}/$$
{script}
exec "$PROGRAM" "$@"
""")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def attempts(self, index=2):
        """How often shard `index` was begun."""
        texts = [path.read_text() for path in self.asked.iterdir() if path.is_file()]
        return sum(f"--shard {index}/" in text for text in texts)


@pytest.fixture
def harmful(tmp_path):
    return lambda script, **more: Harmful(tmp_path, script, **more)


@pytest.fixture
def whole(tree, tmp_path):
    """The bytes that one machine makes of the tree."""

    def make(**options):
        path = tmp_path / "whole.h5"
        dicomprep.prep(tree.root, path, **options)
        return path.read_bytes()

    return make


def left_beside(output):
    """What lies beside an output and begins with its name."""
    return sorted(path.name for path in output.parent.iterdir() if path.name.startswith(output.name) and path != output)


def processes_of(text):
    """Processes that have `text` among their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in words:
                found.append(int(folder.name))
    return found
