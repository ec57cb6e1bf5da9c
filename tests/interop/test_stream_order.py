"""Which rows `batches` streams, and in which order."""

import math
from collections import Counter

import numpy as np
import pytest

from streams import Contents, arrow, column, epochs, joined, npy, npy_ends, rows, run, start, stream

SIZE = 20
ALL = list(range(SIZE))


@pytest.fixture(scope="module")
def contents(final_data):
    return Contents(final_data)


# ---------------------------------------------------------------- shuffling


def test_an_epoch_is_a_permutation_and_every_epoch_and_seed_another(final_data, dicomprep):
    seen = []
    for seed in range(4):
        found = epochs(dicomprep, final_data, "--epochs", 5, "--seed", seed)
        assert list(found) == [0, 1, 2, 3, 4]
        assert all(sorted(order) == ALL for order in found.values())
        seen += map(tuple, found.values())
    assert len(set(seen)) == len(seen) == 20 and tuple(ALL) not in seen


def test_the_images_are_those_of_the_rows(any_data, dicomprep):
    contents = Contents(any_data)
    for words in ([], ["--seed", 8, "--epochs", 2]):
        order = rows(dicomprep, any_data, *words)
        images, masks = joined(stream(dicomprep, any_data, "--image-dtype", "stored", *words))
        assert np.array_equal(images, contents.images[order]) and np.array_equal(masks, contents.masks[order])


def test_without_shuffle_rows_come_as_in_the_file(final_data, dicomprep):
    found = epochs(dicomprep, final_data, "--no-shuffle", "--epochs", 3, "--seed", 4)
    assert list(found.values()) == [ALL] * 3


def test_no_work_option_changes_the_bytes(any_data, dicomprep):
    words = ["--epochs", 2, "-b", 7]
    expected = stream(dicomprep, any_data, *words)
    for more in (["--threads", 1], ["--threads", 8], ["--threads", 2, "--prefetch", 1], ["--prefetch", 50],
                 ["--cache", 0], ["--cache", "1G"], ["--cache", "100k"], ["--no-verify"]):
        assert stream(dicomprep, any_data, *words, *more) == expected, more


def test_batch_size_and_format_do_not_change_the_order(final_data, dicomprep):
    expected = joined(stream(dicomprep, final_data, "--epochs", 2, "-b", 1))
    order = rows(dicomprep, final_data, "--epochs", 2, "-b", 1)
    for size in (3, 7, 20, 21, 1000):
        data = stream(dicomprep, final_data, "--epochs", 2, "-b", size)
        assert all(np.array_equal(a, b) for a, b in zip(joined(data), expected))
        whole, rest = divmod(SIZE, size)
        assert [len(images) for images, _ in npy(data)] == ([size] * whole + [rest] * (rest > 0)) * 2
        assert rows(dicomprep, final_data, "--epochs", 2, "-b", size) == order


def test_a_short_last_batch_can_be_left_out(final_data, dicomprep):
    order = epochs(dicomprep, final_data, "--epochs", 2)
    for size in (6, 7, 10):
        found = epochs(dicomprep, final_data, "--epochs", 2, "-b", size, "--drop-last")
        assert found == {epoch: seen[: SIZE - SIZE % size] for epoch, seen in order.items()}


def test_the_selection_alone_decides_the_order_of_a_split(final_data, contents, dicomprep):
    # By the name of the split, or by a condition: the same rows, the same order.
    by_name = rows(dicomprep, final_data, "--split", "train", "--epochs", 2)
    by_condition = rows(dicomprep, final_data, "--where", "split=train", "--epochs", 2)
    assert by_name == by_condition
    assert sorted(by_name[:10]) == np.flatnonzero(contents["split"] == "train").tolist()


# ---------------------------------------------------------------- going on


TAILS = {
    "shuffled": ["--epochs", 3],
    "seed, split": ["--epochs", 3, "--seed", 77, "--split", "train"],
    "file order": ["--epochs", 2, "--no-shuffle"],
    "drop last": ["--epochs", 3, "--drop-last"],
    "rank": ["--epochs", 3, "--world-size", 3, "--rank", 1],
    "balanced": ["--epochs", 3, "--balance", "outer"],
    "balanced rank": ["--epochs", 3, "--balance", "patient_id", "--world-size", 2, "--rank", 1],
    "other form": ["--epochs", 2, "--layout", "nchw", "--image-dtype", "float16", "--normalize", "sample-zscore"],
}


