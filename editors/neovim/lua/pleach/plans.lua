--- Plans: keys in their buffers, and a list of the steps.

local M = {}

--- What each key of a plan does: the command, and words for `:map`.
---@type table<string, { [1]: string, [2]: string }>
local actions = {
  run = { 'Pleach step run', 'run this step' },
  run_all = { 'Pleach run', 'run all that can run' },
  done = { 'Pleach step done', 'mark this step as done' },
  skip = { 'Pleach step skip', 'skip this step' },
  reopen = { 'Pleach step reopen', 'open this step again' },
  undo = { 'Pleach step undo', 'undo this step' },
  explain = { 'Pleach step explain', 'explain this step' },
  revise = { 'Pleach step revise', 'revise from this step on' },
  steps = { 'Pleach steps', 'list the steps' },
}

---@param buffer integer
---@return boolean
function M.is_plan(buffer)
  local name = vim.fs.normalize(vim.api.nvim_buf_get_name(buffer))
  return name:find('/%.pleach/plans/[^/]+%.md$') ~= nil
end

--- Maps the keys of a plan in its buffer. Who has mapped one of them there keeps it.
---@param buffer integer
function M.attach(buffer)
  local keys = require('pleach.config').options.plans.keys
  if not keys or not M.is_plan(buffer) then
    return
  end
  local taken = {}
  for _, map in ipairs(vim.api.nvim_buf_get_keymap(buffer, 'n')) do
    taken[map.lhsraw] = true
  end
  for name, key in pairs(keys) do
    local action = actions[name]
    local lhs = key and key:gsub('<[Ll]ocal[Ll]eader>', vim.g.maplocalleader or '\\')
    if action and lhs and not taken[vim.keycode(lhs)] then
      vim.keymap.set('n', lhs, ('<Cmd>%s<CR>'):format(action[1]), { buffer = buffer, desc = 'Pleach: ' .. action[2] })
    end
  end
end

---@class pleach.Step
---@field row integer counted from 1
---@field number string
---@field box string
---@field title string

--- The steps of a plan, as its text has them.
---@param buffer integer
---@return pleach.Step[]
function M.steps(buffer)
  local steps = {}
  for row, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    local number, box, title = line:match('^(%d+)%. %[(.)%] (.+)$')
    if number then
      steps[#steps + 1] = { row = row, number = number, box = box, title = title }
    end
  end
  return steps
end

local states = {
  [' '] = 'to do',
  ['~'] = 'running',
  ['?'] = 'waits for you',
  ['x'] = 'done',
  ['-'] = 'skipped',
  ['!'] = 'failed',
}

--- Lets the person choose a step of the plan in this buffer, and goes there.
---@param buffer integer
function M.pick(buffer)
  local steps = M.is_plan(buffer) and M.steps(buffer) or {}
  if #steps == 0 then
    vim.notify('Pleach: there is no step here. `:Pleach plan` makes a plan')
    return
  end
  vim.ui.select(steps, {
    prompt = 'Pleach: the steps of this plan',
    kind = 'pleach.step',
    format_item = function(step)
      return ('%s. %s  [%s]'):format(step.number, step.title, states[step.box] or step.box)
    end,
  }, function(step)
    if step then
      vim.cmd("normal! m'")
      vim.api.nvim_win_set_cursor(0, { step.row, 0 })
    end
  end)
end

return M
