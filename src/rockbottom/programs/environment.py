"""The environment of a program whose clients are attached: what it is told, and how it finds rockbottom."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = "ROCKBOTTOM_RUN"
"""The folder of records of this run; its presence says that a program is one of ``rockbottom run``."""

UNRECORDED = os.devnull
"""In place of that folder where none can be written: the clients are attached, and nothing is kept for the end."""

DRY_RUN = "ROCKBOTTOM_DRY_RUN"
HOLDOUT = "ROCKBOTTOM_HOLDOUT"
STATE = "ROCKBOTTOM_STATE"
SHARE = "ROCKBOTTOM_SHARE"
TAGS = "ROCKBOTTOM_TAGS"
"""Whose calls these are, as ``team=search,env=prod``."""
SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
"""The folder of our sitecustomize, which Python imports at its start where PYTHONPATH names the folder."""

_OFF = ("", "0", "false", "no", "off")


class Choices:
    """What a person chose for all clients of a program; an attribute is None or False where nothing was."""

    def __init__(
        self,
        dry_run: bool = False,
        holdout: "str | None" = None,
        state: "str | None" = None,
        records: "str | None" = None,
        share: "str | None" = None,
        tags: "str | None" = None,
    ) -> None:
        self.dry_run = dry_run
        self.holdout = holdout
        self.state = state
        self.records = records
        self.share = share
        self.tags = tags

    @property
    def tag_values(self) -> "dict[str, str]":
        """The tags by name; what is no ``KEY=VALUE`` is left out."""
        pairs = (part.partition("=") for part in (self.tags or "").split(","))
        return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}


def choices_in(env: "Mapping[str, str]") -> Choices:
    """The choices that an environment carries. Whatever ``ROCKBOTTOM_DRY_RUN`` says but no, only observes."""
    observing = env.get(DRY_RUN, "").strip().lower() not in _OFF
    records = env.get(RUN, UNRECORDED)
    return Choices(
        observing,
        env.get(HOLDOUT) or None,
        env.get(STATE) or None,
        None if records in ("", UNRECORDED) else records,
        env.get(SHARE) or None,
        env.get(TAGS) or None,
    )


def environment_of(choices: Choices, env: "Mapping[str, str]") -> "dict[str, str]":
    """The environment of a program with these choices: ``env``, our sitecustomize first on PYTHONPATH."""
    observing = "1" if choices.dry_run else None
    chosen = {RUN: choices.records, STATE: choices.state, HOLDOUT: choices.holdout, DRY_RUN: observing}
    chosen |= {SHARE: choices.share, TAGS: choices.tags}
    environment = {**env, **{name: value for name, value in chosen.items() if value is not None}}
    return {**environment, "PYTHONPATH": with_site_first(env.get("PYTHONPATH", ""))}


def with_site_first(python_path: str) -> str:
    """A PYTHONPATH with our sitecustomize before all others, once."""
    others = [path for path in python_path.split(os.pathsep) if path and path != SITE]
    return os.pathsep.join([SITE, *others])
