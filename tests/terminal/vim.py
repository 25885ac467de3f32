#!/usr/bin/env python3
"""Vim with ALE, as docs/editors.md says: tests/terminal/vim.py PLEACH FAKE_MODEL VIM [FILTER]"""
import os
import re
import sys

from terminal import REPO, Editor

INIT = """
set nocompatible noswapfile laststatus=2 statusline=%%f%%m hidden
let mapleader = ' '
set runtimepath^=/usr/share/vim-ale
filetype plugin on
%(snippet)s
%(more)s
"""


def snippet():
    """The lines that the guide gives out."""
    with open(os.path.join(REPO, "docs/editors.md")) as page:
        return re.search(r"## Vim.*?```vim\n(.*?)```", page.read(), re.DOTALL).group(1)


def prepare(home, more):
    with open(os.path.join(home, ".vimrc"), "w") as file:
        file.write(INIT % {"snippet": snippet(), "more": more})
    return f"'{VIM.program}' -u '{home}/.vimrc' -i NONE"


VIM = Editor("Vim", prepare)
FILE = "python/shelf.py"


def menu(it, entry):
    """Opens the list of actions at the cursor and chooses the one with `entry`."""
    def ask():
        it.keys("Escape")
        it.command("ALECodeAction")

    took = it.tries(f"the menu with {entry}", ask, entry)
    it.types(re.search(r"(\d+)\) [^\n]*" + re.escape(entry), it.screen()).group(1))
    it.keys("Enter")
    return took


@VIM.scenario()
def an_edit_lands_from_the_menu_and_is_taken_back(it):
    it.open(FILE)
    before = it.read(FILE)
    it.command("/def overdue/")
    took = menu(it, "Document `overdue`")
    print(f"        from the start of Vim to its first list of actions: {took:.2f} s", flush=True)
    it.sees('"""TODO: say what `overdue` does.')
    it.saves(FILE, "the docstring", lambda text: "say what `overdue` does" in text)
    it.types("u")
    it.until("no docstring", lambda: "say what" not in it.screen())
    it.saves(FILE, "what was before", lambda text: text == before)


sys.exit(VIM.main(sys.argv[1:]))
