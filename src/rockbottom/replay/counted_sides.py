"""Which side of a contested switch the counters of a log show."""

from dataclasses import replace

from rockbottom.cache import side_is_shown
from rockbottom.replay.points import as_recorded
from rockbottom.replay.policies import Stage, run


def by_counters(stage: Stage) -> Stage:
    """The stage with the side of ``implicit_lookback`` that its counters show; as it is where they show none.

    Prompts that only grow were seen to be read up to the message before (boise-gpt-5-6) and to be written whole
    (codex-37674). So where the two sides differ, what the service read of those requests tells which one holds.
    """
    read = stage.trace.requests.observed_read
    if not stage.rules.implicit_point or stage.behaviour.implicit_lookback == "none" or not (read > 0).size:
        return stage
    other = replace(stage, behaviour=replace(stage.behaviour, implicit_lookback="none"))
    looked, not_looked = run(stage, as_recorded).read, run(other, as_recorded).read
    telling = (looked > not_looked) & (read >= 0)
    halfway = not_looked[telling] + (looked[telling] - not_looked[telling]) // 2
    looked_back = float((read[telling] > halfway).sum())
    requests = int(telling.sum())
    return other if side_is_shown(requests, looked_back / max(requests, 1)) else stage
