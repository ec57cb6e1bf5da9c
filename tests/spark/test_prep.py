"""`dicomprep.spark.prep` on a cluster: exactly one right shard each, whatever happens to attempts."""

import time

import numpy as np
import pytest
from conftest import SHARDS, left_beside, processes_of
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless
from trees import dicom

import dicomprep
import dicomprep.spark

HANG_SECONDS = 600
GONE_SECONDS = 60


def wait_until_gone(text):
    until = time.monotonic() + GONE_SECONDS
    while processes_of(text) and time.monotonic() < until:
        time.sleep(0.1)
    return processes_of(text) == []


def test_the_file_of_one_machine(spark, tree, whole, tmp_path):
    output, seen = tmp_path / "out.h5", []
    packed = dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, structures="inner",
                                  progress=lambda *told: seen.append(told))
    assert output.read_bytes() == whole(structures="inner")
    assert packed.exit_code == 0 and packed.rejected.count() == 0
    rows = packed.shards.collect()
    assert [row.shard for row in rows] == list(range(SHARDS))
    assert sum(row.samples for row in rows) == packed.plan.samples == 18
    assert packed.merge.output["path"] == str(output)
    assert ("making shards", 18, 18) in seen
    assert left_beside(output) == []


def test_a_virtual_file_keeps_its_shards(spark, tree, tmp_path):
    output = tmp_path / "out.h5"
    dicomprep.spark.prep(spark, tree.root, output, shards=3, virtual=True)
    kept = sorted(path.name for path in (tmp_path / "out.h5.shards").iterdir())
    assert kept == ["plan.dicomplan", *[f"shard-{index:05}-of-00003.h5" for index in range(3)]]
    assert len(dicomprep.open(output)) == 18
    with pytest.raises(dicomprep.UsageError, match="exists"):
        dicomprep.spark.prep(spark, tree.root, output, shards=3, force=True)


# Ancestors of the program: the Python worker, the daemon that has forked it, and the executor.
KILLED = {
    "Python worker": "kill -9 $PPID",
    "Python daemon": "kill -9 $(parent $PPID)",
    "executor": "kill -9 $(parent $(parent $PPID))",
}


@pytest.mark.parametrize("who", KILLED)
def test_an_ancestor_of_an_attempt_is_killed(who, spark, tree, whole, harmful, tmp_path):
    # The program is at work while it is killed: the signal comes from a process that does not wait for it.
    bad = harmful(f'[ $FIRST = 1 ] && {{ (sleep 0.2; {KILLED[who]}) & sleep 1; }}')
    output = tmp_path / "out.h5"
    packed = dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, program=str(bad.path))
    assert output.read_bytes() == whole()
    # Without its daemon, a worker goes on to its end.
    assert bad.attempts() >= (1 if who == "Python daemon" else 2)
    assert packed.shards.count() == SHARDS and packed.exit_code == 0
    assert left_beside(output) == []
    assert wait_until_gone(str(output))


def test_an_attempt_that_hangs_is_made_elsewhere_and_ends(spark, tree, whole, harmful, tmp_path):
    # The number of seconds is no argument of anything else.
    bad = harmful(f'[ $FIRST = 1 ] && {{ echo $HOST > $ASKED.host; exec sleep {HANG_SECONDS}.{id(tree)}; }}')
    output, start = tmp_path / "out.h5", time.monotonic()
    packed = dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, program=str(bad.path))
    assert output.read_bytes() == whole()
    assert time.monotonic() - start < HANG_SECONDS
    assert bad.attempts() == 2
    assert left_beside(output) == []
    assert wait_until_gone(f"{HANG_SECONDS}.{id(tree)}")
    assert packed.shards.count() == SHARDS


def test_two_attempts_that_both_finish_leave_one_shard(spark, tree, whole, harmful, tmp_path):
    bad = harmful("[ $FIRST = 1 ] && sleep 4")
    output = tmp_path / "out.h5"
    dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, virtual=True, program=str(bad.path))
    assert sorted(path.name for path in (tmp_path / "out.h5.shards").iterdir())[1:] == [
        f"shard-{index:05}-of-{SHARDS:05}.h5" for index in range(SHARDS)]
    merged = tmp_path / "merged.h5"
    dicomprep._command._run("merge", ["-o", str(merged), *map(str, (tmp_path / "out.h5.shards").glob("*.h5"))], {}, None)
    assert merged.read_bytes() == whole()


def test_images_that_cannot_be_used_are_listed_with_their_shards(spark, tree, whole, tmp_path):
    # One has a wrong header, which the plan finds; the pixels of the other cannot be decoded, which its shard finds.
    tree.image_path("P0", 1).write_bytes(b"not DICOM")
    image = dicom(np.zeros((16, 16), np.int16), syntax=RLELossless)
    image.PixelData = encapsulate([b"\1" * 64])
    image["PixelData"].VR, image["PixelData"].is_undefined_length = "OB", True
    tree.add("P4", 2, image)
    output = tmp_path / "out.h5"
    packed = dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS)
    assert output.read_bytes() == whole() and packed.exit_code == 3
    rejected = {row.file: row for row in packed.rejected.collect()}
    assert rejected["dicoms/P0/1.dcm"].shard is None
    assert rejected["dicoms/P4/2.dcm"].shard is not None and rejected["dicoms/P4/2.dcm"].reason
    with pytest.raises(dicomprep.DataError, match="P0/1.dcm|rejected"):
        dicomprep.spark.prep(spark, tree.root, tmp_path / "strict.h5", shards=2, strict=True)
    tree.add("P0", 1, np.arange(256, dtype=np.int16).reshape(16, 16))
    with pytest.raises(dicomprep.DataError, match="P4/2.dcm"):
        dicomprep.spark.prep(spark, tree.root, tmp_path / "strict.h5", shards=2, strict=True)
    assert not (tmp_path / "strict.h5").exists() and left_beside(tmp_path / "strict.h5") == []


def test_an_input_that_changes_after_the_plan_fails_by_name_and_leaves_nothing(spark, tree, harmful, tmp_path):
    image = tree.image_path("P2", 1)
    bad = harmful(f"printf '\\0\\0' >> {image}")
    output = tmp_path / "out.h5"
    with pytest.raises(dicomprep.DataError, match=r"shard \d of 6 on .*P2/1.dcm.* bytes"):
        dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, program=str(bad.path))
    assert not output.exists() and left_beside(output) == []


def test_wrong_use_is_said_before_anything_runs(spark, tree, tmp_path):
    output = tmp_path / "out.h5"
    for options, said in [({"shards": 0}, "at least 1"), ({"dry_run": True}, "dry_run"), ({"sizes": "8x8"}, "--sizes")]:
        with pytest.raises(dicomprep.UsageError, match=said):
            dicomprep.spark.prep(spark, tree.root, output, **options)
    output.write_text("mine")
    with pytest.raises(dicomprep.DataError, match="exists"):
        dicomprep.spark.prep(spark, tree.root, output)
    assert output.read_text() == "mine" and left_beside(output) == []
