"""What is to be done in an account: step by step before it is done, or as text that another program carries out."""

from rockbottom.changes.steps import Difference, Kind, Step
from rockbottom.changes.terraform import Block, Reference, Template, lines_of
from rockbottom.changes.yaml import yaml_text

__all__ = ["Block", "Difference", "Kind", "Reference", "Step", "Template", "lines_of", "yaml_text"]
