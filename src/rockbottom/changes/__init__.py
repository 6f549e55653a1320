"""Changes to an AWS account: shown step by step before they are made, or written for CloudFormation and Terraform."""

from rockbottom.changes.steps import Difference, Kind, Step
from rockbottom.changes.terraform import Block, Reference, Template, lines_of
from rockbottom.changes.yaml import yaml_text

__all__ = ["Block", "Difference", "Kind", "Reference", "Step", "Template", "lines_of", "yaml_text"]
