-- The configuration of a user who has installed the plugin and changed nothing.
vim.opt.runtimepath:prepend(assert(vim.env.PLEACH_REPO) .. '/editors/neovim')
vim.opt.swapfile = false
vim.opt.shadafile = 'NONE'
vim.opt.hidden = true
vim.g.clipboard = false
vim.cmd('filetype on')
