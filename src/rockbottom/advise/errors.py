"""What can go wrong when a saving is worked out.

RockbottomError
+-- AdviseError
    +-- ImpossibleShape     the numbers given describe no traffic that could be sent
    +-- UnknownPreset       no preset of that name
    +-- UnknownBeside       no price or policy of that name
    +-- UnreadableRun       a file given as evidence is not one that can be read
"""

from rockbottom.quantities import RockbottomError


class AdviseError(RockbottomError):
    """Base of every error of the calculator and the advisor."""


class ImpossibleShape(AdviseError):
    """The numbers given describe no traffic that could be sent."""


class UnknownPreset(AdviseError):
    """No preset of that name."""


class UnknownBeside(AdviseError):
    """No price of that name beside a model's tokens, or no policy of a guardrail."""


class UnreadableRun(AdviseError):
    """A file given as evidence is neither a bench run nor a replay."""
