"""Damage in the heaps of texts is refused by every command before the HDF5 library looks there, and no output is an
input. The damage here, another signature of a heap, is one that the library refuses too."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from trees import small_study

SAID = "the texts of the attributes of"


def damage_texts(path):
    """Makes the first heap of texts of the file no heap."""
    data = bytearray(path.read_bytes())
    at = data.find(b"GCOL")
    assert at > 0
    data[at] = ord("X")
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return small_study(tmp_path_factory.mktemp("guard") / "d", ["A", "B", "C", "D"], images=4)


@pytest.fixture(scope="module")
def files(study, dicomprep, tmp_path_factory):
    """A sound file, one whose texts are damaged, its shards, a virtual file and a whitening file."""
    folder = tmp_path_factory.mktemp("files")
    dicomprep.prep(study.root, folder / "good.h5")
    dicomprep("whiten", folder / "good.h5", "-o", folder / "good.zca.h5")
    shutil.copy(folder / "good.h5", folder / "bad.h5")
    shutil.copy(folder / "good.zca.h5", folder / "bad.zca.h5")
    for index in range(2):
        dicomprep.prep(study.root, folder / f"s{index}.h5", "--shard", f"{index}/2")
    dicomprep("merge", "--virtual", "-o", folder / "virtual.h5", folder / "s0.h5", folder / "s1.h5")
    shutil.copy(folder / "s1.h5", folder / "whole-s1.h5")
    for name in ("bad.h5", "bad.zca.h5", "s1.h5"):
        damage_texts(folder / name)
    return folder


# Every command that reads a file of ours, and every way in: the words, and which file is damaged.
WAYS = {
    "info": [["info", "bad.h5"]],
    "verify": [["verify", "bad.h5"], ["verify", "virtual.h5"], ["verify", "bad.h5", "--against", "STUDY"]],
    "diff": [["diff", "bad.h5", "good.h5"], ["diff", "good.h5", "bad.h5"], ["diff", "virtual.h5", "good.h5"]],
    "repair": [["repair", "bad.h5", "--against", "STUDY", "-o", "OUT"]],
    "merge": [["merge", "s0.h5", "s1.h5", "-o", "OUT"], ["merge", "--virtual", "s0.h5", "s1.h5", "-o", "OUT"]],
    "batches": [["batches", "bad.h5"], ["batches", "bad.h5", "--describe"], ["batches", "virtual.h5"],
                ["batches", "s0.h5", "s1.h5"], ["batches", "good.h5", "--zca-whitening", "bad.zca.h5"]],
    "explain": [["explain", "bad.h5", "--at", "0:0:0"], ["explain", "virtual.h5", "--at", "0:0:0"]],
    "preview": [["preview", "bad.h5", "-o", "OUT"], ["preview", "bad.h5", "--png", "OUT"],
                ["preview", "virtual.h5", "--terminal=always"], ["preview", "bad.h5", "-o", "OUT", "--against", "STUDY"]],
    "serve": [["serve", "bad.h5", "--listen", "127.0.0.1:0"], ["serve", "virtual.h5", "--listen", "127.0.0.1:0"]],
    "whiten": [["whiten", "bad.h5", "-o", "OUT"], ["whiten", "virtual.h5", "-o", "OUT"]],
    "prep": [["prep", "STUDY", "-o", "OUT", "--reuse", "bad.h5"], ["prep", "STUDY", "-o", "OUT", "--reuse", "virtual.h5"],
             ["prep", "STUDY", "-o", "OUT", "--split-from", "bad.h5"]],
}
# These read no file of ours.
OTHERS = {"audit", "structures", "completions", "help"}


def test_every_command_is_listed(dicomprep):
    """A new command that reads files of ours belongs to WAYS."""
    text = dicomprep("--help").stdout
    commands = set(re.findall(r"^  ([a-z-]+) ", text.split("Commands:")[1].split("Options:")[0], re.M))
    assert commands == set(WAYS) | OTHERS


# Options that name files which are no HDF5 file of ours, or are written.
NO_FILE_OF_OURS = {"--config", "--output", "--report", "--plan", "--link", "--dicoms", "--contours", "--table", "--pseudonym-key",
                   "--split-file", "--augment", "--token-file", "--tls-cert", "--tls-key", "--against"}


def test_every_option_that_names_a_file_is_listed(dicomprep):
    """A new option that names a file of ours belongs to WAYS, any other to NO_FILE_OF_OURS."""
    for command, ways in WAYS.items():
        text = dicomprep(command, "--help").stdout
        named = set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+) <(?:[A-Z_|]*FILE|CSV|DIR|DATA_DIR|PATH)>", text, re.M))
        tried = {word for way in ways for word in way if word.startswith("--")}
        assert named <= tried | NO_FILE_OF_OURS, command


@pytest.mark.parametrize("words", [words for ways in WAYS.values() for words in ways], ids=" ".join)
def test_the_guard_runs_on_every_way_in(words, files, study, dicomprep, tmp_path):
    place = {"STUDY": study.root, "OUT": tmp_path / "out"}
    result = dicomprep(*[place.get(word, word) for word in words], cwd=files, timeout=30)
    assert result.returncode == 1 and SAID in result.stderr, result.stderr
    assert not (tmp_path / "out").is_file()


def test_a_damaged_shard_behind_a_virtual_file_is_named(files, dicomprep):
    result = dicomprep("verify", "virtual.h5", cwd=files)
    assert result.returncode == 1 and "s1.h5" in result.stderr


def test_damaged_parts_of_an_earlier_version_go_and_what_is_none_stays(study, files, dicomprep, tmp_path):
    out, parts = tmp_path / "x.h5", tmp_path / "x.h5.parts"
    parts.mkdir()
    shutil.copy(files / "bad.h5", parts / "part-000001.h5")
    (parts / "part-000002.h5").write_bytes(b"not ours")
    (parts / "part-of-mine").write_bytes(b"not ours")
    result = dicomprep.prep(study.root, out)
    assert "x.h5.parts: the parts of an earlier version were removed (1)" in result.stderr
    assert "part-000002.h5: it is none of the parts" in result.stderr
    assert "part-of-mine: it is none of the parts and is left alone" in result.stderr
    assert sorted(os.listdir(parts)) == ["part-000002.h5", "part-of-mine"] and (parts / "part-000002.h5").read_bytes() == b"not ours"
    dicomprep.prep(study.root, tmp_path / "fresh.h5")
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()
    dicomprep.prep(study.root, out, "--force", "--fresh")
    assert sorted(os.listdir(parts)) == ["part-000002.h5", "part-of-mine"]
    # Nor is a whole data set a part, whatever its name.
    (parts / "part-000002.h5").unlink()
    shutil.copy(tmp_path / "fresh.h5", parts / "part-000007.h5")
    result = dicomprep.prep(study.root, out, "--force")
    assert "part-000007.h5: it is none of the parts but a whole data set" in result.stderr
    assert (parts / "part-000007.h5").exists()


# ---------------------------------------------------------------- texts that changed


def change_text(path, attribute=b"center"):
    """Changes a letter of a text attribute: HDF5 reads it without a word."""
    data = bytearray(path.read_bytes())
    heap = data.find(b"GCOL")
    at = data.find(attribute, heap)
    assert at > heap
    data[at] ^= 2
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("words", [["info"], ["info", "--json"], ["preview", "-o", "OUT"], ["preview", "--terminal=always"]],
                         ids=" ".join)
def test_what_is_shown_is_checked(words, files, dicomprep, tmp_path):
    path = change_text(shutil.copy(files / "good.h5", tmp_path / "a.h5"))
    words = [tmp_path / "out" if word == "OUT" else word for word in words]
    result = dicomprep(words[0], path, *words[1:])
    assert result.returncode == 1 and "/@text_checksum" in result.stderr, result.stderr
    assert "centep" not in result.stdout and not (tmp_path / "out").exists()


def test_texts_of_a_shard_are_verified_through_the_virtual_file(files, dicomprep, tmp_path):
    for name, source in (("s0.h5", "s0.h5"), ("s1.h5", "whole-s1.h5")):
        shutil.copy(files / source, tmp_path / name)
    dicomprep("merge", "--virtual", "-o", tmp_path / "v.h5", tmp_path / "s0.h5", tmp_path / "s1.h5")
    assert dicomprep("verify", tmp_path / "v.h5").returncode == 0
    change_text(tmp_path / "s1.h5")
    result = dicomprep("verify", tmp_path / "v.h5")
    assert result.returncode == 1 and "s1.h5" in result.stderr and "text_checksum" in result.stderr


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize("words", [
    ["preview", "good.h5", "-o", "OUT", "--report", "PIPE"],
    ["prep", "STUDY", "-o", "OUT", "--split-file", "PIPE"],
    ["batches", "good.h5", "-o", "OUT", "--augment", "PIPE"],
    ["explain", "good.h5", "--at", "0:0:0", "--augment", "PIPE"],
], ids=lambda words: " ".join(words[:1] + words[-2:]))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_ends_what_waits_for_a_pipe(words, number, files, study, dicomprep, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    place = {"STUDY": study.root, "OUT": tmp_path / "out", "PIPE": pipe}
    command = [str(dicomprep.path), *[str(place.get(word, word)) for word in words]]
    # A shell that starts the tests in the background has SIGINT ignored.
    process = subprocess.Popen(command, cwd=files, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    time.sleep(0.5)
    if process.poll() is not None:
        pytest.skip(f"refuses a pipe: {process.stderr.read()}")
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode in (1, -number)
    assert sorted(os.listdir(tmp_path)) == ["pipe"]


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("how", ["path", "symbolic link", "hard link"])
@pytest.mark.parametrize("words", [
    ["prep", "STUDY", "-o", "WRITTEN", "--pseudonym-key", "READ"],
    ["prep", "STUDY", "-o", "OUT", "--report", "WRITTEN", "--pseudonym-key", "READ"],
    ["prep", "STUDY", "-o", "OUT", "--report", "WRITTEN", "--split-file", "READ"],
    ["prep", "STUDY", "-o", "OUT", "--report", "WRITTEN", "--reuse", "READ"],
    ["verify", "good.h5", "--against", "STUDY", "--pseudonym-key", "READ", "--report", "WRITTEN"],
    ["repair", "good.h5", "--against", "STUDY", "--pseudonym-key", "READ", "-o", "WRITTEN"],
    ["batches", "good.h5", "-o", "WRITTEN", "--augment", "READ"],
    ["batches", "good.h5", "-o", "WRITTEN", "--zca-whitening", "READ"],
    ["preview", "good.h5", "-o", "WRITTEN", "--report", "READ"],
    ["whiten", "READ", "-o", "WRITTEN"],
    ["explain", "READ", "--at", "0:0:0", "-o", "WRITTEN"],
    ["merge", "READ", "s0.h5", "-o", "WRITTEN"],
], ids=lambda words: " ".join(words[:1] + words[2:]))
def test_nothing_that_is_read_is_replaced(words, how, files, study, dicomprep, tmp_path):
    read, written = tmp_path / "read", tmp_path / "read"
    read.write_text("precious key of many bytes")
    if how != "path":
        written = tmp_path / "written"
        written.symlink_to(read) if how == "symbolic link" else written.hardlink_to(read)
    place = {"STUDY": study.root, "OUT": tmp_path / "out", "READ": read, "WRITTEN": written}
    result = dicomprep(*[place.get(word, word) for word in words], "--force", cwd=files)
    assert result.returncode == 2 and "is read" in result.stderr, result.stderr
    assert read.read_text() == "precious key of many bytes"


def test_a_shard_behind_a_virtual_file_is_not_replaced(files, dicomprep, tmp_path):
    for name, source in (("s0.h5", "s0.h5"), ("s1.h5", "whole-s1.h5")):
        shutil.copy(files / source, tmp_path / name)
    dicomprep("merge", "--virtual", "-o", tmp_path / "v.h5", tmp_path / "s0.h5", tmp_path / "s1.h5")
    before = (tmp_path / "s1.h5").read_bytes()
    for words in (["batches", tmp_path / "v.h5", "-o"], ["whiten", tmp_path / "v.h5", "-o"],
                  ["preview", tmp_path / "v.h5", "-o"]):
        result = dicomprep(*words, tmp_path / "s1.h5", "--force")
        assert result.returncode == 2, result.stderr
    with open(tmp_path / "v.h5", "ab") as out:
        result = subprocess.run([dicomprep.path, "info", tmp_path / "v.h5"], stdout=out, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2 and "standard output" in result.stderr
    assert (tmp_path / "s1.h5").read_bytes() == before


def test_an_output_that_is_a_link_is_written_where_it_leads(study, dicomprep, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "x.h5").symlink_to("disk/big.h5")
    dicomprep.prep(study.root, tmp_path / "x.h5", "--segment-rows", "4")
    first = (tmp_path / "disk" / "big.h5").read_bytes()
    result = dicomprep("prep", study.root, "-o", tmp_path / "x.h5")
    assert result.returncode == 1 and "--force" in result.stderr
    dicomprep.prep(study.root, tmp_path / "x.h5", "--force", "--compression", "0")
    assert (tmp_path / "x.h5").is_symlink() and (tmp_path / "disk" / "big.h5").read_bytes() != first
    assert os.listdir(tmp_path / "disk") == ["big.h5"] and sorted(os.listdir(tmp_path)) == ["disk", "x.h5"]
