--- The hunks that wait for a decision, as the server tells of them in `pleach/review` notifications:
--- shown at their places in the text, listed, and jumped to. Nothing here changes a buffer.

local client_of = require('pleach.client')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('pleach.review')

--- So many new lines of one hunk are shown in the text; `:Pleach diff` has the rest.
local SHOWN = 30

---@class pleach.Edit
---@field range lsp.Range
---@field newText string

---@class pleach.Hunk
---@field hunk integer
---@field kind 'text'|'create'|'delete'|'rename'
---@field path string
---@field uri? string
---@field range lsp.Range
---@field summary string
---@field state 'pending'|'conflict'|'there'
---@field needs integer[]
---@field impact? string
---@field edits pleach.Edit[]

---@class pleach.Review
---@field review integer
---@field client_id integer
---@field title string
---@field engine string
---@field hunks pleach.Hunk[]

--- By client, then by the review's number.
---@type table<integer, table<integer, pleach.Review>>
local open = {}

--- What waits, oldest first.
---@return pleach.Review[]
function M.list()
  local all = {}
  for _, reviews in pairs(open) do
    vim.list_extend(all, vim.tbl_values(reviews))
  end
  table.sort(all, function(a, b)
    return a.review < b.review
  end)
  return all
end

--- How many hunks wait.
---@return integer
function M.count()
  return vim.iter(M.list()):fold(0, function(sum, review)
    return sum + #review.hunks
  end)
end

---@param lines string[] those of the text from `first` on
---@param first integer
---@param at lsp.Position
---@param encoding string
---@return integer offset in bytes into the lines joined by line feeds
local function offset(lines, first, at, encoding)
  local before = 0
  for row = first, at.line - 1 do
    before = before + #(lines[row - first + 1] or '') + 1
  end
  local line = lines[at.line - first + 1] or ''
  return before + vim.str_byteindex(line, encoding, at.character, false)
end

