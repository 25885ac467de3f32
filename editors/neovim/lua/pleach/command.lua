--- The command `:Pleach`.

local client_of = require('pleach.client')

local M = {}

--- Actions that need nothing but a place. The key is what is typed, the value the server's command.
local on_a_place = {
  document = 'pleach.document',
  test = 'pleach.test',
  implement = 'pleach.implement',
  explain = 'pleach.explain',
  review = 'pleach.review',
  comment = 'pleach.comment',
  pipeline = 'pleach.pipeline',
}

---@alias pleach.Subcommand fun(client: vim.lsp.Client, bufnr: integer, rest: string, opts: table)
---@type table<string, pleach.Subcommand>
local subcommands = {}

for name, command in pairs(on_a_place) do
  subcommands[name] = function(client, bufnr, rest, opts)
    local arguments = client_of.place(client, bufnr, opts)
    arguments.instruction = rest ~= '' and rest or nil
    client_of.send(client, command, arguments, bufnr)
  end
end

function subcommands.rewrite(client, bufnr, rest, opts)
  local arguments = client_of.place(client, bufnr, opts)
  arguments.instruction = rest ~= '' and rest or nil
  local command = { title = 'Rewrite', command = 'pleach.rewrite', arguments = { arguments } }
  client_of.rewrite(command, { client_id = client.id, bufnr = bufnr })
end

function subcommands.fix(client, bufnr, rest, opts)
  local arguments = client_of.place(client, bufnr, opts)
  arguments.instruction = rest ~= '' and rest or nil
  arguments.diagnostics = client_of.diagnostics(client, bufnr, arguments.range)
  if #arguments.diagnostics == 0 and not arguments.instruction then
    vim.notify(
      'Pleach: there is no diagnostic here. Put the cursor on one, or say what to fix: `:Pleach fix …`',
      vim.log.levels.WARN
    )
    return
  end
  client_of.send(client, 'pleach.fix', arguments, bufnr)
end

--- Lands an answer: the given lines of this buffer, or a register (`+` if none is named).
function subcommands.land(client, bufnr, rest, opts)
  if opts.range > 0 then
    client_of.send(client, 'pleach.land', client_of.place(client, bufnr, opts), bufnr)
    return
  end
  local register = rest:gsub('^["@]', ''):sub(1, 1)
  if register == '' then
    register = vim.fn.has('clipboard') == 1 and '+' or '"'
  end
  local reply = vim.fn.getreg(register)
  if vim.trim(reply) == '' then
    vim.notify(
      ('Pleach: register `%s` is empty. Copy the answer, or select it and type `:Pleach land`.'):format(register),
      vim.log.levels.WARN
    )
    return
  end
  local arguments = client_of.place(client, bufnr)
  arguments.reply = reply
  client_of.send(client, 'pleach.land', arguments, bufnr)
end

--- Decides on the hunks in the given lines, or with `all` on everything that waits.
for _, name in ipairs({ 'accept', 'reject', 'diff' }) do
  subcommands[name] = function(client, bufnr, rest, opts)
    local arguments = rest == 'all' and { all = true } or client_of.place(client, bufnr, opts)
    client_of.send(client, 'pleach.' .. name, arguments, bufnr)
  end
end

function subcommands.retry(client, bufnr, rest, opts)
  local arguments = client_of.place(client, bufnr, opts)
  arguments.note = rest ~= '' and rest or nil
  local command = { title = 'Retry', command = 'pleach.retry', arguments = { arguments } }
  client_of.retry(command, { client_id = client.id, bufnr = bufnr })
end

--- Lists what waits for review, in all files, and goes to what is chosen.
function subcommands.hunks()
  require('pleach.review').pick()
end

function subcommands.next()
  require('pleach.review').jump(1)
end

function subcommands.previous()
  require('pleach.review').jump(-1)
end

function subcommands.history(client, bufnr)
  require('pleach.history').pick(client, bufnr)
end

--- Makes a plan: of the goal, or with `document`, `test` and a file, or `todos`, without a model.
function subcommands.plan(client, bufnr, rest)
  if rest ~= '' then
    return client_of.send(client, 'pleach.plan', { goal = rest }, bufnr)
  end
  require('pleach.ask').ask('goal', 'Pleach, a plan for what?', function(goal)
    client_of.send(client, 'pleach.plan', { goal = goal }, bufnr)
  end)
end

--- Makes new files from a template, and asks for what is missing.
function subcommands.new(client, bufnr, rest)
  require('pleach.templates').new(client, bufnr, rest)
end

--- What can be done with a step of a plan.
local on_a_step = { 'run', 'done', 'skip', 'reopen', 'undo', 'revise', 'explain' }

