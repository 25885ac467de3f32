--- What has landed, newest first: a list to choose from, and an undo for each entry.

local client_of = require('pleach.client')

local M = {}

---@class pleach.Landed
---@field entry integer
---@field title string
---@field when string
---@field files string[]
---@field undone boolean
---@field undoes? integer

---@param client vim.lsp.Client
---@param bufnr integer
function M.pick(client, bufnr)
  client_of.send(client, 'pleach.history', {}, bufnr, function(entries)
    ---@cast entries pleach.Landed[]
    if #entries == 0 then
      vim.notify('Pleach: nothing has landed yet')
      return
    end
    vim.ui.select(entries, {
      prompt = 'Pleach: take back which edit?',
      kind = 'pleach.landed',
      format_item = function(entry)
        local state = entry.undone and ' [taken back]' or ''
        return ('%s  %s%s  (%s)'):format(entry.when, entry.title, state, table.concat(entry.files, ', '))
      end,
    }, function(entry)
      if entry and entry.undone then
        vim.notify('Pleach: that is taken back already; to have it again, choose the entry of its undo')
      elseif entry then
        client_of.send(client, 'pleach.undo', { entry = entry.entry }, bufnr)
      end
    end)
  end)
end

return M