--- The lines that a hunk touches, and those that would stand there.
---@param buffer integer
---@param edits pleach.Edit[] in the order of the text
---@param encoding string
---@return integer first row, counted from 0
---@return string[] old
---@return string[] new
local function lines_of(buffer, edits, encoding)
  local first, last = edits[1].range.start.line, edits[#edits].range['end'].line
  local old = vim.api.nvim_buf_get_lines(buffer, first, last + 1, false)
  local text, parts, taken = table.concat(old, '\n'), {}, 0
  for _, edit in ipairs(edits) do
    local from = math.min(offset(old, first, edit.range.start, encoding), #text)
    local to = math.min(offset(old, first, edit.range['end'], encoding), #text)
    parts[#parts + 1] = text:sub(taken + 1, from)
    parts[#parts + 1] = edit.newText:gsub('\r\n?', '\n')
    taken = math.max(taken, to)
  end
  parts[#parts + 1] = text:sub(taken + 1)
  local new = vim.split(table.concat(parts), '\n')
  -- An edit behind the last line, which the buffer does not have as a line.
  if #old < last + 1 - first and new[#new] == '' then
    new[#new] = nil
  end
  return first, old, new
end

---@param text string
local function shown_text(text)
  return (text:gsub('\t', (' '):rep(vim.bo.tabstop)))
end

---@param buffer integer
---@param hunk pleach.Hunk
---@param encoding string
local function show(buffer, hunk, encoding)
  local count = vim.api.nvim_buf_line_count(buffer)
  local function mark(row, options)
    options.priority = options.priority or 200
    -- The text may have changed since the server told of the hunk; it tells again soon.
    pcall(vim.api.nvim_buf_set_extmark, buffer, NAMESPACE, math.max(0, math.min(row, count - 1)), 0, options)
  end
  local style = require('pleach.config').options.review
  local conflict = hunk.state == 'conflict'
  if style.signs then
    local last = math.max(hunk.range.start.line, hunk.range['end'].line)
    for row = hunk.range.start.line, math.min(last, count - 1) do
      mark(
        row,
        { sign_text = conflict and '!' or '┃', sign_hl_group = conflict and 'PleachConflictSign' or 'PleachSign' }
      )
    end
  end
  if not style.inline or #hunk.edits == 0 then
    return
  end
  table.sort(hunk.edits, function(a, b)
    local left, right = a.range.start, b.range.start
    return left.line < right.line or (left.line == right.line and left.character < right.character)
  end)
  local first, old, new = lines_of(buffer, hunk.edits, encoding)
  local function joined(lines)
    return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
  end
  local changes = vim.diff(joined(old), joined(new), { result_type = 'indices' })
  for _, change in
    ipairs(changes --[[@as integer[][] ]])
  do
    local old_at, old_count, new_at, new_count = unpack(change)
    for row = old_at, old_at + old_count - 1 do
      mark(first + row - 1, { line_hl_group = conflict and 'PleachConflict' or 'PleachRemoved' })
    end
    local lines = {}
    for at = new_at, new_at + math.min(new_count, SHOWN) - 1 do
      lines[#lines + 1] = { { shown_text(new[at] or ''), 'PleachAdded' } }
    end
    if new_count > SHOWN then
      lines[#lines + 1] = { { ('… %d more lines: :Pleach diff'):format(new_count - SHOWN), 'PleachMore' } }
    end
    if #lines > 0 then
      local below = old_count == 0 and old_at or old_at + old_count - 1
      local row = first + below - 1
      mark(row, { virt_lines = lines, virt_lines_above = row < 0 })
    end
  end
end

--- Shows in a loaded buffer what waits there.
---@param buffer integer
function M.show(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  local uri = vim.uri_from_bufnr(buffer)
  for client_id, reviews in pairs(open) do
    local client = vim.lsp.get_client_by_id(client_id)
    for _, review in pairs(client and reviews or {}) do
      for _, hunk in ipairs(review.hunks) do
        if hunk.uri == uri and hunk.state ~= 'there' then
          show(buffer, hunk, client.offset_encoding)
        end
      end
    end
  end
end

---@param ... pleach.Review
local function show_files_of(...)
  local uris = {}
  for _, review in ipairs({ ... }) do
    for _, hunk in ipairs(review.hunks) do
      uris[hunk.uri or ''] = true
    end
  end
  uris[''] = nil
  for uri in pairs(uris) do
    local buffer = vim.fn.bufnr(vim.uri_to_fname(uri))
    if buffer ~= -1 then
      M.show(buffer)
    end
  end
end

--- Takes in one `pleach/review` notification: how a review stands now. Without hunks it is closed.
---@param review pleach.Review
---@param client_id integer
function M.on_review(review, client_id)
  local reviews = open[client_id] or {}
  open[client_id] = reviews
  local before = reviews[review.review]
  review.client_id = client_id
  reviews[review.review] = #review.hunks > 0 and review or nil
  show_files_of(review, before)
  -- How many wait stands in status lines.
  vim.cmd.redrawstatus({ bang = true })
  vim.api.nvim_exec_autocmds('User', { pattern = 'PleachReview', data = { review = review }, modeline = false })
end

--- Forgets what a server that has gone had in review.
---@param client_id integer
function M.forget(client_id)
  local reviews = open[client_id] or {}
  open[client_id] = nil
  show_files_of(unpack(vim.tbl_values(reviews)))
end

--- Where the hunks of a buffer begin, in order.
---@param buffer integer
---@return integer[] rows, counted from 1
local function rows(buffer)
  local uri, found = vim.uri_from_bufnr(buffer), {}
  for _, review in ipairs(M.list()) do
    for _, hunk in ipairs(review.hunks) do
      if hunk.uri == uri then
        found[#found + 1] = math.min(hunk.range.start.line + 1, vim.api.nvim_buf_line_count(buffer))
      end
    end
  end
  table.sort(found)
  return found
end

--- Moves the cursor to the next or the previous hunk of this buffer, around its end.
---@param step 1|-1
function M.jump(step)
  local here, all = vim.api.nvim_win_get_cursor(0)[1], rows(0)
  if #all == 0 then
    local elsewhere = M.count()
    local more = elsewhere > 0 and (' (%d elsewhere: `:Pleach hunks`)'):format(elsewhere) or ''
    vim.notify('Pleach: no hunk waits in this file' .. more)
    return
  end
  local target = step > 0 and all[1] or all[#all]
  for at = step > 0 and 1 or #all, step > 0 and #all or 1, step do
    if (all[at] - here) * step > 0 then
      target = all[at]
      break
    end
  end
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { target, 0 })
end

--- Lets the person choose one of the hunks that wait, and goes there.
function M.pick()
  local items = {}
  for _, review in ipairs(M.list()) do
    for _, hunk in ipairs(review.hunks) do
      items[#items + 1] = { hunk = hunk, review = review }
    end
  end
  if #items == 0 then
    vim.notify('Pleach: nothing waits for review')
    return
  end
  vim.ui.select(items, {
    prompt = 'Pleach: what waits for review',
    kind = 'pleach.hunk',
    format_item = function(item)
      local hunk = item.hunk
      local state = hunk.state == 'conflict' and ' [conflict]' or ''
      return ('%s:%d  %s%s  (%s)'):format(hunk.path, hunk.range.start.line + 1, hunk.summary, state, item.review.title)
    end,
  }, function(item)
    if not item then
      return
    end
    if not item.hunk.uri or item.hunk.kind == 'create' then
      -- There is no place to go to yet.
      local client = vim.lsp.get_client_by_id(item.review.client_id)
      if client then
        client_of.send(client, 'pleach.diff', { review = item.review.review, hunk = item.hunk.hunk })
      end
      return
    end
    local buffer = vim.uri_to_bufnr(item.hunk.uri)
    vim.fn.bufload(buffer)
    vim.bo[buffer].buflisted = true
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_buf(0, buffer)
    vim.api.nvim_win_set_cursor(0, { math.min(item.hunk.range.start.line + 1, vim.api.nvim_buf_line_count(buffer)), 0 })
  end)
end

return M
