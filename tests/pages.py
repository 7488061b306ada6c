"""The Markdown pages of the repository: their blocks of code run in order, their sentences and cells of tables."""

import contextlib
import re
import shlex
from pathlib import Path

from mdbackmap.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e|et al|vs|Phys|Mol|Comput|Mater|Biol)\.|(?<!\d )\b[A-Z]\.(?= [A-Z])")


def blocks(page, *languages):
    """(language, text) of the blocks of code of a page, in order."""
    found = _BLOCK.findall(page.read_text())
    return [(language, text) for language, text in found if not languages or language in languages]


def run_page(page):
    """
    Run what a page shows, in the current folder: ``python`` and ``console`` blocks, in the order of the page.

    ``toml`` blocks are first written to the file that their first line names, with one epoch of training. Blocks of
    other languages (``sh``) are not run: they install, or take long.

    Returns
    -------
    dict
        The names that Python blocks have left.
    """
    for _, text in blocks(page, "toml"):
        name = re.match(r"# (\S+\.toml)\n", text)[1]
        Path(name).write_text(re.sub(r"epochs = \d+", "epochs = 1", text))
    names = {}
    for language, text in blocks(page, "python", "console"):
        if language == "python":
            exec(compile(text, str(page), "exec"), names)
        else:
            for line in text.splitlines():
                run_command(line)
    return names


def run_command(line):
    """One line of a ``console`` block; what it prints may go into a file."""
    command, _, target = line.partition(" > ")
    program, *arguments = shlex.split(command)
    assert program == "mdbackmap", line
    with contextlib.ExitStack() as stack:
        if target:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(target, "w"))))
        assert main(arguments if target else [*arguments, "--quiet"]) == 0, line


def prose(page):
    """The text of a page without blocks of code, comments and addresses of links."""
    text = _BLOCK.sub("", page.read_text())
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", text)


def cells(page):
    """Every cell of the tables of a page."""
    rows = [line for line in prose(page).splitlines() if line.startswith("|") and not set(line) <= set("|-: ")]
    return [cell.strip() for row in rows for cell in row.strip("|").split("|")]


def sentences(page):
    """The sentences of a page: of paragraphs, of items of lists, and the cells of tables."""
    paragraphs = [""]
    for line in prose(page).splitlines():
        if line.startswith(("#", "|", "![")) or not line.strip():
            paragraphs.append("")
        elif re.match(r" *[*-] ", line):
            paragraphs.append(line.strip(" *-"))
        else:
            paragraphs[-1] += " " + line.strip()
    found = []
    for paragraph in [*paragraphs, *cells(page)]:
        whole = _ABBREVIATIONS.sub(lambda match: match[0].replace(".", ""), paragraph)
        found += [part.strip() for part in re.split(r"(?<=[.?!])[*`)]* (?=[A-Z`*\"\[0-9])", whole) if part.strip()]
    return found


def n_words(sentence):
    """Words of a sentence; numbers count, signs do not."""
    return sum(any(letter.isalnum() for letter in word) for word in sentence.split())
