"""Writes spoolq/cli/completion/ from the parsers: completion for bash, zsh and fish.

Run by make_cli.py. What is completed of a value follows from its name in the help: FILE, DIR, ID,
LEASE, or the words to choose from.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spoolq.cli.cmd_ls import _NAMES as STATES
from spoolq.cli.main import COMMANDS, parser_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "spoolq" / "cli" / "completion"
NOTE = "Written by docs/reference/make_cli.py from the commands' own parsers. Do not edit."
KINDS = {"FILE": "file", "DIR": "dir", "ID": "id", "LEASE": "lease"}


@dataclass(frozen=True)
class Option:
    """An option: its names, what it takes ("" for nothing, else a kind or words), its help."""

    names: tuple[str, ...]
    takes: str
    about: str


@dataclass(frozen=True)
class Command:
    """A command: its line in the overview, its options, and what its operands are."""

    name: str
    about: str
    options: tuple[Option, ...]
    operands: str


def commands() -> list[Command]:
    """Every command."""
    return [_command(name, about) for name, (_, about) in COMMANDS.items()]


def _command(name: str, about: str) -> Command:
    _, parser = parser_of(name)
    options, operands = [], ""
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        if not action.option_strings:
            operands = operands or _kind(action)
            continue
        takes = "" if action.nargs == 0 else _kind(action) or "word"
        text = " ".join((action.help or "").split()).replace("%%", "%")
        options.append(Option(tuple(action.option_strings), takes, text))
    return Command(name, about, tuple(options), operands)


def _kind(action: argparse.Action) -> str:
    """The kind of an action's values; their words, with blanks between, where there are some."""
    if action.choices:
        return " ".join(map(str, action.choices))
    metavar = str(action.metavar or action.dest)
    if metavar == "STATE":
        return " ".join(STATES)
    return KINDS.get(metavar, "")


def wrappers() -> list[str]:
    """The commands that have a wrapper spool-COMMAND."""
    return sorted(path.name.removeprefix("spool-") for path in (ROOT / "bin").glob("spool-*"))


# ----- bash

BASH = r"""# bash completion of spoolq.
# @NOTE@
# Use it: eval "$(spoolq completion bash)"

_spoolq_commands='@COMMANDS@'

# What the words of a command may be: its options, what each takes, and its operands.
_spoolq_knows() {
    options='' operands='' takes=''
    case $1 in
@KNOWN@
    esac
}

# The first names in a spool's directories: $1 are directories, $2 the field of the name.
_spoolq_names() {
    local directory
    for directory in $1; do
        command ls -f "$spool/$directory" 2> /dev/null | head -n 2000
    done | case $2 in
        id) sed -n 's/^\([0-9]\{8\}T[0-9]*\.\)\{0,1\}\([0-9]-[0-9T]*-[A-Z2-7]*\)\(\..*\)\{0,1\}$/\2/p' ;;
        lease) sed -n '/^[0-9]-[0-9T]*-[A-Z2-7]*\.[0-9]*\.[A-Za-z0-9_-]*$/p' ;;
    esac | sort -u
}

_spoolq_values() {
    case $1 in
        file) COMPREPLY=($(compgen -f -- "$current")) && compopt -o filenames 2> /dev/null ;;
        dir) COMPREPLY=($(compgen -d -- "$current")) && compopt -o filenames 2> /dev/null ;;
        id) COMPREPLY=($(compgen -W "$(_spoolq_names 'leased ready delayed failed done' id)" -- "$current")) ;;
        lease) COMPREPLY=($(compgen -W "$(_spoolq_names leased lease)" -- "$current")) ;;
        word | '') ;;
        *) COMPREPLY=($(compgen -W "$1" -- "$current")) ;;
    esac
}

_spoolq() {
    local IFS=$' \t\n' current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' spool=${SPOOLQ_DIR-} options operands takes at
    COMPREPLY=()
    case ${COMP_WORDS[0]##*/} in spool-*) command=${COMP_WORDS[0]##*/spool-} command=${command#spool-} ;; esac
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
            -s | --spool) spool=${COMP_WORDS[at + 1]} at=$((at + 1)) ;;
            -*) ;;
            *) [[ -n $command ]] || command=${COMP_WORDS[at]} ;;
        esac
    done
    if [[ $before == -s || $before == --spool ]]; then
        _spoolq_values dir
    elif [[ -z $command || ( $command == help && $current != -* ) ]]; then
        COMPREPLY=($(compgen -W "$_spoolq_commands help -s --spool --help --version" -- "$current"))
    else
        _spoolq_knows "$command" "$before"
        if [[ -n $takes ]]; then
            _spoolq_values "$takes"
        elif [[ $current == -* ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$current"))
        else
            _spoolq_values "$operands"
        fi
    fi
}

complete -F _spoolq spoolq @WRAPPERS@
"""


