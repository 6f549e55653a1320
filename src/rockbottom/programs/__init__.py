"""Programs that nobody changes: every Bedrock client that they make is attached, through the environment alone.

Importing this imports nothing else: it happens at the start of every Python program below ``rockbottom run``.
"""

from rockbottom.programs.environment import UNRECORDED, Choices, environment_of
from rockbottom.programs.starting import begin, reached, report

__all__ = ["UNRECORDED", "Choices", "begin", "environment_of", "reached", "report"]
