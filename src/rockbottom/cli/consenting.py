"""The question before something is spent or changed."""

import sys

import click


def agreed(yes: bool, question: str, *, ask: bool = True) -> bool | None:
    """Whether ``--yes`` or a person at the terminal agrees; None where there is nobody to ``ask``."""
    if yes:
        return True
    if not ask or not sys.stdin.isatty():
        return None
    return click.confirm(question, err=True)


def consent(yes: bool, why: str, question: str, *, ask: bool = True) -> None:
    """Go on only with a yes. Raises Abort for a no, and UsageError, which says ``why``, with nobody to ask."""
    answer = agreed(yes, question, ask=ask)
    if answer is None:
        raise click.UsageError(f"{why}; add --yes to agree")
    if not answer:
        raise click.Abort