@pytest.mark.parametrize("words", TAILS.values(), ids=TAILS)
def test_a_start_gives_the_tail_byte_for_byte(words, final_data, dicomprep):
    words = [*words, "-b", 4]
    whole = stream(dicomprep, final_data, *words)
    ends = npy_ends(whole)
    per_epoch = (len(ends) - 1) // int(words[1])
    for number, end in enumerate(ends):
        cursor = "{}:{}".format(*divmod(number, per_epoch))
        tail = stream(dicomprep, final_data, *words, "--start", cursor)
        assert tail == whole[end:], cursor


@pytest.mark.parametrize("name", ["arrow", "webdataset"])
def test_a_start_gives_the_same_samples_in_the_other_formats(name, final_data, dicomprep):
    words = ["--epochs", 3, "-b", 6, "--format", name]
    whole = stream(dicomprep, final_data, *words)
    beginning = 0
    if name == "arrow":
        # The schema comes first, as in a stream that has nothing else.
        beginning = len(stream(dicomprep, final_data, *words, "--start", "3:0")) - 8
    tail = stream(dicomprep, final_data, *words, "--start", "1:2")
    assert whole.endswith(tail[beginning:]) and whole[:beginning] == tail[:beginning]
    assert len(tail) < len(whole)


def test_a_start_far_away_takes_no_time(final_data, dicomprep):
    words = ["--epochs", 0, "-b", 4]
    with start(dicomprep, final_data, *words, "--start", "1000000000000:3", "--format", "arrow") as process:
        data = process.stdout.read(200_000)
        process.stdout.close()
        assert process.wait(timeout=5) == 0
    assert (10**12).to_bytes(8, "little") in data


# ---------------------------------------------------------------- ranks


