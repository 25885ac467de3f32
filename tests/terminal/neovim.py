#!/usr/bin/env python3
"""Neovim with the plugin: tests/terminal/neovim.py PLEACH FAKE_MODEL NVIM [FILTER]"""
import os
import re
import sys

from terminal import REPO, TWO, Editor

INIT = """
vim.opt.runtimepath:prepend('%(repo)s/editors/neovim')
vim.opt.statusline = "%%f %%m%%=%%{v:lua.require'pleach'.statusline()}"
vim.opt.laststatus = 2
vim.opt.autoread = true
vim.g.mapleader = ' '
for key, name in pairs({ r = 'rewrite', d = 'document', y = 'accept', n = 'reject', c = 'cancel', u = 'undo' }) do
  vim.keymap.set({ 'n', 'x' }, '<leader>' .. key, '<Plug>(pleach-' .. name .. ')')
end
vim.keymap.set('n', ']h', '<Plug>(pleach-next)')
%(more)s
"""


def prepare(home, more):
    folder = os.path.join(home, "config/nvim")
    os.makedirs(folder)
    with open(os.path.join(folder, "init.lua"), "w") as file:
        file.write(INIT % {"repo": REPO, "more": more})
    return f"'{NEOVIM.program}'"


NEOVIM = Editor("Neovim", prepare)


def menu(it):
    """Opens the list of actions, at the cursor."""
    def ask():
        it.keys("Escape")
        it.types("gra")

    took = it.tries("the menu", ask, "Type number and <Enter>")
    print(f"        from the start of Neovim to its first list of actions: {took:.2f} s", flush=True)


def ready(it):
    """Waits until the server runs: then it lists actions, of which none is taken."""
    menu(it)
    it.keys("Enter")


@NEOVIM.scenario(first=True)
def the_first_time_what_works_is_said_in_one_line_that_waits_for_no_key(it):
    it.open("src/lib.rs")
    it.sees("Pleach can document, test, fix, rename. Add a model: `pleach model`")
    it.sees_no("Press ENTER")


@NEOVIM.scenario(TWO, ("--chunk-bytes", "8", "--hold-after", "20", "--until", "{folder}/GO"))
def rewrite_from_the_menu_stream_hunks_accept_one_reject_one(it, model):
    it.open("src/lib.rs")
    it.command("9")
    menu(it)
    number = re.search(r"(\d+): Rewrite with an instruction", it.screen()).group(1)
    it.types(number)
    it.keys("Enter")
    it.sees("Enter: go")
    it.types("longer loans")
    it.keys("Enter")
    # The stream, in a window of its own, and the progress in the status line.
    it.sees(":Pleach cancel")
    it.sees("<<<<<<< SEARCH")
    it.sees("tokens")
    open(os.path.join(model.folder, "GO"), "w").close()
    it.sees("2 hunks to review")
    it.sees("pub const LOAN_DAYS: u32 = 28;")
    assert "= 28" not in it.read("src/lib.rs")
    it.command("1")
    it.types("]h")
    it.types(" y")
    it.sees("1 hunk to review")
    it.types("]h")
    it.types(" n")
    it.sees_no("to review")
    it.saves("src/lib.rs", "one of two hunks", lambda text: "= 28" in text and "min(1_000)" in text)


@NEOVIM.scenario(TWO, ("--chunk-bytes", "8", "--hang-after", "4"))
def a_job_is_cancelled_by_a_key_and_the_connection_is_closed(it, model):
    it.open("src/lib.rs")
    before = it.read("src/lib.rs")
    it.command("9")
    ready(it)
    it.command("Pleach rewrite anything")
    it.sees("tokens")
    it.types(" c")
    it.until("the connection closed", lambda: "client-closed" in model.seen())
    it.sees("cancelled; nothing was changed")
    it.saves("src/lib.rs", "the same text", lambda text: text == before)


@NEOVIM.scenario()
def a_plan_is_run_by_its_keys(it):
    it.open("src/lib.rs")
    ready(it)
    it.command("Pleach plan document src/lib.rs")
    it.sees("# Document src/lib.rs")
    it.command("edit .pleach/plans/document-src-lib-rs.md | only")
    it.command("/^1\\. ")
    it.types("\\r")
    it.sees("1. [x] Document")
    it.sees("1 of 3 steps")
    it.types("\\R")
    it.sees("3 of 3 steps")
    it.command("silent wall")
    it.until("the comments", lambda: it.read("src/lib.rs").count("/// ") >= 3)


@NEOVIM.scenario()
def what_landed_is_undone_and_what_was_typed_since_stays(it):
    it.open("go/main.go")
    ready(it)
    it.command("/func (s .Shelf) Borrow")
    it.types(" d")
    it.sees("// Borrow")
    it.command("1")
    it.types("O// kept")
    it.keys("Escape")
    it.types(" u")
    it.sees_no("// Borrow")
    it.saves("go/main.go", "the typing", lambda text: text.startswith("// kept\n") and "// Borrow" not in text)


@NEOVIM.scenario(TWO)
def the_cost_is_a_page_beside_the_code(it, model):
    it.open("src/lib.rs")
    it.command("9")
    ready(it)
    it.command("Pleach rewrite anything")
    it.sees("2 hunks to review")
    it.command("Pleach usage")
    it.sees("What models were asked")
    it.sees("| all | unknown | 1 |")


@NEOVIM.scenario(more="vim.api.nvim_create_autocmd('BufWritePre', { callback = function() vim.cmd([[%s/\\s\\+$//e]]) end })")
def an_edit_lands_in_a_buffer_that_was_not_written_and_a_format_on_save_stays(it):
    it.open("go/main.go")
    ready(it)
    it.command("1")
    it.types("O// not written   ")
    it.keys("Escape")
    it.command("/func (s .Shelf) Borrow")
    it.types(" d")
    it.sees("// Borrow")
    assert "// Borrow" not in it.read("go/main.go"), "landing does not write the file"
    it.saves("go/main.go", "both", lambda text: text.startswith("// not written\n") and "// Borrow" in text)
    it.types(" u")
    it.sees_no("// Borrow")
    it.saves("go/main.go", "the undo", lambda text: text.startswith("// not written\n") and "// Borrow" not in text)


@NEOVIM.scenario()
def an_edit_lands_beside_a_swap_file_and_on_what_changed_on_disk(it):
    it.open("go/main.go")
    ready(it)
    path = os.path.join(it.folder, "go/main.go")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write("// from elsewhere\n" + text)
    it.command("checktime")
    it.sees("// from elsewhere")
    swaps = os.path.join(it.home, "state/nvim/swap")
    assert any(name.endswith(".swp") for name in os.listdir(swaps)), "Neovim keeps a swap file"
    it.command("/func (s .Shelf) Borrow")
    it.types(" d")
    it.sees("// Borrow")
    it.saves("go/main.go", "both", lambda text: text.startswith("// from elsewhere\n") and "// Borrow" in text)

sys.exit(NEOVIM.main(sys.argv[1:]))
