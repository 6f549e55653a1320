"""Errors of publishing.

RockbottomError
+-- CannotPublish     metrics, dimensions or a target that cannot be as asked
+-- Undelivered       what is due could not be sent now; it is kept (module ``publisher``)
    +-- Unwritable    not into that file (module ``emf``)
"""

from rockbottom.quantities import RockbottomError


class CannotPublish(RockbottomError):
    """A sink was given metrics, dimensions, tags or a target that it cannot publish."""