def bash() -> str:
    """The script for bash."""
    known = [_bash_case(command) for command in commands()]
    return _filled(BASH, known)


def _bash_case(command: Command) -> str:
    names = " ".join(name for option in command.options for name in option.names)
    lines = [
        f"        {command.name})",
        f"            options='{names}' operands='{command.operands}'",
    ]
    taking = [option for option in command.options if option.takes]
    if taking:
        lines.append("            case $2 in")
        lines += [
            f"                {' | '.join(option.names)}) takes='{option.takes}' ;;"
            for option in taking
        ]
        lines.append("            esac")
    return "\n".join([*lines, "            ;;"])


def _filled(text: str, known: Iterable[str]) -> str:
    return (
        text.replace("@NOTE@", NOTE)
        .replace("@COMMANDS@", " ".join(COMMANDS))
        .replace("@KNOWN@", "\n".join(known))
        .replace("@WRAPPERS@", " ".join(f"spool-{name}" for name in wrappers()))
    )


# ----- zsh

ZSH = r"""#compdef spoolq @WRAPPERS@
# zsh completion of spoolq.
# @NOTE@
# Use it: put this file as _spoolq into a directory of $fpath, or: source <(spoolq completion zsh)

# The first names in a spool's directories: $1 are directories, $2 is "id" or "lease".
_spoolq_names() {
    local directory spool=${opt_args[-s]:-${opt_args[--spool]:-$SPOOLQ_DIR}}
    local -a found
    for directory in ${=1}; do
        found+=(${(f)"$(command ls -f ${(Q)spool}/$directory 2> /dev/null | head -n 2000)"})
    done
    if [[ $2 == id ]]; then
        found=(${${(M)found:#(|<->T<->.)[0-9]-[0-9T]##-[A-Z2-7]##(|.*)}#<->T<->.})
        found=(${found%%.*})
    else
        found=(${(M)found:#[0-9]-[0-9T]##-[A-Z2-7]##.<->.[A-Za-z0-9_-]##})
    fi
    compadd -a found
}

_spoolq_id() { setopt localoptions extendedglob; _spoolq_names 'leased ready delayed failed done' id }
_spoolq_lease() { setopt localoptions extendedglob; _spoolq_names leased lease }

_spoolq_command() {
    case $1 in
@KNOWN@
    esac
}

_spoolq() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    if [[ $service == spool-* ]]; then
        _spoolq_command ${service#spool-}
        return
    fi
    _arguments -C '(-s --spool)'{-s,--spool}'[the spool]:DIR:_directories' \
        '(- *)--help[an overview]' '(- *)--version[the version]' \
        '1:command:->command' '*::arguments:->arguments'
    case $state in
        command)
            local -a commands=(
@DESCRIBED@
            )
            _describe command commands
            ;;
        arguments) _spoolq_command $line[1] ;;
    esac
}

if [[ $funcstack[1] == _spoolq ]]; then
    _spoolq "$@"
else
    compdef _spoolq spoolq @WRAPPERS@
fi
"""
ZSH_KINDS = {
    "file": "_files",
    "dir": "_directories",
    "id": "_spoolq_id",
    "lease": "_spoolq_lease",
    "word": "",
}


def zsh() -> str:
    """The script for zsh."""
    known = [_zsh_case(command) for command in commands()]
    described = "\n".join(
        f"                {_zsh_quoted(f'{one.name}:{one.about}')}" for one in commands()
    )
    return _filled(ZSH, known).replace("@DESCRIBED@", described)


