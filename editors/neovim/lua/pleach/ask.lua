--- Asks for a line or a few of free text, in a small window at the cursor. Where somebody has put
--- another box in place of `vim.ui.input`, that one asks.

local M = {}

--- So many earlier answers can be had again.
local REMEMBERED = 50

local WIDTH, HEIGHT = 60, 8

--- By what was asked for: the earlier answers, oldest first.
---@type table<string, string[]>
local earlier = {}

---@param input function
---@return boolean
local function is_neovims_own(input)
  return debug.getinfo(input, 'S').source:find('vim/ui.lua', 1, true) ~= nil
end

---@param kind string
---@param answer string
local function remember(kind, answer)
  local answers = vim.tbl_filter(function(it)
    return it ~= answer
  end, earlier[kind] or {})
  answers[#answers + 1] = answer
  if #answers > REMEMBERED then
    table.remove(answers, 1)
  end
  earlier[kind] = answers
end

---@param kind string
---@param prompt string
---@param on_answer fun(answer: string)
local function open(kind, prompt, on_answer)
  local before, from_insert = vim.api.nvim_get_current_win(), vim.fn.mode():sub(1, 1) == 'i'
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].filetype = 'pleach-input'
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'cursor',
    row = 1,
    col = 0,
    width = math.min(WIDTH, vim.o.columns - 4),
    height = 1,
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(prompt),
    footer = ' Enter: go · Up: earlier · Esc: leave ',
    footer_pos = 'right',
  })
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true

  local closed = false
  local function close()
    if closed then
      return
    end
    closed = true
    vim.cmd.stopinsert()
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_close(window, true)
    end
    if vim.api.nvim_win_is_valid(before) then
      vim.api.nvim_set_current_win(before)
      if from_insert then
        vim.cmd.startinsert()
      end
    end
  end
  local function written()
    return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
  end
  local function write(text)
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n'))
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), #text })
  end

  local answers = earlier[kind] or {}
  local at, draft = #answers + 1, ''
  local function step(by)
    if at == #answers + 1 then
      draft = written()
    end
    at = math.max(1, math.min(at + by, #answers + 1))
    write(answers[at] or draft)
  end
  local function map(modes, key, run, what)
    vim.keymap.set(modes, key, run, { buffer = buffer, nowait = true, desc = 'Pleach: ' .. what })
  end
  map({ 'i', 'n' }, '<CR>', function()
    local answer = vim.trim(written())
    close()
    if answer ~= '' then
      remember(kind, answer)
      on_answer(answer)
    end
  end, 'go')
  map('n', '<Esc>', close, 'leave')
  map({ 'i', 'n' }, '<C-c>', close, 'leave')
  map('i', '<Esc>', close, 'leave')
  map({ 'i', 'n' }, '<Up>', function()
    step(-1)
  end, 'an earlier answer')
  map({ 'i', 'n' }, '<Down>', function()
    step(1)
  end, 'a later answer')
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, {
    buffer = buffer,
    callback = function()
      local height = vim.api.nvim_win_text_height(window, {}).all
      vim.api.nvim_win_set_height(window, math.max(1, math.min(height, HEIGHT)))
    end,
  })
  vim.api.nvim_create_autocmd('WinLeave', { buffer = buffer, once = true, callback = vim.schedule_wrap(close) })
  vim.cmd.startinsert()
end

--- Asks; an empty answer and leaving are no answer.
---@param kind 'instruction'|'note'|'goal' answers of one kind are offered again to it
---@param prompt string
---@param on_answer fun(answer: string)
function M.ask(kind, prompt, on_answer)
  if is_neovims_own(vim.ui.input) then
    return open(kind, prompt, on_answer)
  end
  vim.ui.input({ prompt = prompt .. ' ' }, function(answer)
    if answer and vim.trim(answer) ~= '' then
      on_answer(answer)
    end
  end)
end

return M
