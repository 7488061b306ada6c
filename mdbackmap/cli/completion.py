"""
``mdbackmap completion``: a script with which a shell completes verbs, options and their values.

The script is made of the parsers themselves, and holds all that it needs: completing starts no Python.
"""

import shlex

HOW = {
    "bash": "echo 'source <(mdbackmap completion bash)' >> ~/.bashrc",
    "zsh": "echo 'source <(mdbackmap completion zsh)' >> ~/.zshrc",
    "fish": "echo 'mdbackmap completion fish | source' >> ~/.config/fish/config.fish",
}
_ZSH = """(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}
autoload -Uz bashcompinit && bashcompinit
{script}"""
_BASH = """# completes mdbackmap in bash: {how}
_mdbackmap() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb=${{COMP_WORDS[1]}} words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words={verbs}
    else
        case "$verb $before" in
{values}
        esac
        if [[ -z $words && $word == -* ]]; then
            case $verb in
{options}
            esac
        fi
    fi
    if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi
}}
complete -o default -o bashdefault -F _mdbackmap mdbackmap
"""


def add_parser(verbs):
    """Declare the options of ``completion``."""
    parser = verbs.add_parser(
        "completion",
        help="print a script that completes verbs and options in a shell",
        description="Print a script with which a shell completes verbs, options and their values.",
        epilog="Once for all: " + "; or ".join(HOW.values()),
    )
    parser.add_argument("shell", choices=tuple(HOW), help="the shell that is to complete")
    parser.set_defaults(all_verbs=verbs.choices)
    return parser


def run(args):
    """Print the script."""
    print((fish if args.shell == "fish" else bash)(args.all_verbs, args.shell), end="")


def bash(verbs, shell="bash"):
    """
    The script for bash, and for zsh, which runs functions of bash.

    Parameters
    ----------
    verbs : dict of str to argparse.ArgumentParser
    shell : str

    Returns
    -------
    str
    """
    options, values = [], []
    for verb, parser in verbs.items():
        options.append(f"            {verb}) words={shlex.quote(' '.join(parser._option_string_actions))} ;;")
        for action in parser._actions:
            if action.choices and action.option_strings:
                cases = "|".join(f'"{verb} {name}"' for name in action.option_strings)
                values.append(f"        {cases}) words={shlex.quote(' '.join(map(str, action.choices)))} ;;")
            elif action.choices and not action.option_strings:
                values.append(f'        "{verb} {verb}") words={shlex.quote(" ".join(map(str, action.choices)))} ;;')
    script = _BASH.format(
        how=HOW[shell], verbs=shlex.quote(" ".join(verbs)), options="\n".join(options), values="\n".join(values)
    )
    return script if shell == "bash" else _ZSH.format(script=script)


def fish(verbs, shell="fish"):
    """
    The script for fish.

    Parameters
    ----------
    verbs : dict of str to argparse.ArgumentParser
    shell : str

    Returns
    -------
    str
    """
    script = [f"# completes mdbackmap in fish: {HOW[shell]}"]
    script += [f"complete -c mdbackmap -n __fish_use_subcommand -f -a {verb}" for verb in verbs]
    for verb, parser in verbs.items():
        when = f"complete -c mdbackmap -n '__fish_seen_subcommand_from {verb}'"
        for action in parser._actions:
            words = f" -x -a {shlex.quote(' '.join(map(str, action.choices)))}" if action.choices else ""
            words = words or (" -r" if action.nargs != 0 else "")
            for name in (name for name in action.option_strings if name.startswith("--")):
                script.append(f"{when} -l {name[2:]}{words}")
            if action.choices and not action.option_strings:
                script.append(f"{when} -f{words.removeprefix(' -x')}")
    return "\n".join(script) + "\n"
