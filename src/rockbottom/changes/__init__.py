"""What is to be done in an account, step by step, before it is done: made, changed, removed, or somebody else's."""

from rockbottom.changes.steps import Difference, Kind, Step

__all__ = ["Difference", "Kind", "Step"]
