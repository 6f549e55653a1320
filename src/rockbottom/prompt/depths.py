"""How deep the prefixes of recorded prompts are, in the service's tokens.

The service counts a prompt as a whole, and what it read and wrote up to the last cachePoint. A prefix so counted in
one request is as deep in every other: the end of one turn lies within the next. Between two counted places tokens are
shared out in proportion to the estimates of the blocks.

Plain loops over anything with an index, so that they can be compiled where there are millions of blocks.
"""

from typing import Protocol

_MOST, _SMALL = 4, 50
"""How many times a part may be its estimate, where they differ by more than a fiftieth of the prompt: a count further
off is of another prefix, as where the last cachePoint did nothing."""


class Numbers(Protocol):
    """A list or an array of integers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> int: ...


class WritableNumbers(Numbers, Protocol):
    """One that is written into."""

    def __setitem__(self, index: int, value: int, /) -> None: ...


def note_counted(
    offsets: Numbers, names: Numbers, whole: Numbers, last: Numbers, cached: Numbers,
    known: WritableNumbers,
) -> None:  # fmt: skip
    """Write into ``known``, by the number of a prefix, what was counted of it; the first request that tells stands.

    ``offsets[i] .. offsets[i + 1]`` are the blocks of request i, and ``names`` the number of the prefix that each ends.
    ``whole`` are the tokens of all blocks (0: not counted), ``last`` the blocks before the last cachePoint (0: none),
    ``cached`` what was read and written, which is all up to there.
    """
    for i in range(len(whole)):
        start, end = offsets[i], offsets[i + 1]
        if end == start or whole[i] <= 0:
            continue
        if known[names[end - 1]] == 0:
            known[names[end - 1]] = whole[i]
        row = start + last[i] - 1
        if start <= row < end - 1 and 0 < cached[i] < whole[i] and known[names[row]] == 0:
            known[names[row]] = cached[i]


def share_out(
    offsets: Numbers, names: Numbers, sums: Numbers, whole: Numbers, known: Numbers,
    depths: WritableNumbers,
) -> None:  # fmt: skip
    """Write the depth of every block into ``depths``; ``sums`` are the estimates of all blocks before each, summed.

    From the end of each request to its front, from one counted place to the one before it.
    """
    for i in range(len(whole)):
        start, end = offsets[i], offsets[i + 1]
        front, estimate = sums[start], sums[end] - sums[start]
        tokens = whole[i] if whole[i] > 0 else estimate
        above, upper = tokens, end
        for row in range(end - 2, start - 2, -1):
            below = known[names[row]] if row >= start else 0
            rest = sums[upper] - sums[row + 1]
            if row >= start:
                if not 0 < below < above:
                    continue
                # Both parts as counted and as estimated, each times what makes them comparable.
                lower, lower_guess = below * estimate, (sums[row + 1] - front) * tokens
                higher, higher_guess = (above - below) * estimate, rest * tokens
                small = tokens * estimate // _SMALL
                if abs(lower - lower_guess) > small and not lower_guess // _MOST < lower < lower_guess * _MOST:
                    continue
                if abs(higher - higher_guess) > small and not higher_guess // _MOST < higher < higher_guess * _MOST:
                    continue
            for inside in range(row + 1, upper):
                depths[inside] = below + (sums[inside + 1] - sums[row + 1]) * (above - below) // max(rest, 1)
            above, upper = below, row + 1
