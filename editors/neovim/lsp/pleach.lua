-- What `vim.lsp.enable('pleach')` starts.
return require('pleach.config').lsp()
