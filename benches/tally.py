"""What a contender that takes batches says on standard output: one JSON line an event, the times being the
system's monotonic clock, so that they can be compared between processes."""

import hashlib
import json
import resource
import time

import numpy as np


def say(event, **facts):
    print(json.dumps({"event": event, "at": time.monotonic(), **facts}), flush=True)


def cpu():
    """CPU seconds of this process and of those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Tally:
    """Counts what arrives. With `check`, adds up the digests of the samples too: the sum shows whether each
    sample came once, whatever the order."""

    def __init__(self, check=False, epoch=0):
        self.check, self.epoch = check, epoch
        self.samples = self.bytes = self.digest = 0
        self.first = None

    def start(self):
        """All that is before this is not on the clock."""
        self.before = cpu()
        say("ready")

    def add(self, images, masks):
        self.first = self.first or time.monotonic()
        self.samples += len(images)
        self.bytes += images.nbytes + masks.nbytes
        if self.check:
            self.digest = (self.digest + digests(images, masks)) % (1 << 64)
        if self.epoch and self.samples % self.epoch == 0:
            say("epoch")

    def finish(self, **facts):
        say("end", samples=self.samples, bytes=self.bytes, first=self.first, digest=self.digest,
            cpu=cpu() - self.before, **facts)


def digests(images, masks):
    """The sum over the digests of the samples, as they are in the file: int16 and uint8."""
    images = np.ascontiguousarray(images, "<i2")
    masks = np.ascontiguousarray(masks, np.uint8)
    pairs = zip(images, masks, strict=True)
    pairs = (hashlib.blake2b(image.tobytes() + mask.tobytes(), digest_size=8) for image, mask in pairs)
    return sum(int.from_bytes(pair.digest(), "little") for pair in pairs)