def distributed(order, rank, world_size, uneven):
    """The share of a rank, as torch.utils.data.DistributedSampler and its drop_last give it."""
    order = list(order)
    if uneven == "pad":
        order = (order * world_size)[: math.ceil(len(order) / world_size) * world_size]
    elif uneven == "drop":
        order = order[: len(order) // world_size * world_size]
    return order[rank::world_size]


@pytest.mark.parametrize("uneven", ["pad", "drop", "allow"])
def test_ranks_get_what_the_sampler_of_pytorch_gives_them(uneven, final_data, dicomprep):
    whole = epochs(dicomprep, final_data, "--epochs", 2)
    for world_size in (1, 2, 3, 4, 5, 6, 7, SIZE + 3):
        together = Counter()
        ranks = range(world_size) if world_size < SIZE else (0, 2, 3, SIZE - 1, SIZE, SIZE + 2)
        for rank in ranks:
            words = ["--rank", rank, "--world-size", world_size, "--uneven", uneven, "--epochs", 2]
            found = epochs(dicomprep, final_data, *words, "-b", 3)
            for epoch, order in whole.items():
                assert found.get(epoch, []) == distributed(order, rank, world_size, uneven), (world_size, rank)
            together.update(found.get(0, []))
        if world_size < SIZE:
            rest = SIZE % world_size
            assert sum(together.values()) == {"pad": SIZE + (world_size - rest) % world_size,
                                              "drop": SIZE - rest, "allow": SIZE}[uneven]
            assert max(together.values()) == (2 if uneven == "pad" and rest else 1)


def test_positions_are_those_of_the_whole_epoch(final_data, dicomprep):
    order = rows(dicomprep, final_data)
    for rank in range(3):
        _, batches = arrow(stream(dicomprep, final_data, "--format", "arrow", "--world-size", 3, "--rank", rank))
        positions = column(batches, "position")
        assert [order[position] for position in positions] == column(batches, "row")
        assert [position % SIZE for position in positions] == distributed(ALL, rank, 3, "pad")


# ---------------------------------------------------------------- conditions


def contour_area(contents, name):
    return contents["contour_area"][:, contents.structures.index(name)]


CONDITIONS = {
    "split=train": lambda c: c["split"] == "train",
    "split!=train": lambda c: c["split"] != "train",
    "annotated.outer=1": lambda c: c["annotated"][:, 1] == 1,
    " annotated.outer == 0 ": lambda c: c["annotated"][:, 1] == 0,
    "mask_pixels.inner>400": lambda c: c["mask_pixels"][:, 0] > 400,
    "mask_pixels.inner >= 400": lambda c: c["mask_pixels"][:, 0] >= 400,
    "mask_pixels.outer<=0": lambda c: c["mask_pixels"][:, 1] <= 0,
    "mask_pixels.outer!=0": lambda c: c["mask_pixels"][:, 1] != 0,
    "instance<60": lambda c: c["instance"] < 60,
    "frame=0": lambda c: c["frame"] == 0,
    "rows=64": lambda c: c["rows"] == 64,
    "columns>=64": lambda c: c["columns"] >= 64,
    "contour_area.inner>350.5": lambda c: contour_area(c, "inner") > 350.5,
    # NaN where it is not annotated: it meets no condition, != included.
    "contour_area.outer!=1": lambda c: ~np.isnan(contour_area(c, "outer")),
    "contour_area.outer<1e9": lambda c: contour_area(c, "outer") < 1e9,
    "pixel_spacing.row<=10": lambda c: c["pixel_spacing"][:, 0] <= 10,
    "pixel_spacing.column>0.001": lambda c: c["pixel_spacing"][:, 1] > 0.001,
    "value_range.max>300": lambda c: c["value_range"][:, 1] > 300,
    "value_range.min<1": lambda c: c["value_range"][:, 0] < 1,
    "window.width>=1": lambda c: c["window"][:, 1] >= 1,
    "window.center>-1000": lambda c: c["window"][:, 0] > -1000,
    "image_position.z<100000": lambda c: c["image_position"][:, 2] < 100000,
    "image_position.x>-100000": lambda c: c["image_position"][:, 0] > -100000,
    "image_position.y>=-100000": lambda c: c["image_position"][:, 1] >= -100000,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_select_as_numpy_does(condition, any_data, dicomprep):
    contents = Contents(any_data)
    expected = np.flatnonzero(CONDITIONS[condition](contents)).tolist()
    if not expected:
        assert "no row" in no_rows(dicomprep, any_data, condition)
        return
    assert rows(dicomprep, any_data, "--where", condition, "--no-shuffle") == expected
    shuffled = rows(dicomprep, any_data, "--where", condition)
    assert sorted(shuffled) == expected


def no_rows(dicomprep, file, *conditions):
    words = [word for condition in conditions for word in ("--where", condition)]
    return run(dicomprep, file, *words, code=1).stderr


def test_texts_are_compared_whole(final_data, contents, dicomprep):
    patient, name, source = contents["patient_id"][3], contents["id"][7], contents["source"][11]
    original = contents["original_id"][3]
    for condition, expected in ((f"patient_id={patient}", contents["patient_id"] == patient),
                                (f"patient_id != {patient}", contents["patient_id"] != patient),
                                (f"original_id={original}", contents["original_id"] == original),
                                (f"id={name}", contents["id"] == name),
                                (f"source={source}", contents["source"] == source)):
        found = rows(dicomprep, final_data, "--where", condition, "--no-shuffle")
        assert found == np.flatnonzero(expected).tolist(), condition
    assert "no row" in no_rows(dicomprep, final_data, f"patient_id={patient[:-1]}")


def test_a_float32_column_equals_what_was_written(final_data, contents, dicomprep):
    spacing = str(contents["pixel_spacing"][0, 0])
    found = rows(dicomprep, final_data, "--where", f"pixel_spacing.row={spacing}", "--no-shuffle")
    assert found == np.flatnonzero(contents["pixel_spacing"][:, 0] == np.float32(spacing)).tolist()


def test_all_conditions_must_be_met(final_data, contents, dicomprep):
    words = ["--where", "annotated.outer=1", "--where", "split!=test", "--split", "train", "--no-shuffle"]
    wanted = (contents["annotated"][:, 1] == 1) & (contents["split"] == "train")
    assert rows(dicomprep, final_data, *words) == np.flatnonzero(wanted).tolist()
    said = no_rows(dicomprep, final_data, "annotated.outer=1", "annotated.outer=0")
    assert "annotated.outer=1" in said.replace(" ", "") and "annotated.outer=0" in said.replace(" ", "")


# ---------------------------------------------------------------- structures


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("structures", ["inner", "outer", "inner,outer", "outer,inner"])
def test_mask_planes_stand_in_the_order_asked_for(structures, layout, any_data, dicomprep):
    contents = Contents(any_data)
    words = ["--structures", structures, "--layout", layout, "--no-shuffle"]
    for dtype in ("uint8", "float32"):
        images, masks = joined(stream(dicomprep, any_data, *words, "--mask-dtype", dtype))
        expected = contents.masks[..., [contents.structures.index(name) for name in structures.split(",")]]
        expected = expected if layout == "nhwc" else expected.transpose(0, 3, 1, 2)
        assert masks.dtype == dtype and np.array_equal(masks, expected)
        assert np.array_equal(images.ravel(), contents.images.ravel())


# ---------------------------------------------------------------- balance


def groups(contents, name):
    if name in contents.structures:
        return (contents["mask_pixels"][:, contents.structures.index(name)] > 0).astype(int)
    return contents[name]


@pytest.mark.parametrize("name", ["outer", "patient_id", "original_id", "split"])
def test_groups_come_equally_often(name, any_data, dicomprep):
    contents = Contents(any_data)
    found = epochs(dicomprep, any_data, "--balance", name, "--epochs", 12, "--image-dtype", "stored")
    of = groups(contents, name)
    kinds, total = set(of.tolist()), Counter()
    assert len(kinds) > 1
    for order in found.values():
        drawn = Counter(of[order].tolist())
        assert len(order) == len(contents) and set(drawn) == kinds
        assert max(drawn.values()) - min(drawn.values()) <= 1
        total += drawn
        assert max(total.values()) - min(total.values()) <= 1
    # Within its group every row is as likely as another: no count lies further off than chance brings.
    seen = Counter(row for order in found.values() for row in order)
    for kind in kinds:
        members = np.flatnonzero(of == kind)
        mean = total[kind] / len(members)
        assert all(abs(seen[row] - mean) < 6 * math.sqrt(mean) for row in members.tolist())


def test_balance_within_a_selection(final_data, contents, dicomprep):
    words = ["--balance", "outer", "--split", "train", "--epochs", 20]
    order = rows(dicomprep, final_data, *words)
    of = groups(contents, "outer")
    assert set(contents["split"][order]) == {"train"}
    assert abs(int(of[order].sum()) * 2 - len(order)) <= 1


def test_balance_is_decided_by_the_seed_alone(final_data, dicomprep):
    words = ["--balance", "outer", "--epochs", 3]
    expected = epochs(dicomprep, final_data, *words)
    assert epochs(dicomprep, final_data, *words, "-b", 3, "--threads", 5, "--cache", 0) == expected
    assert epochs(dicomprep, final_data, *words, "--seed", 1) != expected
    assert len({tuple(order) for order in expected.values()}) == 3
    for world_size in (2, 3):
        for rank in range(world_size):
            found = epochs(dicomprep, final_data, *words, "--world-size", world_size, "--rank", rank)
            assert found == {epoch: distributed(order, rank, world_size, "pad") for epoch, order in expected.items()}


def test_balanced_images_are_those_of_the_rows(final_data, contents, dicomprep):
    words = ["--balance", "patient_id", "--epochs", 2, "--image-dtype", "stored"]
    images, masks = joined(stream(dicomprep, final_data, *words))
    order = rows(dicomprep, final_data, *words)
    assert np.array_equal(images, contents.images[order]) and np.array_equal(masks, contents.masks[order])


# ---------------------------------------------------------------- without end


def test_no_number_of_epochs_is_without_end(final_data, dicomprep):
    words = ["-b", 8, "--image-dtype", "stored"]
    some = stream(dicomprep, final_data, *words, "--epochs", 30)
    with start(dicomprep, final_data, *words, "--epochs", 0) as process:
        assert process.stdout.read(len(some)) == some
        assert process.poll() is None
        process.stdout.close()
        assert process.wait(timeout=5) == 0
        assert all(line.startswith(b"note: without --split") for line in process.stderr)
