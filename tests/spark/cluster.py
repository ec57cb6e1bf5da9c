"""A standalone cluster of Spark on this machine: a master and two workers, each a process of its own."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyspark

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
# Different addresses, as speculation never puts two attempts on one host.
HOSTS = ("127.0.0.2", "127.0.0.3")
CORES = 2
START_SECONDS = 240
JAVA_AT_LEAST = 17
# Small heaps: all of it runs beside other tests.
QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
DAEMON = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": QUICK}


def java_is_missing():
    """Why Spark cannot run here; empty where it can."""
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else shutil.which("java")
    if not java or not os.access(java, os.X_OK):
        return f"Spark needs Java {JAVA_AT_LEAST} or later, and there is no java here"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or int(version[1]) < JAVA_AT_LEAST:
        return f"Spark needs Java {JAVA_AT_LEAST} or later, and {java} is {told.splitlines()[0] if told else 'none'}"
    return ""


class Cluster:
    """A running master with its workers."""

    def __init__(self, folder, cores=CORES):
        self.folder, self.cores = folder, cores
        self.processes = []
        self.environment = {**os.environ, **DAEMON, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1",
                            "SPARK_CONF_DIR": str(folder / "conf")}
        (folder / "conf").mkdir()
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def _start_all(self):
        self._start("master", ["master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"])
        self.url = self._wait("master", r"Starting Spark master at (spark://\S+)")
        for host in HOSTS:
            self._start(host, ["worker.Worker", "--host", host, "--port", "0", "--webui-port", "0", "--cores", str(self.cores),
                               "--memory", "1g", "--work-dir", self.folder / f"work-{host}", self.url])
        for host in HOSTS:
            self._wait(host, r"(Successfully registered) with master")

    def _start(self, name, words):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as to:
            command = [SPARK_CLASS, f"org.apache.spark.deploy.{words[0]}", *map(str, words[1:])]
            environment = {**self.environment, "CLUSTER_HOST": name}
            self.processes.append(subprocess.Popen(command, stdout=to, stderr=subprocess.STDOUT, env=environment))

    def _wait(self, name, told):
        log = self.folder / f"{name}.log"
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and all(process.poll() is None for process in self.processes):
            found = re.search(told, log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise RuntimeError(f"{name} of Spark did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(30)


def session(cluster, name, conf):
    """A session on all cores of the cluster."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(cluster.url).appName(name)
    options = {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2",
        "spark.ui.showConsoleProgress": "false", "spark.executor.extraJavaOptions": QUICK, "spark.driver.extraJavaOptions": QUICK,
        **conf,
    }
    for key, value in options.items():
        builder = builder.config(key, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("OFF")
    return made
