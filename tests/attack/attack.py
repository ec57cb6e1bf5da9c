#!/usr/bin/env python3
"""Attacks on the program: damaged files, inputs that change, signals, limits of the system, and names that must not leave.

    attack.py PROGRAM [--runs N] [--seed S] [--only NAME...]

Each attack runs the program many times with another accident, which its seed decides, and counts:

- crashes: ends by a signal that was not sent, by a panic, or with an exit code that the documentation does not name;
- hangs: runs that take longer than 10 seconds, or that do not end within 10 seconds of a signal;
- wrong results: other pixels, masks or texts than the right ones with exit code 0, a file that `verify` does not find
  sound, something left behind, or a marker in an output;
- found: runs in which the program named the accident and did not go on as if nothing was.

Prints a table as Markdown, and every run that went wrong. Exit code 1 where there is one.
"""
import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
from trees import dicom, noise, small_study  # noqa: E402

LIMIT = 10
CODES = (0, 1, 2, 3)
MARKER = b"Wolpertinger"


class Attack:
    """One kind of accident, and what was counted."""

    def __init__(self, name, program, folder, seed):
        self.name, self.program, self.folder = name, str(program), Path(folder)
        self.chance = random.Random(f"{name} {seed}")
        self.runs = self.crashes = self.hangs = self.wrong = self.found = 0
        self.told = []

    def run(self, *words, codes=CODES, **options):
        """Runs the program once, and counts a crash or a hang. `None` where there was one."""
        self.runs += 1
        words = [self.program, *map(str, words)]
        try:
            result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, **options)
        except subprocess.TimeoutExpired:
            self.hangs += 1
            self.told.append(f"hangs: {' '.join(words)}")
            return None
        return self.judge(words, result.returncode, result, codes)

    def judge(self, words, code, result, codes=CODES):
        if code not in codes or b"internal error" in result.stderr:
            self.crashes += 1
            self.told.append(f"crashes: {' '.join(words)}: {code}: {result.stderr[:300]}")
            return None
        return result

    def is_wrong(self, what):
        self.wrong += 1
        self.told.append(f"wrong: {what}")

    def row(self):
        return (f"| {self.name} | {self.runs:,} | {self.crashes} | {self.hangs} | {self.wrong} | {self.found:,} |")


def study(folder, patients=4, images=3, side=16):
    return small_study(folder / "data", [f"P{number}" for number in range(patients)], images, side)


