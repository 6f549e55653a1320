"""The question before something is spent or changed."""

import sys

import click


def consent(yes: bool, why: str, question: str) -> None:
    """Go on only with a yes, given by ``--yes`` or at the terminal; without one to ask at, ``why`` it is refused."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{why}; add --yes to agree")
    click.confirm(question, abort=True, err=True)
