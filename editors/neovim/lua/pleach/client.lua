--- Talking to the server: which client, which place, which command.

local M = {}

local NAME = 'pleach'

--- The client of a buffer, or any other that runs.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.find(bufnr)
  return vim.lsp.get_clients({ name = NAME, bufnr = bufnr or 0 })[1] or vim.lsp.get_clients({ name = NAME })[1]
end

--- The client, or nil after the user was told why there is none.
---@param bufnr? integer
---@return vim.lsp.Client?
function M.find_or_tell(bufnr)
  local client = M.find(bufnr)
  if client then
    return client
  end
  local config = require('pleach.config')
  if not config.program() then
    vim.notify(config.missing(), vim.log.levels.ERROR)
  else
    vim.notify(
      'Pleach: the server does not run. Open a file of a supported type, or see `:checkhealth pleach`.',
      vim.log.levels.ERROR
    )
  end
end

--- Sends a command. The server answers at once; what follows comes as `pleach/job` and as progress.
---@param client vim.lsp.Client
---@param command string
---@param arguments table
---@param bufnr? integer
---@param done? fun(result: any)
function M.send(client, command, arguments, bufnr, done)
  if vim.tbl_isempty(arguments) then
    arguments = vim.empty_dict()
  end
  client:request('workspace/executeCommand', { command = command, arguments = { arguments } }, function(err, result)
    -- Why a command was refused comes as a message of its own, with the next step.
    if not err and done then
      done(result)
    end
  end, bufnr)
end

--- Carries out *Rewrite*, and asks for the instruction when it is not there yet.
---@param command lsp.Command
---@param context { client_id: integer, bufnr: integer }
function M.rewrite(command, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local arguments = (command.arguments or {})[1] or {}
  if type(arguments) == 'string' then
    arguments = { instruction = arguments }
  end
  if arguments.instruction then
    return M.send(client, 'pleach.rewrite', arguments, context.bufnr)
  end
  require('pleach.ask').ask('instruction', 'Pleach, rewrite how?', function(instruction)
    arguments.instruction = instruction
    M.send(client, 'pleach.rewrite', arguments, context.bufnr)
  end)
end

--- Carries out *Retry*, and asks what should be different when that is not said yet.
---@param command lsp.Command
---@param context { client_id: integer, bufnr: integer }
function M.retry(command, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local arguments = (command.arguments or {})[1] or {}
  if arguments.note then
    return M.send(client, 'pleach.retry', arguments, context.bufnr)
  end
  require('pleach.ask').ask('note', 'Pleach, what should be different?', function(note)
    arguments.note = note
    M.send(client, 'pleach.retry', arguments, context.bufnr)
  end)
end

---@param bufnr integer
---@param row integer 0-based
---@param column integer in bytes
---@param encoding string
---@return lsp.Position
local function position(bufnr, row, column, encoding)
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  column = math.max(0, math.min(column, #line))
  return { line = row, character = vim.str_utfindex(line, encoding, column, false) }
end

--- The place that a command is about: the given lines, the visual selection if it is those lines, or
--- the cursor.
---@param client vim.lsp.Client
---@param bufnr integer
---@param opts? { range: integer, line1: integer, line2: integer }
---@return { uri: string, range: lsp.Range }
function M.place(client, bufnr, opts)
  local encoding = client.offset_encoding
  local uri = vim.uri_from_bufnr(bufnr)
  if not opts or opts.range == 0 then
    local cursor = vim.api.nvim_win_get_cursor(0)
    local at = position(bufnr, cursor[1] - 1, cursor[2], encoding)
    return { uri = uri, range = { start = at, ['end'] = at } }
  end
  local first, last = { opts.line1 - 1, 0 }, { opts.line2 - 1, math.huge }
  local from, to = vim.api.nvim_buf_get_mark(bufnr, '<'), vim.api.nvim_buf_get_mark(bufnr, '>')
  if vim.fn.visualmode() == 'v' and from[1] == opts.line1 and to[1] == opts.line2 then
    local line = vim.api.nvim_buf_get_lines(bufnr, to[1] - 1, to[1], false)[1] or ''
    -- The mark is on the last character; a range ends after it.
    local after =
      vim.str_byteindex(line, 'utf-32', vim.str_utfindex(line, 'utf-32', math.min(to[2], #line), false) + 1, false)
    first, last = { from[1] - 1, from[2] }, { to[1] - 1, after }
  end
  return {
    uri = uri,
    range = {
      start = position(bufnr, first[1], first[2], encoding),
      ['end'] = position(bufnr, last[1], last[2], encoding),
    },
  }
end

--- The diagnostics in some lines, as the protocol writes them.
---@param client vim.lsp.Client
---@param bufnr integer
---@param range lsp.Range
---@return lsp.Diagnostic[]
function M.diagnostics(client, bufnr, range)
  local found = {}
  for _, it in ipairs(vim.diagnostic.get(bufnr)) do
    if it.lnum <= range['end'].line and (it.end_lnum or it.lnum) >= range.start.line then
      local sent = it.user_data and it.user_data.lsp or {}
      found[#found + 1] = {
        range = {
          start = position(bufnr, it.lnum, it.col, client.offset_encoding),
          ['end'] = position(bufnr, it.end_lnum or it.lnum, it.end_col or it.col, client.offset_encoding),
        },
        severity = it.severity,
        code = sent.code or it.code,
        source = it.source,
        message = it.message,
      }
    end
  end
  return found
end

return M
