"""Pictures of samples for notebooks, as PNG, made without other packages."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dicomprep._dataset import Dataset

_COLOURS = ((255, 200, 0), (0, 190, 255), (255, 80, 120), (120, 255, 80))


class Picture:
    """An image (H, W, C) with the outlines of its masks (H, W, K)."""

    def __init__(self, image: NDArray[Any], mask: NDArray[Any]) -> None:
        self.image, self.mask = image, mask

    def pixels(self) -> NDArray[Any]:
        """RGB of uint8 (H, W, 3), grey values stretched between the outer percentiles 0.5 and 99.5."""
        import numpy as np

        image = self.image.astype(np.float32)
        low, high = np.percentile(image, [0.5, 99.5])
        grey = np.clip((image - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
        rgb = np.repeat(grey, 3, axis=-1) if grey.shape[-1] == 1 else np.ascontiguousarray(grey[..., :3])
        for plane in range(self.mask.shape[-1]):
            inside = self.mask[..., plane] > 0
            padded = np.pad(inside, 1)
            core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
            rgb[inside & ~core] = _COLOURS[plane % len(_COLOURS)]
        return rgb

    def _repr_png_(self) -> bytes:
        return png(self.pixels())


def png(rgb: NDArray[Any]) -> bytes:
    """RGB of uint8 (H, W, 3) as a PNG file."""
    height, width, _ = rgb.shape
    lines = b"".join(b"\0" + line.tobytes() for line in rgb)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def strip(samples: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> str:
    """Pictures side by side."""
    data = (base64.b64encode(png(Picture(image, mask).pixels())).decode() for image, mask in samples)
    return "".join(f'<img width="96" style="margin:2px" src="data:image/png;base64,{one}">' for one in data)


def page(dataset: Dataset) -> str:
    """A table of splits and eight samples."""
    import numpy as np

    splits = dataset.selected_columns["split"]
    names, counts = np.unique(splits, return_counts=True)
    cells = "".join(
        f"<tr><td>{html.escape(str(name)) or 'none'}</td><td>{count}</td></tr>"
        for name, count in zip(names, counts, strict=True)
    )
    step = max(len(dataset) // 8, 1)
    samples = [dataset[row] for row in range(0, len(dataset), step)][:8]
    table = f"<table><tr><th>split</th><th>samples</th></tr>{cells}</table>"
    return f"<p>{html.escape(repr(dataset))}</p>{table}{strip(samples)}"
