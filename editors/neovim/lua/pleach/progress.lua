--- What the server says of work in progress (`$/progress`), for the status line and the command line.

local M = {}

--- By client and token: what to show.
---@type table<integer, table<string, { title: string, message: string }>>
local running = {}

---@param client_id integer
---@return boolean
local function is_ours(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  return client ~= nil and client.name == 'pleach'
end

--- As much of the first line of `text` as the command line holds.
---@param text string
---@return string
function M.fitting(text)
  text = vim.split(text, '\n')[1]
  local room = math.max(1, vim.v.echospace)
  if vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, room - 1) .. '…'
  end
  return text
end

--- Shows a line in the command line, where it is not in the way.
---@param text string
local function echo(text)
  if not require('pleach.config').options.progress or vim.fn.mode() ~= 'n' then
    return
  end
  vim.api.nvim_echo({ { M.fitting(text) } }, false, {})
end

---@return string
function M.status()
  local parts = {}
  for _, tokens in pairs(running) do
    for _, it in pairs(tokens) do
      parts[#parts + 1] = it.message ~= '' and ('%s: %s'):format(it.title, it.message) or it.title
    end
  end
  table.sort(parts)
  return table.concat(parts, ' | ')
end

function M.on_progress(event)
  local client_id, params = event.data.client_id, event.data.params
  if not is_ours(client_id) then
    return
  end
  local value, tokens = params.value, running[client_id] or {}
  running[client_id] = tokens
  if value.kind == 'end' then
    tokens[params.token] = nil
  else
    local before = tokens[params.token] or { title = value.title or 'Pleach', message = '' }
    before.message = value.message or before.message
    tokens[params.token] = before
    echo(M.status())
  end
  vim.cmd.redrawstatus({ bang = true })
end

function M.on_detach(event)
  local client = vim.lsp.get_client_by_id(event.data.client_id)
  if client and client.name == 'pleach' and client:is_stopped() then
    running[client.id] = nil
    require('pleach.review').forget(client.id)
  end
end

return M
