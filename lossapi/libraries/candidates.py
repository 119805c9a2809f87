"""Classes drawn as TensorFlow draws them: log-uniformly without repetition, from its own stream of random bits.

A class c of C has the probability log((c + 2) / (c + 1)) / log(C + 1), so that classes sorted by falling frequency
are drawn about as often as they occur (Zipf). The bits are Philox 4x32-10 of the graph's default seed and the
operation's, as a session of TensorFlow 1 has them when it runs the operation for the first time.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lossapi.domains import Array
from lossapi.errors import ParameterError, TooLarge

GRAPH_SEED = 87654321
LARGEST_SEED = 2**31 - 1
MOST_TRIES = 1 << 22
MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


class Candidates(NamedTuple):
    """The classes drawn, and how many tries it took to draw them all."""

    classes: Array
    tries: int


@lru_cache(maxsize=64)
def log_uniform(seed: int, count: int, classes: int) -> Candidates:
    """`count` different classes out of `classes`, in the order in which they were drawn."""
    if count > classes:
        raise ParameterError(f"num_sampled of at most {classes} (axis classes)", str(count), ("num_sampled",))
    drawn = np.empty(0, np.int64)
    found = np.empty(0, np.intp)
    while len(found) < count:
        if len(drawn) >= MOST_TRIES:
            raise TooLarge(
                f"classes that can be drawn in {MOST_TRIES} tries", f"{count} of {classes}", ("num_sampled",)
            )
        more = _draws(seed, len(drawn), max(2 * count, len(drawn), 1024), classes)
        drawn = np.concatenate([drawn, more])
        found = np.sort(np.unique(drawn, return_index=True)[1])
    kept = found[:count]
    chosen = drawn[kept]
    chosen.flags.writeable = False
    return Candidates(chosen, int(kept[-1]) + 1)


def _draws(seed: int, start: int, count: int, classes: int) -> Array:
    """Draws number `start` and on; each takes two words of the stream, a block holds two."""
    first = start // 2
    words = philox(np.arange(first, (start + count + 1) // 2 + 1, dtype=np.uint64), GRAPH_SEED, seed % LARGEST_SEED)
    pairs = words.reshape(-1, 2)[start - 2 * first :][:count]
    mantissa = ((pairs[:, 0] & np.uint64(0xFFFFF)) << SHIFT) | pairs[:, 1]
    uniform = mantissa.astype(np.float64) * 2.0**-52
    return (np.exp(uniform * np.log1p(classes)).astype(np.int64) - 1) % classes


def philox(blocks: Array, key: int, stream: int) -> Array:
    """Four 32-bit words for each block number: Philox 4x32 with ten rounds."""
    zero = np.zeros_like(blocks)
    words = [blocks & LOW, blocks >> SHIFT, zero + np.uint64(stream & 0xFFFFFFFF), zero + np.uint64(stream >> 32)]
    keys = np.array([key & 0xFFFFFFFF, key >> 32], np.uint64)
    for _ in range(10):
        one, two = MULTIPLIERS[0] * words[0], MULTIPLIERS[1] * words[2]
        words = [(two >> SHIFT) ^ words[1] ^ keys[0], two & LOW, (one >> SHIFT) ^ words[3] ^ keys[1], one & LOW]
        keys = (keys + WEYL) & LOW
    return np.stack(words, axis=-1)