def _zsh_case(command: Command) -> str:
    specs = [_zsh_option(option) for option in command.options]
    if command.operands:
        specs.append(_zsh_quoted(f"*:operand:{_zsh_action(command.operands)}"))
    lines = " \\\n                ".join(specs)
    return f"        {command.name})\n            _arguments {lines}\n            ;;"


def _zsh_option(option: Option) -> str:
    about = option.about.replace("[", r"\[").replace("]", r"\]").replace(":", r"\:")
    rest = f"[{about}]" + (f":value:{_zsh_action(option.takes)}" if option.takes else "")
    if len(option.names) == 1:
        return _zsh_quoted(f"*{option.names[0]}{rest}")
    together = ",".join(option.names)
    return f"'*'{{{together}}}{_zsh_quoted(rest)}"


def _zsh_action(takes: str) -> str:
    return ZSH_KINDS.get(takes, f"({takes})")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# ----- fish

FISH = r"""# fish completion of spoolq.
# @NOTE@
# Use it: spoolq completion fish | source

# The command among the words so far, "" before there is one.
function __spoolq_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case -s --spool
                set -e words[1]
            case '-*'
            case '*'
                echo $words[1]
                return
        end
        set -e words[1]
    end
end

function __spoolq_is
    test "$(__spoolq_command)" = "$argv[1]"
end

function __spoolq_spool
    set -l words (commandline -opc)
    for at in (seq (count $words))
        if contains -- $words[$at] -s --spool
            echo $words[(math $at + 1)]
            return
        end
    end
    echo $SPOOLQ_DIR
end

function __spoolq_id
    for directory in leased ready delayed failed done
        command ls -f (__spoolq_spool)/$directory 2> /dev/null | head -n 2000
    end | string match -rg '^(?:\d{8}T\d+\.)?(\d-[0-9T]+-[A-Z2-7]+)(?:\..*)?$' | sort -u
end

function __spoolq_lease
    command ls -f (__spoolq_spool)/leased 2> /dev/null | head -n 2000 |
        string match -r '^\d-[0-9T]+-[A-Z2-7]+\.\d+\.[A-Za-z0-9_-]+$'
end

complete -c spoolq -f
complete -c spoolq -n '__spoolq_is ""' -s s -l spool -x -a '(__fish_complete_directories)' -d 'the spool'
complete -c spoolq -n '__spoolq_is ""' -l version -d 'the version'
@KNOWN@
"""
FISH_KINDS = {
    "file": "-r -F",
    "dir": "-x -a '(__fish_complete_directories)'",
    "id": "-x -a '(__spoolq_id)'",
    "lease": "-x -a '(__spoolq_lease)'",
    "word": "-x",
}


def fish() -> str:
    """The script for fish."""
    lines = []
    there = wrappers()
    for command in commands():
        about = _fish_quoted(command.about)
        lines.append(f"complete -c spoolq -n '__spoolq_is \"\"' -a {command.name} -d {about}")
        programs = [f"-c spoolq -n '__spoolq_is {command.name}'"]
        if command.name in there:
            programs.append(f"-c spool-{command.name}")
            lines.append(f"complete -c spool-{command.name} -f")
        for program in programs:
            lines += [f"complete {program} {_fish_option(option)}" for option in command.options]
            if command.operands:
                lines.append(f"complete {program} {_fish_operands(command.operands)}")
    return _filled(FISH, lines)


def _fish_option(option: Option) -> str:
    names = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    ]
    takes = f" {_fish_values(option.takes)}" if option.takes else ""
    return f"{' '.join(names)}{takes} -d {_fish_quoted(option.about)}"


def _fish_values(takes: str) -> str:
    return FISH_KINDS.get(takes, f"-x -a {_fish_quoted(takes)}")


def _fish_operands(takes: str) -> str:
    return "-F" if takes == "file" else _fish_values(takes).replace("-x ", "", 1)


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def pages() -> dict[Path, str]:
    """Every file and what is to stand in it."""
    return {
        PLACE / "spoolq.bash": bash(),
        PLACE / "_spoolq": zsh(),
        PLACE / "spoolq.fish": fish(),
    }
