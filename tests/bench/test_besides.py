"""A workload names what it costs beside the model; the bench shows it, and sends none of it."""

from decimal import Decimal

import pytest

from rockbottom.bench.errors import InvalidWorkload
from rockbottom.bench.workload import read_workload

WORKLOAD = """\
name: support
conversations:
  - turns:
    - user: Where is my parcel?
guardrail: {policies: [content, pii], tagged: true}
beside: {web_searches: 2000, memory_events: 30000}
"""


def test_a_workload_names_its_guardrail_and_other_parts():
    """Policies by a short name, parts in units a month; what reaches a model is the same without them."""
    workload = read_workload(WORKLOAD)
    assert (workload.guardrail.policies, workload.guardrail.tagged) == (("content", "pii"), True)
    assert [(line.price.name, line.usd) for line in workload.beside] == [
        ("web_searches", Decimal("14.00")),
        ("memory_events", Decimal("7.50")),
    ]
    assert workload.sent == read_workload("\n".join(WORKLOAD.splitlines()[:4])).sent


@pytest.mark.parametrize(("line", "told"), [("beside: {webs: 1}", "webs"), ("guardrail: {policies: [all]}", "content")])
def test_an_unknown_part_is_named_with_its_line(line, told):
    """As every other mistake in a workload."""
    with pytest.raises(InvalidWorkload, match=told):
        read_workload("\n".join([*WORKLOAD.splitlines()[:4], line]))


def test_a_workload_nested_without_end_is_one_message():
    """The reader of YAML runs out of stack; the message names the file."""
    with pytest.raises(InvalidWorkload, match=r"deep\.yaml.*nested too deep"):
        read_workload("name: " + "[" * 20_000, "deep.yaml")
