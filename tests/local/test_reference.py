"""docs/reference/local-endpoint.md says everything that the control API takes, and nothing else."""

import re

from rockbottom.local.settings import EndpointSettings
from rockbottom.local.state import state_of
from rockbottom.local.steering import Steering


def test_every_call_of_the_control_api_is_documented(repo):
    """The table of the page and the table of the program name the same calls."""
    page = (repo / "docs" / "reference" / "local-endpoint.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(GET|PUT|POST|DELETE) ([a-z/]+)` \|", page, re.MULTILINE))
    assert documented == set(Steering(state_of(EndpointSettings()), lambda: 0).handlers)