def must(program, *words):
    """Runs the program without an accident."""
    result = subprocess.run([str(program), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def flips(attack, runs):
    """A bit of a file flips, anywhere, and every command reads it."""
    folder, program = attack.folder, attack.program
    data = study(folder).root
    keep = ["--on-finding", "keep"]
    must(program, "prep", data, "-o", folder / "good.h5", *keep)
    must(program, "whiten", folder / "good.h5", "-o", folder / "good.zca.h5")
    for index in range(2):
        must(program, "prep", data, "-o", folder / f"s{index}.h5", "--shard", f"{index}/2", *keep)
    must(program, "merge", "--virtual", "-o", folder / "virtual.h5", folder / "s0.h5", folder / "s1.h5")
    ways = {
        "batches": (["batches", "FILE", "-q", "--image-dtype", "stored"], "good.h5"),
        "batches of a virtual file": (["batches", folder / "virtual.h5", "-q"], "s1.h5"),
        "batches, whitened": (["batches", folder / "good.h5", "--zca-whitening", "FILE", "-q"], "good.zca.h5"),
        "describe": (["batches", "FILE", "--describe"], "good.h5"),
        "info": (["info", "FILE"], "good.h5"),
        "explain": (["explain", "FILE", "--at", "0:0:0"], "good.h5"),
        "preview": (["preview", "FILE", "--terminal=always", "-q"], "good.h5"),
        "verify": (["verify", "FILE", "-q"], "good.h5"),
        "verify of a virtual file": (["verify", folder / "virtual.h5", "-q"], "s1.h5"),
        "diff": (["diff", folder / "good.h5", "FILE"], "good.h5"),
        "merge": (["merge", folder / "s0.h5", "FILE", "-o", folder / "merged.h5", "--force", "-q"], "s1.h5"),
        "reuse": (["prep", data, "-o", folder / "again.h5", "--reuse", "FILE", "--force", "-q", *keep], "good.h5"),
    }
    right = {}
    for way, (words, name) in ways.items():
        output = must(program, *[folder / name if word == "FILE" else word for word in words])
        right[way] = (folder / words[words.index("-o") + 1]).read_bytes() if "-o" in words else output
    sound = {name: (folder / name).read_bytes() for _, name in ways.values()}
    for _ in range(runs):
        way = attack.chance.choice(list(ways))
        words, name = ways[way]
        damaged = bytearray(sound[name])
        damaged[attack.chance.randrange(len(damaged))] ^= 1 << attack.chance.randrange(8)
        # A virtual file names its shards, so the damage is done in place.
        path = folder / name if "virtual" in way else folder / "flipped.h5"
        path.write_bytes(damaged)
        result = attack.run(*[path if word == "FILE" else word for word in words])
        if "virtual" in way:
            path.write_bytes(sound[name])
        if result is None:
            continue
        attack.found += result.returncode != 0
        if result.returncode == 0:
            made = Path(words[words.index("-o") + 1]).read_bytes() if "-o" in words else result.stdout
            made = made.replace(b"flipped.h5", name.encode())
            expected = right[way].replace(str(folder / "good.h5").encode(), str(path).encode().replace(
                b"flipped.h5", b"good.h5"))
            if made != expected and not ("-o" in words and is_equal(program, folder, made, expected)):
                attack.is_wrong(f"{way}: another result with exit code 0")


def is_equal(program, folder, made, expected):
    """True if two files hold the same. Compressed data are taken over as they are, with the bits after their end."""
    for name, content in (("made.h5", made), ("expected.h5", expected)):
        (folder / name).write_bytes(content)
    words = ["diff", folder / "expected.h5", folder / "made.h5"]
    compared = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True)
    verified = subprocess.run([program, "verify", folder / "made.h5", "-q"], stdin=subprocess.DEVNULL, capture_output=True)
    return compared.returncode == verified.returncode == 0


def changes(attack, runs):
    """Inputs are replaced, cut, removed or led out of the folder while `prep` runs."""
    outside = attack.folder / "outside"
    outside.mkdir()
    image = noise((16, 16), 0, 900, "outside").astype(np.int16)
    image[0, :6] = np.frombuffer(MARKER, np.int16)
    dicom(image).save_as(outside / "secret.dcm", enforce_file_format=True)
    for number in range(runs):
        folder = attack.folder / str(number)
        data = study(folder, 6, 6, 16)
        files = [path for path in data.root.rglob("*.*") if path.is_file() and path.name != "link.csv"]
        words = [attack.program, "prep", data.root, "-o", folder / "x.h5", "--compression", "0", "-q",
                 "--threads", "1", "--on-finding", "keep"]
        attack.runs += 1
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while process.poll() is None and attack.chance.random() < 0.98:
            accident(attack.chance, files, outside / "secret.dcm")
        try:
            _, said = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            attack.hangs += 1
            attack.told.append(f"hangs: {number}")
            continue
        if process.returncode not in CODES:
            attack.crashes += 1
            attack.told.append(f"crashes: {number}: {process.returncode}: {said[:300]}")
            continue
        attack.found += process.returncode != 0
        made = folder / "x.h5"
        if made.exists():
            if MARKER in made.read_bytes():
                attack.is_wrong(f"run {number}: a file outside of the data directory was read")
            if subprocess.run([attack.program, "verify", made, "-q"], capture_output=True).returncode != 0:
                attack.is_wrong(f"run {number}: the file is not sound")
        shutil.rmtree(folder)


def accident(chance, files, secret):
    path = chance.choice(files)
    what = chance.choice(["link", "cut", "remove", "rewrite"])
    try:
        if what == "link":
            other = path.with_name(path.name + ".new")
            other.symlink_to(secret)
            os.replace(other, path)
        elif what == "cut":
            os.truncate(path, chance.randrange(1 + path.stat().st_size))
        elif what == "remove":
            path.unlink()
        else:
            path.write_bytes(b"1 1\n5 1\n5 5\n1 5\n" if path.suffix == ".txt" else path.read_bytes()[::-1])
    except OSError:
        pass


def signals(attack, runs):
    """A signal ends any command at any moment; nothing is left but what the next run goes on from."""
    folder = attack.folder
    data = study(folder, 8, 6, 64).root
    good = folder / "good.h5"
    keep = ["--on-finding", "keep"]
    must(attack.program, "prep", data, "-o", good, *keep)
    for number in range(runs):
        out = folder / f"out-{number}"
        out.mkdir()
        words = attack.chance.choice([
            ["prep", data, "-o", out / "x.h5", "--segment-rows", "8", *keep],
            ["verify", good, "--against", data],
            ["preview", good, "-o", out / "x.html"],
            ["batches", good, "-o", out / "x.npy", "--epochs", "50"],
            ["whiten", good, "-o", out / "x.zca.h5"],
            ["diff", good, good],
        ])
        attack.runs += 1
        command = [attack.program, *map(str, words)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(attack.chance.random() ** 2 * 0.5)
        sent = attack.chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
        process.send_signal(sent)
        try:
            _, said = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            attack.hangs += 1
            attack.told.append(f"hangs after a signal: {' '.join(command)}")
            continue
        if process.returncode not in (*CODES, -sent):
            attack.crashes += 1
            attack.told.append(f"crashes: {' '.join(command)}: {process.returncode}: {said[:300]}")
        attack.found += process.returncode != 0
        left = {path.name for path in out.iterdir()} - {"x.h5", "x.h5.parts", "x.html", "x.npy", "x.zca.h5"}
        # A program that had not begun to watch for signals leaves what the next run removes.
        if left and process.returncode != -sent:
            attack.is_wrong(f"{' '.join(command)}: left {sorted(left)}")
        if words[0] == "prep":
            must(attack.program, "prep", data, "-o", out / "x.h5", "--force", *keep)
            if (out / "x.h5").read_bytes() != good.read_bytes():
                attack.is_wrong("a run that goes on makes another file")
        shutil.rmtree(out)


def least_memory(program):
    """The address space in MiB that the system needs to load the program: with less, none of its code runs."""
    for size in range(16, 400):
        limit = (size << 20, size << 20)
        loaded = subprocess.run([program, "--version"], capture_output=True,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit))
        if loaded.returncode == 0:
            return size
    raise SystemExit("the program does not run in 400 MiB")


def limits(attack, runs):
    """Few open files, little memory, small files: an error that says so, and exit code 1."""
    folder = attack.folder
    data = study(folder, 4, 4, 32).root
    good = folder / "good.h5"
    must(attack.program, "prep", data, "-o", good, "--on-finding", "keep")
    right = must(attack.program, "batches", good, "-q")
    least = least_memory(attack.program)
    for number in range(runs):
        kind, amount = attack.chance.choice([
            (resource.RLIMIT_NOFILE, attack.chance.randrange(5, 40)),
            (resource.RLIMIT_AS, (least + attack.chance.randrange(8, 360)) << 20),
            (resource.RLIMIT_FSIZE, attack.chance.randrange(0, 60_000)),
        ])
        out = folder / f"{number}.h5"
        words = attack.chance.choice([
            ["prep", data, "-o", out, "--segment-rows", "4", "--on-finding", "keep", "-q", "--threads", "2"],
            ["batches", good, "-q", "--threads", "2"],
            ["verify", good, "-q", "--threads", "2"],
        ])
        # The HDF5 library writes through a null pointer where it gets no memory for a dataspace. What counts then is that
        # no half of a file appears under the name of the output.
        codes = (*CODES, -signal.SIGSEGV) if kind == resource.RLIMIT_AS else CODES
        result = attack.run(*words, codes=codes, preexec_fn=lambda: resource.setrlimit(kind, (amount, amount)))
        if result is None:
            continue
        if result.returncode == -signal.SIGSEGV and out.exists():
            attack.is_wrong(f"prep leaves an output under limit {kind} of {amount}")
        attack.found += result.returncode != 0
        if result.returncode == 1 and not result.stderr:
            attack.is_wrong(f"{words[0]} ends without a word under limit {kind} of {amount}")
        if words[0] == "batches" and result.returncode == 0 and result.stdout != right:
            attack.is_wrong(f"batches: another result under limit {kind} of {amount}")
        if words[0] == "prep" and result.returncode == 0 and out.read_bytes() != good.read_bytes():
            attack.is_wrong(f"prep: another file under limit {kind} of {amount}")
        for path in folder.glob(f"*{number}.h5*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def markers(attack, runs):
    """With a key, no name of a header, a folder or the link table leaves, in any output of the file."""
    tags = ["PatientName", "PatientID", "InstitutionName", "StudyDescription", "ReferringPhysicianName", "StationName",
            "ImageComments", "AccessionNumber", "ProtocolName", "DeviceSerialNumber"]
    key = attack.folder / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    for number in range(runs):
        folder = attack.folder / str(number)
        marker = f"{MARKER.decode()}{attack.chance.randrange(10**9)}"
        data = small_study(folder / "data", [f"{marker}-{n}" for n in range(3)], 1, 16)
        chosen = {tag: marker for tag in attack.chance.sample(tags, 4)}
        for n in range(3):
            image = noise((16, 16), 0, 900, number, n).astype(np.int16)
            data.add(f"{marker}-{n}", 2, dicom(image, **chosen))
        made, report = folder / "x.h5", folder / "x.json"
        result = attack.run("prep", data.root, "-o", made, "--pseudonym-key", key, "--report", report, "--compression", "0",
                            "--report-ids", "pseudonyms", "-q", "--on-finding", "keep")
        outputs = [made, report]
        for words in (["batches", made, "--format", "arrow"], ["batches", made, "--format", "webdataset"], ["info", made],
                      ["explain", made, "--at", "0:0:0"]):
            told = attack.run(*words, "-q") if words[0] == "batches" else attack.run(*words)
            outputs.append(told.stdout if told else b"")
        for output in outputs:
            content = output if isinstance(output, bytes) else output.read_bytes().replace(str(folder).encode(), b"")
            if marker.encode() in content:
                attack.is_wrong(f"run {number}: a marker in an output")
        attack.found += result is not None and result.returncode == 0
        shutil.rmtree(folder)


# Every attack, and its part of all runs.
ATTACKS = {"flips": (flips, 0.9), "changes": (changes, 0.02), "signals": (signals, 0.02), "limits": (limits, 0.05),
           "markers": (markers, 0.01)}


def attack(program, runs, seed=0, only=tuple(ATTACKS)):
    """Runs all attacks, and returns them."""
    done = []
    for name in only:
        kind, part = ATTACKS[name]
        with tempfile.TemporaryDirectory() as folder:
            done.append(Attack(name, program, folder, seed))
            kind(done[-1], max(1, round(runs * part)))
    return done


def table(attacks):
    head = "| attack | runs | crashes | hangs | wrong results | found |\n|---|---|---|---|---|---|\n"
    return head + "".join(attack.row() + "\n" for attack in attacks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(ATTACKS), default=list(ATTACKS))
    args = parser.parse_args()
    attacks = attack(args.program.resolve(), args.runs, args.seed, args.only)
    print(table(attacks), end="")
    for one in attacks:
        for line in one.told:
            print(line, file=sys.stderr)
    sys.exit(any(one.told for one in attacks))
