"""``import rockbottom.auto``: every Bedrock client that this program makes from now on is attached.

It comes first in the module that is the program's entry point. What it reaches, and the environment variables that it
reads, are those of ``rockbottom run``, which needs no import at all.
"""

from rockbottom.programs import begin, report

__all__ = ["report"]

begin()
