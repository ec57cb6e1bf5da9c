"""`spark.read.format("dicomprep")`: the columns and pixels are those of the file."""

import numpy as np
import pytest
from conftest import SHARDS
from pyspark.errors import PySparkException

import dicomprep
import dicomprep.spark


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    from conftest import IMAGES, PATIENTS
    from trees import Study, noise

    folder = tmp_path_factory.mktemp("source")
    study = Study(folder / "tree")
    for patient in range(PATIENTS):
        for number in range(1, IMAGES + 1):
            study.add(f"P{patient}", number, noise((16, 12), -200, 900, patient, number).astype(np.int16))
    dicomprep.prep(study.root, folder / "data.h5", size="16x12")
    return folder / "data.h5"


@pytest.fixture
def read(spark, file):
    dicomprep.spark.register(spark)
    return lambda **options: spark.read.format("dicomprep").options(**options).load(str(file))


def test_all_columns_have_the_values_of_the_file(read, file):
    data = dicomprep.open(file)
    rows = read(partitions=5).orderBy("row").collect()
    assert [row["row"] for row in rows] == list(range(18))
    for name, column in data.columns.items():
        for row, expected in zip(rows, column, strict=True):
            if name.endswith("_sha256"):
                found = np.frombuffer(b"".join(row[name]) if isinstance(row[name], list) else row[name], np.uint8)
                expected = expected.ravel()
            else:
                found = np.asarray(row[name])
            if np.asarray(expected).dtype.kind == "f":
                np.testing.assert_array_equal(found.astype(expected.dtype), expected, err_msg=name)
            else:
                assert np.array_equal(found, expected), (name, found, expected)


def test_pixels_are_bytes_or_lists(read, file):
    data = dicomprep.open(file)
    frame = read(columns="id,image,mask", partitions=3)
    about = frame.schema["image"].metadata
    assert (about["shape"], about["dtype"]) == ([16, 12, 1], "int16")
    for row, (image, mask) in zip(sorted(frame.collect()), (data[n] for n in np.argsort(data.columns["id"])), strict=True):
        assert np.array_equal(np.frombuffer(row["image"], "<i2").reshape(16, 12, 1), image)
        assert np.array_equal(np.frombuffer(row["mask"], "u1").reshape(mask.shape), mask)
    floats = read(columns="row,image", pixels="float").orderBy("row").collect()
    assert np.array_equal(np.array(floats[3]["image"], np.float32), data[3][0].ravel())


def test_sql_over_rows_that_are_selected(read, spark, file):
    data = dicomprep.open(file)
    read().createOrReplaceTempView("samples")
    counts = {row["split"]: row["n"] for row in spark.sql("SELECT split, count(*) AS n FROM samples GROUP BY split").collect()}
    names, numbers = np.unique(data.columns["split"], return_counts=True)
    assert counts == dict(zip(names.tolist(), numbers.tolist(), strict=True))
    train = read(split="train", columns="row,split,image", partitions=4).collect()
    assert sorted(row["row"] for row in train) == data.split("train").rows
    for row in train:
        assert np.array_equal(np.frombuffer(row["image"], "<i2"), data[row["row"]][0].ravel())
    assert read(where="mask_pixels.inner>100000").count() == 0


def test_shards_are_read_by_a_pattern(spark, tree, whole, tmp_path):
    output = tmp_path / "out.h5"
    dicomprep.spark.prep(spark, tree.root, output, shards=SHARDS, virtual=True)
    dicomprep.spark.register(spark)
    shards = spark.read.format("dicomprep").load(str(tmp_path / "out.h5.shards" / "shard-*.h5"))
    assert shards.count() == 18


@pytest.mark.parametrize("options, said", [
    ({"columns": "ids"}, "no column ids"), ({"colums": "id"}, "no option colums"), ({"pixels": "half"}, "binary or float"),
    ({"partitions": "0"}, "whole number"), ({"split": "trial"}, "trial"),
])
def test_wrong_options_are_named(options, said, read):
    with pytest.raises(PySparkException, match=said):
        read(**options).collect()


def test_a_file_that_is_not_there_is_named(spark, read):
    with pytest.raises(PySparkException, match="nowhere.h5"):
        spark.read.format("dicomprep").load("/nowhere.h5").collect()
