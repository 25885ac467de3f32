-- For `luacheck editors/neovim tests/neovim`.
std = 'luajit'
max_line_length = 140
read_globals = { 'vim' }
-- Options and variables of Neovim are set by assignment.
globals = { 'vim.o', 'vim.opt', 'vim.bo', 'vim.wo', 'vim.g', 'vim.lsp', 'vim.ui', 'vim.notify', 'vim.env' }
