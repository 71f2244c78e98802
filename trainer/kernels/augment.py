"""Random variants of training images: flip, shift, zoom, turn, distort; fresh ones each epoch.

One map from each pixel of the new image to a place in the old one, read there by bilinear interpolation;
beyond the border the border's colour goes on. Pixels are interpolated as they were before normalisation,
since mu and sigma differ from pixel to pixel. What an example becomes depends on (seed, epoch, example)
alone.
"""

import math
from typing import NamedTuple

import numpy as np

from ..choices import Augmentation
from .arrays import like, part
from .compile import inlined_kernel, inner_kernel
from .random import AUGMENT, key_of, uniform

KNOWN = sum(Augmentation)  # every bit that means something


class Motion(NamedTuple):
    """Where the pixel (y, x), measured from the middle, comes from: matrix and shift, then waves."""

    yy: float
    yx: float
    xy: float
    xx: float
    y: float
    x: float
    wave: float
    phase_y: float
    phase_x: float


@inlined_kernel
def augment(examples, order, begin, m, kinds, strength, seed, epoch, A):
    """Write variants of the examples order[begin : begin + m] into A (m, n)."""
    n = examples.mu.size
    height, width = examples.image[0], examples.image[1]
    for i in range(m):
        example = np.int64(order[begin + i])
        motion = draw_motion(key_of(seed, AUGMENT, epoch, example), kinds, strength, height, width)
        source = part(examples.X, example * n, n)
        move_image(source, part(A, i * n, n), examples.mu, examples.sigma, examples.image, motion)


@inlined_kernel
def draw_motion(key, kinds, strength, height, width):
    """Draw one variant; strength is the largest share of the size, or of a right angle."""
    at = np.int64(0)  # at + 1 is no literal: Numba would compile a variant for each
    zoom = 1.0 + strength * signed(key, at + 1) if kinds & Augmentation.zoom else 1.0
    angle = 0.5 * math.pi * strength * signed(key, at + 2) if kinds & Augmentation.rotate else 0.0
    mirror = -1.0 if kinds & Augmentation.flip and uniform(key, at + 3) < 0.5 else 1.0
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    shift = strength if kinds & Augmentation.shift else 0.0
    return Motion(
        yy=cosine,
        yx=sine * mirror,
        xy=-sine,
        xx=cosine * mirror,
        y=shift * height * signed(key, at + 4),
        x=shift * width * signed(key, at + 5),
        wave=0.5 * strength * min(height, width) * uniform(key, at + 6)
        if kinds & Augmentation.distort
        else 0.0,
        phase_y=2.0 * math.pi * uniform(key, at + 7),
        phase_x=2.0 * math.pi * uniform(key, at + 8),
    )


@inlined_kernel
def signed(key, i):
    """Return a random number in [-1, 1), number i of the key."""
    return 2.0 * uniform(key, i) - 1.0


@inner_kernel
def move_image(source, target, mu, sigma, image, motion):
    """Write one moved image (height, width, channels) into target."""
    height, width, channels = image[0], image[1], image[2]
    middle_y, middle_x = 0.5 * (height - 1), 0.5 * (width - 1)
    for row in range(height):
        for column in range(width):
            y, x = row - middle_y, column - middle_x
            from_y = middle_y + motion.yy * y + motion.yx * x + motion.y
            from_x = middle_x + motion.xy * y + motion.xx * x + motion.x
            if motion.wave > 0.0:
                from_y += motion.wave * math.sin(2.0 * math.pi * column / width + motion.phase_y)
                from_x += motion.wave * math.sin(2.0 * math.pi * row / height + motion.phase_x)
            pixel = (row * width + column) * channels
            interpolate(source, target, mu, sigma, pixel, from_y, from_x, height, width, channels)


@inner_kernel
def interpolate(source, target, mu, sigma, pixel, y, x, height, width, channels):
    """Write the channels of one pixel, read between the four pixels around (y, x)."""
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = np.int64(y), np.int64(x)
    below, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = like(source, y - top), like(source, x - left)
    one = like(source, 1)
    for channel in range(channels):
        a = (top * width + left) * channels + channel
        b = (top * width + right) * channels + channel
        c = (below * width + left) * channels + channel
        d = (below * width + right) * channels + channel
        upper = (one - along) * (source[a] * sigma[a] + mu[a]) + along * (source[b] * sigma[b] + mu[b])
        lower = (one - along) * (source[c] * sigma[c] + mu[c]) + along * (source[d] * sigma[d] + mu[d])
        p = pixel + channel
        target[p] = ((one - down) * upper + down * lower - mu[p]) / sigma[p]
