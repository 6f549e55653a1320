"""Errors of reading a request body.

RockbottomError
+-- MalformedBody   the body is not one that Bedrock accepts; says where and what was found
    +-- KeptByService   a good body, of which the service keeps a part
"""

from rockbottom.quantities import RockbottomError


class MalformedBody(RockbottomError):
    """A request body that cannot be read; ``place`` is the path to the offending part."""

    def __init__(self, place: str, found: str, *, wanted: str) -> None:
        super().__init__(f"{place}: expected {wanted}, found {found}")
        self.place = place


class KeptByService(MalformedBody):
    """A request that goes on from what the service keeps, so that what stands before it is not in its body."""
