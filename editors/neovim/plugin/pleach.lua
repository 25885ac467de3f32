if vim.g.loaded_pleach then
  return
end
vim.g.loaded_pleach = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('Pleach needs Neovim 0.11 or newer.', vim.log.levels.ERROR)
  return
end

vim.api.nvim_create_user_command('Pleach', function(opts)
  require('pleach.command').run(opts)
end, {
  nargs = '*',
  range = true,
  desc = 'Pleach: rewrite, document, test, fix, …',
  complete = function(lead, line)
    return require('pleach.command').complete(lead, line)
  end,
})

for _, name in ipairs({
  'document',
  'test',
  'fix',
  'implement',
  'explain',
  'review',
  'comment',
  'pipeline',
  'rewrite',
  'land',
  'accept',
  'reject',
  'diff',
  'retry',
}) do
  local plug = ('<Plug>(pleach-%s)'):format(name)
  vim.keymap.set('n', plug, ('<Cmd>Pleach %s<CR>'):format(name), { desc = 'Pleach: ' .. name })
  vim.keymap.set('x', plug, (':Pleach %s<CR>'):format(name), { desc = 'Pleach: ' .. name, silent = true })
end
for _, name in ipairs({
  'cancel',
  'undo',
  'status',
  'log',
  'next',
  'previous',
  'hunks',
  'history',
  'chat',
  'new',
  'plan',
  'step',
  'steps',
  'run',
  'usage',
  'rules',
}) do
  vim.keymap.set(
    'n',
    ('<Plug>(pleach-%s)'):format(name),
    ('<Cmd>Pleach %s<CR>'):format(name),
    { desc = 'Pleach: ' .. name }
  )
end

local group = vim.api.nvim_create_augroup('pleach', {})

vim.api.nvim_create_autocmd('LspProgress', {
  group = group,
  desc = 'Show what Pleach is doing',
  callback = function(event)
    require('pleach.progress').on_progress(event)
  end,
})

vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  desc = 'Forget what a Pleach that has gone was doing',
  callback = function(event)
    require('pleach.progress').on_detach(event)
  end,
})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  desc = 'Show what waits for review in a file that was just opened',
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'pleach' then
      require('pleach.review').show(event.buf)
      require('pleach.plans').attach(event.buf)
    end
  end,
})

--- A theme may say otherwise.
local function set_highlights()
  for name, link in pairs({
    PleachAdded = 'DiffAdd',
    PleachRemoved = 'DiffDelete',
    PleachConflict = 'DiffText',
    PleachMore = 'Comment',
    PleachSign = 'DiagnosticSignHint',
    PleachConflictSign = 'DiagnosticSignWarn',
  }) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end
set_highlights()
vim.api.nvim_create_autocmd(
  'ColorScheme',
  { group = group, desc = 'Colours of hunks under review', callback = set_highlights }
)

-- Set `vim.g.pleach_enable = false` before the plugin is loaded to call `vim.lsp.enable('pleach')`
-- yourself.
if vim.g.pleach_enable ~= false then
  vim.lsp.enable('pleach')
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    desc = 'Say once when the program is missing, instead of doing nothing',
    callback = function(event)
      if vim.list_contains(require('pleach.config').filetypes, event.match) then
        require('pleach.config').warn_if_missing()
        return true
      end
    end,
  })
end