--- Does something with the step at the cursor, in a plan.
function subcommands.step(client, bufnr, rest)
  local what, goal = rest:match('^(%S*)%s*(.-)$')
  what = what == '' and 'run' or what
  if not vim.list_contains(on_a_step, what) then
    vim.notify(('Pleach: `%s` is not one of: %s'):format(what, table.concat(on_a_step, ', ')), vim.log.levels.ERROR)
    return
  end
  local arguments = { uri = vim.uri_from_bufnr(bufnr), line = vim.api.nvim_win_get_cursor(0)[1] }
  arguments.goal = goal ~= '' and goal or nil
  client_of.send(client, 'pleach.plan.' .. what, arguments, bufnr)
end

--- Lists the steps of the plan in this buffer, and goes to the one that is chosen.
function subcommands.steps(_, bufnr)
  require('pleach.plans').pick(bufnr)
end

--- Runs all that can run of the plan in this buffer.
function subcommands.run(client, bufnr)
  client_of.send(client, 'pleach.plan.run', { uri = vim.uri_from_bufnr(bufnr), all = true }, bufnr)
end

--- Begins a chat with a question; in a chat, has the question at its end answered, or with `land` lands the
--- edit at the cursor.
function subcommands.chat(client, bufnr, rest)
  local uri = vim.uri_from_bufnr(bufnr)
  if uri:find('/%.pleach/chats/[^/]+%.md$') and (rest == '' or rest == 'land') then
    if rest == 'land' then
      local line = vim.api.nvim_win_get_cursor(0)[1]
      return client_of.send(client, 'pleach.chat.land', { uri = uri, line = line }, bufnr)
    end
    return client_of.send(client, 'pleach.chat.continue', { uri = uri }, bufnr)
  end
  if rest ~= '' then
    return client_of.send(client, 'pleach.chat.new', { question = rest }, bufnr)
  end
  require('pleach.ask').ask('question', 'Pleach, a chat about what?', function(question)
    client_of.send(client, 'pleach.chat.new', { question = question }, bufnr)
  end)
end

--- Opens what models were asked and what it has cost.
function subcommands.usage(client, bufnr)
  client_of.send(client, 'pleach.usage', {}, bufnr)
end

--- Opens which of the project's rules for agents hold for this file.
function subcommands.rules(client, bufnr)
  client_of.send(client, 'pleach.rules', client_of.place(client, bufnr), bufnr)
end

function subcommands.cancel(client, bufnr, rest)
  if rest == '' then
    return require('pleach.jobs').cancel(client, bufnr)
  end
  client_of.send(client, 'pleach.cancel', { job = tonumber(rest) }, bufnr)
end

function subcommands.undo(client, bufnr)
  client_of.send(client, 'pleach.undo', {}, bufnr)
end

function subcommands.status(client, bufnr)
  client_of.send(client, 'pleach.status', {}, bufnr, function(status)
    local idle = #(status.jobs or {}) == 0 and '; nothing runs' or ''
    local lines = { ('Pleach %s, %s%s'):format(status.version, status.engine, idle) }
    for _, job in ipairs(status.jobs or {}) do
      lines[#lines + 1] = ('  %d. %s: %s, %d s'):format(job.job, job.title, job.phase, job.seconds)
    end
    if (status.settingsProblems or 0) > 0 then
      lines[#lines + 1] = ('  %d problems in pleach.toml: run `pleach doctor`'):format(status.settingsProblems)
    end
    vim.notify(table.concat(lines, '\n'))
  end)
end

function subcommands.log()
  require('pleach.jobs').open_log()
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(subcommands)
  table.sort(names)
  return names
end

function M.run(opts)
  local name, rest = opts.args:match('^(%S*)%s*(.-)%s*$')
  if name == '' then
    name = 'status'
  end
  local subcommand = subcommands[name]
  if not subcommand then
    vim.notify(('Pleach: `%s` is not one of: %s'):format(name, table.concat(M.names(), ', ')), vim.log.levels.ERROR)
    return
  end
  if name == 'log' then
    -- It is there without a server, too.
    return subcommand()
  end
  local bufnr = vim.api.nvim_get_current_buf()
  local client = client_of.find_or_tell(bufnr)
  if client then
    subcommand(client, bufnr, rest, opts)
  end
end

---@param lead string what is typed of the word
---@param line string the whole command line
---@return string[]
function M.complete(lead, line)
  local before = line:match('Pleach!?%s+(.*)$') or ''
  local first = before:match('^(%S+)%s')
  if not first then
    return vim.tbl_filter(function(name)
      return vim.startswith(name, lead)
    end, M.names())
  end
  if vim.list_contains({ 'accept', 'reject', 'diff' }, first) then
    return { 'all' }
  end
  if first == 'step' then
    return vim.tbl_filter(function(what)
      return vim.startswith(what, lead)
    end, on_a_step)
  end
  if first == 'cancel' then
    local client = client_of.find()
    return client and vim.tbl_map(tostring, require('pleach.jobs').running(client.id)) or {}
  end
  return {}
end

return M
