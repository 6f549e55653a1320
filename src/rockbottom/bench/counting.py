"""Estimates corrected by what the service says: CountTokens before a run, the usage of replies after.

CountTokens costs nothing and takes base model ids of some Claude models only; where it does
not answer, the stated error of the estimate stands.
"""

from collections.abc import Mapping
from dataclasses import replace

from rockbottom.bench.endpoints import Endpoint
from rockbottom.bench.notebook import Notebook
from rockbottom.bench.requests import BenchRequest, parts_of, prompt_of_request, request_of
from rockbottom.bench.schedule import BenchModelFacts, Schedule, ScheduleRow, turns_of
from rockbottom.dialects import CONVERSE
from rockbottom.prompt import Calibration, Meter, corrected, json_bytes

Calibrations = Mapping[str, Calibration]


def counted_by_service(plan: Schedule, endpoint: Endpoint) -> Schedule:
    """The schedule with each model's estimate corrected by one CountTokens call, where the service offers it."""
    calibrations: dict[str, Calibration] = {}
    for row in plan.rows:
        subject = row.subject
        if subject.given in calibrations or not subject.model.model.count_tokens or not endpoint.counted:
            continue
        request = _first(plan, row)
        tokens = _count(endpoint, subject, request)
        if tokens is not None:
            estimated = prompt_of_request(request, subject.meter).tokens + subject.rules.residual_tokens
            calibrations[subject.given] = Calibration().learned(estimated, tokens)
    return with_calibrations(plan, calibrations)


def counted_by_replies(plan: Schedule, notebook: Notebook) -> Schedule:
    """The schedule with each model's estimate corrected by the usage that the replies of a run reported."""
    calibrations: dict[str, Calibration] = {}
    estimates: dict[tuple[str, str], list[int]] = {}
    rows = {(row.subject.given, row.lane.name): row for row in plan.rows}
    for turn in notebook.turns:
        row = rows.get((turn.key.model, turn.key.lane))
        if row is None:
            continue
        name = (turn.key.model, f"{turn.conversation} {row.lane.spoken(plan.workload).value}")
        if name not in estimates:
            conversation = plan.workload.conversations[turn.conversation]
            estimates[name] = [tokens for tokens, _ in turns_of(plan.workload, conversation, row)]
        estimated = estimates[name][turn.turn] + row.subject.rules.residual_tokens
        known = calibrations.get(turn.key.model, Calibration())
        calibrations[turn.key.model] = known.learned(estimated, turn.usage.total_input)
    return with_calibrations(plan, calibrations)


def with_calibrations(plan: Schedule, calibrations: Calibrations) -> Schedule:
    """The schedule whose meters count as these calibrations say; models without one stay as they are."""
    subjects = {row.subject.given: _corrected(row.subject, calibrations) for row in plan.rows}
    return replace(plan, rows=tuple(replace(row, subject=subjects[row.subject.given]) for row in plan.rows))


def _corrected(subject: BenchModelFacts, calibrations: Calibrations) -> BenchModelFacts:
    calibration = calibrations.get(subject.given)
    if calibration is None:
        return subject
    return replace(subject, meter=Meter(corrected(subject.meter.weights, calibration)))


def _first(plan: Schedule, row: ScheduleRow) -> BenchRequest:
    conversation = plan.workload.conversations[0]
    parts = parts_of(plan.workload, conversation, conversation.turns[0].messages)
    return request_of(parts, row.lane, plan.workload, row.subject.model.model, row.subject.rules)


def _count(endpoint: Endpoint, subject: BenchModelFacts, request: BenchRequest) -> int | None:
    """What CountTokens says of a request, or None when the service does not say.

    Trouble with credentials or the network is left to the run itself, which says it in its own words.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if request.names_model:
        return None
    if request.is_converse:
        members = ("messages", "system", "toolConfig", "additionalModelRequestFields")
        counted_input = {"converse": {name: request.body[name] for name in members if name in request.body}}
    else:
        counted_input = {"invokeModel": {"body": json_bytes(request.body)}}
    try:
        reply = endpoint.client(0).count_tokens(modelId=subject.model.model.id, input=counted_input)
    except (BotoCoreError, ClientError):
        return None
    return int(reply[CONVERSE.counters.input])
