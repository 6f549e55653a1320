"""The question before something is spent or changed."""

import sys

import click


def consent(yes: bool, why: str, question: str, *, ask: bool = True) -> None:
    """Go on only with a yes, given by ``--yes`` or at the terminal.

    Without a terminal to ``ask`` at, it is refused, and ``why`` a yes is needed.
    """
    if yes:
        return
    if not ask or not sys.stdin.isatty():
        raise click.UsageError(f"{why}; add --yes to agree")
    click.confirm(question, abort=True, err=True)
