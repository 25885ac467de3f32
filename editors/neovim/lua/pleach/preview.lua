--- A small window in the corner with the reply as it is written. It never takes the focus.

local M = {}

--- The window stays this long after the job has ended, in milliseconds.
local LINGER = 1200

---@type { job: pleach.Job, buffer: integer, window?: integer }?
local shown

local function hide()
  if shown then
    if shown.window and vim.api.nvim_win_is_valid(shown.window) then
      vim.api.nvim_win_close(shown.window, true)
    end
    if vim.api.nvim_buf_is_valid(shown.buffer) then
      vim.api.nvim_buf_delete(shown.buffer, { force = true })
    end
    shown = nil
  end
end

---@param text string
local function add(text)
  local buffer = shown.buffer
  local last = vim.api.nvim_buf_line_count(buffer) - 1
  local column = #vim.api.nvim_buf_get_lines(buffer, last, last + 1, false)[1]
  vim.api.nvim_buf_set_text(buffer, last, column, last, column, vim.split(text, '\n'))
  if shown.window and vim.api.nvim_win_is_valid(shown.window) then
    vim.api.nvim_win_set_cursor(shown.window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

---@param job pleach.Job
local function open(job)
  local width = math.max(20, math.min(80, math.floor(vim.o.columns * 0.5)))
  local height = math.max(3, math.min(12, math.floor(vim.o.lines * 0.3)))
  shown.window = vim.api.nvim_open_win(shown.buffer, false, {
    relative = 'editor',
    anchor = 'SE',
    row = vim.o.lines - vim.o.cmdheight - 1,
    col = vim.o.columns,
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
    focusable = false,
    noautocmd = true,
    title = (' %s · :Pleach cancel '):format(vim.fn.strcharpart(job.title, 0, width - 20)),
  })
  vim.wo[shown.window].wrap = false
end

--- Adds text to a job's window, and opens it once the job has run long enough to be worth a look.
---@param job pleach.Job
---@param text string
function M.append(job, text)
  local preview = require('pleach.config').options.preview
  if not preview then
    return
  end
  if not shown or shown.job ~= job then
    hide()
    shown = { job = job, buffer = vim.api.nvim_create_buf(false, true) }
    vim.defer_fn(function()
      if shown and shown.job == job and job.state == 'running' then
        open(job)
        add('')
      end
    end, preview.delay)
  end
  add(text)
end

--- Empties a job's window: another reply follows.
---@param job pleach.Job
function M.clear(job)
  if shown and shown.job == job then
    vim.api.nvim_buf_set_lines(shown.buffer, 0, -1, false, {})
  end
end

--- Closes a job's window, a moment after the last word.
---@param job pleach.Job
function M.close(job)
  if not shown or shown.job ~= job then
    return
  end
  if not shown.window then
    hide()
    return
  end
  vim.defer_fn(function()
    if shown and shown.job == job then
      hide()
    end
  end, LINGER)
end

--- The window, while it is open. For tests.
---@return integer?
function M.window()
  return shown and shown.window
end

return M
