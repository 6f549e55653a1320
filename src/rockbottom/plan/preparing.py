"""A request made ready to be decided about: read, with the changes of content that its caller allows."""

from collections.abc import Sequence

from msgspec import Struct

from rockbottom.dialects import Request
from rockbottom.plan.conditions import Conditions
from rockbottom.plan.contents import Changed, moved, volatile_from, with_sorted_system, with_sorted_tools
from rockbottom.plan.fronts import Changing, Fronts, Sentences
from rockbottom.plan.plans import Move
from rockbottom.plan.volatile import Volatiles
from rockbottom.prompt import Section


class Ready(Struct, frozen=True):
    """A request ready to be decided about; ``end`` is where the stable segments end.

    ``stamped_block`` is the first system block with a text that looks volatile (-1: none), ``changing`` what was seen
    to change in front of the conversation and is still there. ``bared``: its own points, or its word about those of the
    service, were taken out.
    """

    conditions: Conditions
    request: Request
    end: int
    stamped_block: int
    changed: Changed
    changing: Changing | None
    bared: bool = False


class Preparing:
    """Knows what changes from request to request, and moves or sorts what it may."""

    def __init__(self, own_points: str, move_volatile: bool, sort_tools: bool) -> None:
        self._replace_points, self._move, self._sort = own_points == "replace", move_volatile, sort_tools
        self.fronts = Fronts()
        self._volatiles, self._sentences = Volatiles(), Sentences()

    def ready(self, request: Request, conditions: Conditions, count: bool) -> Ready:
        """The request with its changes; ``count``: it is a new one, to be remembered. Raises RockbottomError."""

        def find(text: str) -> str:
            return self._volatiles.sentence_in(text, count=count)

        body, was_sorted = request.body, False
        bared = self._replace_points and bool(request.prompt.points or request.prompt.implicit is not None)
        if self._replace_points:
            body = request.dialect.without_points(body)
        if self._sort:
            body, was_sorted = with_sorted_tools(body, request.dialect.api)
        if body is not request.body:
            request = request.with_body(body)
        takes = conditions.rules.takes_points(request.dialect.api.value)
        changing = self.fronts.see(request.prompt, count=count) if takes else None
        changed, stamped = Changed(request.body), -1
        if self._move and conditions.rules.explicit:  # only where the system's texts are blocks of their own
            changed = self._moved(request, changing, count)
        else:
            stamped = volatile_from(request.body, find)
        if changed.body is not request.body:
            request = request.with_body(changed.body)
            changing = None  # what is sent has a front of its own
        changed = Changed(changed.body, changed.sentences, was_sorted, changed.sorted_system)
        return Ready(
            conditions, request, len(request.prompt.segments) - bool(changed.sentences), stamped, changed, changing,
            bared,
        )  # fmt: skip

    def _moved(self, request: Request, changing: Changing | None, count: bool) -> Changed:
        """Volatile parts of the system prompt moved behind the conversation, or its blocks in the order they had."""
        system = {
            segment.index: segment.digest for segment in request.prompt.segments if segment.section is Section.SYSTEM
        }
        if changing is not None and changing.reordered:
            place = {digest: number for number, digest in enumerate(changing.order)}
            order = sorted(system, key=lambda number: place.get(system[number], number))
            return with_sorted_system(request.body, order)

        def pieces(number: int, text: str) -> Sequence[str]:
            digest = system.get(number, b"")
            self._sentences.keep(digest, text)
            if changing is not None and digest not in changing.stable:
                return self._sentences.pieces(text, {*changing.stable, *changing.others} - {digest})
            sentence = self._volatiles.sentence_in(text, count=count)
            return (sentence,) if sentence else ()

        return moved(request.body, request.dialect.api, pieces)


def moves_of(ready: Ready) -> tuple[Move, ...]:
    """What was changed in the content, and the tokens that a call saves once the prefix is cached."""
    multiples, end = ready.conditions.multiples, ready.end
    if multiples is None:
        return ()
    saved = round(float(ready.request.prompt.depths[end] * (1 - multiples.read)))
    moves = [
        Move(f"{sentence!r} to the end of the last message", "it changes with every call", saved)
        for sentence in ready.changed.sentences
    ]
    if ready.changed.sorted_system:
        moves.append(Move("system blocks into the order that they had", "another order is another prefix", saved))
    if ready.changed.sorted_tools:
        moves.append(Move("tools into the order of their names", "another order is another prefix", saved))
    return tuple(moves)
