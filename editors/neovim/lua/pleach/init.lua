--- Pleach for Neovim. Nothing here has to be called: the plugin works without any configuration.

local M = {}

--- Changes the defaults. See `:help pleach-setup`.
---@param options? pleach.Options
function M.setup(options)
  local config = require('pleach.config')
  config.set(options)
  -- Assigned, not merged: settings of an earlier call do not linger.
  vim.lsp.config.pleach = config.lsp()
end

--- What runs at the moment, for a status line: `Pleach: Document in src/lib.rs: writing · 2 s · …`.
--- Empty when nothing runs.
---@return string
function M.status()
  return require('pleach.progress').status()
end

--- For a status line: what runs, else how many hunks wait; empty when there is nothing to say. `icon` stands
--- before it.
---@param icon? string
---@return string
function M.statusline(icon)
  local text, waiting = M.status(), M.waiting()
  if text == '' and waiting > 0 then
    text = ('%d %s to review'):format(waiting, waiting == 1 and 'hunk' or 'hunks')
  end
  return text ~= '' and ('%s %s'):format(icon or 'Pleach:', (text:gsub('^Pleach: ', ''))) or ''
end

--- The jobs of this session, oldest first.
---@return pleach.Job[]
function M.jobs()
  return require('pleach.jobs').list()
end

--- How many hunks wait for review, for a status line.
---@return integer
function M.waiting()
  return require('pleach.review').count()
end

return M
