"""`spoolq completion`: prints the completion script of a shell, as it was shipped."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table

_FILES = {"bash": "spoolq.bash", "zsh": "_spoolq", "fish": "spoolq.fish"}


def add_arguments(table: Table) -> None:
    """The options of `spoolq completion`."""
    options.describe(
        table,
        "Print the script that completes command lines of spoolq and its wrappers in a shell: "
        "commands, options, states, ids and leases of the spool. No Python runs at a Tab.",
        """
eval "$(spoolq completion bash)"              # in ~/.bashrc
source <(spoolq completion zsh)               # in ~/.zshrc, after compinit
spoolq completion fish | source               # in config.fish
""",
        {},
    )
    table.add_argument("shell", metavar="SHELL", choices=_FILES, help="bash, zsh or fish")


def run(args: argparse.Namespace) -> int:
    """Print the file."""
    from importlib.resources import files

    output.block(files("spoolq.cli").joinpath("completion", _FILES[args.shell]).read_text("utf-8"))
    return 0
