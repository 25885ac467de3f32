#!/usr/bin/env python3
"""Emacs with eglot, as docs/editors.md says: tests/terminal/emacs.py PLEACH FAKE_MODEL EMACS [FILTER]"""
import os
import re
import sys

from terminal import REPO, Editor, Terminal

INIT = """
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil)
(menu-bar-mode -1)
; Debian's Emacs compiles what it loads and tells of it in a window.
(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil native-comp-async-report-warnings-errors nil)
%(snippet)s
(add-hook 'python-mode-hook 'eglot-ensure)
%(more)s
"""


def snippet():
    """The lines that the guide gives out."""
    with open(os.path.join(REPO, "docs/editors.md")) as page:
        return re.search(r"## Emacs.*?```elisp\n(.*?)```", page.read(), re.DOTALL).group(1)


def prepare(home, more):
    with open(os.path.join(home, ".emacs"), "w") as file:
        file.write(INIT % {"snippet": snippet(), "more": more})
    return f"'{EMACS.program}' -nw"


class Emacs(Terminal):
    def rests(self):
        """Leaves whatever asks. What is typed before Emacs has done so is lost."""
        def asks():
            return any(prompt in self.screen() for prompt in ("M-x", "I-search:", "Pick an action"))

        if asks():
            self.keys("C-g")
            self.until("no question", lambda: not asks())

    def run(self, command):
        self.rests()
        self.keys("M-x")
        self.sees("M-x")
        self.types(command)
        self.keys("Enter")

    def write(self):
        self.keys("C-x", "C-s")

    def leave(self):
        self.run("kill-emacs")

    def goto(self, text):
        """Puts the cursor behind the first place of `text`."""
        self.rests()
        self.keys("M-<", "C-s")
        self.sees("I-search:")
        self.types(text)
        self.sees(f"I-search: {text}")
        self.keys("Enter")
        self.sees_no("I-search:")

    def picks(self, title):
        took = self.tries("the menu", lambda: self.run("eglot-code-actions"), "Pick an action")
        self.types(title)
        self.keys("Tab", "Enter")
        return took


EMACS = Editor("Emacs", prepare, Emacs)

TWO = """python/shelf.py
<<<<<<< SEARCH
    limit = today - timedelta(days=days)
=======
    limit = today - timedelta(days=days + 1)
>>>>>>> REPLACE

python/shelf.py
<<<<<<< SEARCH
    return f"Dear {loan.reader}, you have had {loan.title} for {late} days."
=======
    return f"Dear {loan.reader}, {loan.title} is {late} days late."
>>>>>>> REPLACE
"""
FILE = "python/shelf.py"


@EMACS.scenario(first=True)
def the_first_time_what_works_is_said(it):
    it.open(FILE)
    it.sees("Pleach can document, test, fix, rename. Add a")


@EMACS.scenario()
def an_edit_lands_from_the_menu_and_is_taken_back(it):
    it.open(FILE)
    before = it.read(FILE)
    it.goto("def overdue")
    took = it.picks("Document")
    print(f"        from the start of Emacs to its first list of actions: {took:.2f} s", flush=True)
    it.until("the docstring", lambda: it.screen().count('"""') > 4)
    it.saves(FILE, "the docstring", lambda text: text.count('"""') == 6)
    it.goto("import json")
    it.picks("Undo")
    it.until("no docstring", lambda: it.screen().count('"""') == 4)
    it.saves(FILE, "what was before", lambda text: text == before)


@EMACS.scenario(TWO)
def of_two_hunks_of_a_model_one_is_accepted_and_one_rejected(it, model):
    it.open(FILE)
    it.goto("days: int = 21) -> list[Loan]:")
    it.keys("Enter")
    it.types("# ai: a day more")
    it.picks("Carry")
    it.until("notes of Flymake", lambda: lists_hunks(it, 2))
    it.goto("limit = today")
    it.picks("Accept: ")
    it.sees("days=days + 1")
    it.until("one note", lambda: lists_hunks(it, 1))
    it.goto("Dear")
    it.picks("Reject: ")
    it.until("no note", lambda: lists_hunks(it, 0))
    it.saves(FILE, "one of the two", lambda text: "days + 1" in text and "you have had" in text)


def lists_hunks(it, count):
    """Flymake's counter of notes, in the mode line: errors, warnings, notes."""
    found = re.search(r"Flymake\[\d+ \d+ (\d+)\]|Flymake\[(\d+) (\d+)", it.screen())
    return found is not None and f"{count}" in found.group(0).split()[-1]


sys.exit(EMACS.main(sys.argv[1:]))
