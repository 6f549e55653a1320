"""Keep-alive: short extra requests that read an idle prefix before it dies, priced with all that they cost.

Points as in "system + tail 5m". When a prefix has not been used for 270 s its whole prompt is sent again for
one token of output, up to ``pings`` times in a row. The extra requests are in the bill: what they read, what
they leave uncached, their output, so this policy's output differs from the others' by one token a ping.
"""

from dataclasses import replace

import numpy as np

from rockbottom.replay.nodes import renumbered
from rockbottom.replay.points import system_tail_5m
from rockbottom.replay.policies import PolicyBill, Stage, bill_of
from rockbottom.trace import Array, compiled, selected

IDLE_S = 270.0


def keep_alive_bill(stage: Stage, pings: int = 2) -> PolicyBill:
    """The bill with keep-alive requests."""
    return bill_of(with_pings(stage, pings), "keep_alive", system_tail_5m)


def with_pings(stage: Stage, pings: int) -> Stage:
    """The stage with the extra requests among the others, in order of time."""
    trace = stage.trace
    next_use = np.full(len(trace), np.inf)
    used_at = np.full(stage.nodes.count, np.inf)
    _next_uses(trace.requests.at, trace.block_offsets, stage.nodes.of_block, used_at, next_use)
    idle = next_use - trace.requests.at
    rows, at = [np.arange(len(trace))], [trace.requests.at]
    for ping in range(1, pings + 1):
        sent = np.flatnonzero((idle > ping * IDLE_S) & (np.diff(trace.block_offsets) > 0))
        rows.append(sent)
        at.append(trace.requests.at[sent] + ping * IDLE_S)
    source, instants = np.concatenate(rows), np.concatenate(at)
    extra = np.arange(len(source)) >= len(trace)
    order = np.argsort(instants, kind="stable")
    source, instants, extra = source[order], instants[order], extra[order]
    with_extra = selected(trace, source)
    requests = replace(with_extra.requests, at=instants, tokens_out=np.where(extra, 1, with_extra.requests.tokens_out))
    with_extra = replace(with_extra, requests=requests)
    numbered = selected(replace(trace, blocks=replace(trace.blocks, depth=stage.nodes.of_block)), source).blocks.depth
    delays = None if stage.delays is None else stage.delays[source]
    nodes = renumbered(numbered, with_extra.block_offsets, stage.nodes.count)
    return replace(stage, trace=with_extra, nodes=nodes, delays=delays, bands=stage.bands.of_rows(source))


@compiled
def _next_uses(at: Array, offsets: Array, nodes: Array, used_at: Array, next_use: Array) -> None:
    """When the prefix that a request ends with is next used."""
    for i in range(len(at) - 1, -1, -1):
        if offsets[i + 1] > offsets[i]:
            next_use[i] = used_at[nodes[offsets[i + 1] - 1]]
        for row in range(offsets[i], offsets[i + 1]):
            used_at[nodes[row]] = at[i]
