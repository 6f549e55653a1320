"""``rockbottom completion``: what a shell needs to complete commands and options, by click's own machinery."""

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands, options and files in your shell.

    Put into ~/.bashrc or ~/.zshrc, or for fish into a file of its own:

    \b
    eval "$(rockbottom completion bash)"
    eval "$(rockbottom completion zsh)"
    rockbottom completion fish > ~/.config/fish/completions/rockbottom.fish
    """
    from click.shell_completion import get_completion_class

    from rockbottom.cli.commandline import COMPLETE, root

    kind = get_completion_class(shell)
    assert kind is not None  # click brings these three
    click.echo(_BEFORE.get(shell, "") + kind(root, {}, "rockbottom", COMPLETE).source())


_BEFORE = {"zsh": "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"}
"""What must have run before: a zsh without a framework knows no ``compdef``."""
