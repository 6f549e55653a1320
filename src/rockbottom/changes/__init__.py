"""Changes to an AWS account: shown step by step before they are made, or written for CloudFormation and Terraform."""

from rockbottom.changes.steps import SettingDifference, Step, StepKind
from rockbottom.changes.terraform import Reference, Template, TerraformBlock, lines_of
from rockbottom.changes.yaml import yaml_text

__all__ = ["Reference", "SettingDifference", "Step", "StepKind", "Template", "TerraformBlock", "lines_of", "yaml_text"]
