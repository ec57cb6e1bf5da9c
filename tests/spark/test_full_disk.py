"""An executor that cannot write: Spark leaves it out, and its shards are made elsewhere."""

import pytest
from cluster import HOSTS

import dicomprep
import dicomprep.spark

# Files of one host end at one block of 1 KiB, as on a disk that is full.
SCRIPT = "ulimit -f 1"


def test_shards_of_an_executor_whose_disk_is_full_are_made_elsewhere(spark, tree, whole, harmful, tmp_path):
    bad = harmful(f'[ $HOST = {HOSTS[1]} ] && {{ touch $ASKED.full; {SCRIPT}; }}')
    output = tmp_path / "out.h5"
    packed = dicomprep.spark.prep(spark, tree.root, output, shards=12, program=str(bad.path))
    assert (tmp_path / "asked.full").exists()
    assert output.read_bytes() == whole() and packed.exit_code == 0
    assert packed.shards.count() == 12


def test_where_no_disk_has_room_the_error_says_so(spark, tree, harmful, tmp_path):
    bad = harmful(SCRIPT)
    with pytest.raises(dicomprep.DataError, match=r"shard \d+ of 12 on "):
        dicomprep.spark.prep(spark, tree.root, tmp_path / "out.h5", shards=12, program=str(bad.path))
    assert not (tmp_path / "out.h5").exists() and not (tmp_path / "out.h5.shards").exists()
