--- What the specs share: a copy of the fixture project in a real editor, and waiting for conditions.
---
--- Nothing here sleeps. Every wait ends as soon as its condition holds, and fails loudly when it
--- does not hold in time.

local M = {}

--- How long anything may take, in milliseconds. Nothing takes this long when all is well.
local GUARD = 20000

M.root = assert(vim.env.PLEACH_REPO, 'PLEACH_REPO: the folder of the repository')
M.binary = assert(vim.env.PLEACH_BIN, 'PLEACH_BIN: the server to test')

--- Everything that was shown with vim.notify.
M.notes = {}
--- Everything that was echoed by the plugin as a last word.
M.progress = {}
--- Every `pleach/job` event.
M.events = {}

---@param what string
---@param condition fun(): any
---@return any the condition's value
function M.wait(what, condition)
  local value
  local held = vim.wait(GUARD, function()
    value = condition()
    return value
  end, 5)
  if not held then
    error(
      ('%s did not happen in %d s.\nnotes: %s\nlast events: %s'):format(
        what,
        GUARD / 1000,
        vim.inspect(M.notes),
        vim.inspect(vim.list_slice(M.events, math.max(1, #M.events - 6)))
      ),
      2
    )
  end
  return value
end

function M.equal(got, wanted, what)
  if not vim.deep_equal(got, wanted) then
    error(('%s\n   got: %s\nwanted: %s'):format(what or 'not equal', vim.inspect(got), vim.inspect(wanted)), 2)
  end
end

---@param text string
---@param part string
function M.contains(text, part, what)
  if not text:find(part, 1, true) then
    error(('%s: `%s` is not in:\n%s'):format(what or 'not found', part, text), 2)
  end
end

---@return string
function M.text(bufnr)
  return table.concat(vim.api.nvim_buf_get_lines(bufnr or 0, 0, -1, false), '\n')
end

--- Everything that was said to the user so far.
---@return string
function M.said()
  return table.concat(
    vim.tbl_map(function(note)
      return note.text
    end, M.notes),
    '\n'
  )
end

function M.messages()
  return vim.api.nvim_exec2('messages', { output = true }).output
end

local folders = {}

--- A fresh copy of the fixture project.
function M.project()
  local folder = vim.uv.fs_realpath(vim.fs.dirname(vim.fn.tempname())) .. '/' .. ('shelf-%d'):format(#folders + 1)
  folders[#folders + 1] = folder
  vim.fn.mkdir(folder, 'p')
  local copied = vim.system({ 'cp', '-R', M.root .. '/fixtures/project/.', folder }):wait()
  assert(copied.code == 0, copied.stderr)
  vim.fn.mkdir(folder .. '/.git', 'p')
  return folder
end

--- Opens a file of a fresh project, and waits until the server takes part.
---@param file string
---@param options? pleach.Options
function M.open(file, options)
  M.notes, M.progress, M.events = {}, {}, {}
  vim.cmd('silent! messages clear')
  options = vim.tbl_extend('force', { cmd = { M.binary, 'lsp' } }, options or {})
  require('pleach').setup(options)
  vim.lsp.enable('pleach')
  local folder = M.project()
  vim.cmd.edit(vim.fn.fnameescape(folder .. '/' .. file))
  M.client = M.wait('the server starts', function()
    local client = vim.lsp.get_clients({ name = 'pleach', bufnr = 0 })[1]
    return client and client.initialized and client
  end)
  M.equal(M.client.root_dir, folder, 'the root of the workspace')
  return folder
end

--- Ends the session: the server must go by itself, and nothing may be left.
function M.close()
  for _, client in ipairs(vim.lsp.get_clients()) do
    client:stop()
  end
  vim.lsp.enable('pleach', false)
  M.wait('the server ends', function()
    return #vim.lsp.get_clients({ _uninitialized = true }) == 0
  end)
  vim.cmd('silent! %bwipeout!')
end

--- Puts the cursor on the first place where `text` stands.
function M.cursor(text)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(text, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { row, column - 1 })
      return row
    end
  end
  error('not in the file: ' .. text, 2)
end

--- Replaces the line that `find` stands in.
function M.replace_line(find, line)
  local row = M.cursor(find)
  vim.api.nvim_buf_set_lines(0, row - 1, row, false, { line })
end

--- The titles in the menu of code actions at the cursor, as the user sees it.
function M.menu()
  local titles
  local select = vim.ui.select
  vim.ui.select = function(items, opts, choose)
    titles = vim.tbl_map(opts.format_item or tostring, items)
    choose(nil)
  end
  vim.lsp.buf.code_action()
  local ok, failure = pcall(M.wait, 'the menu opens', function()
    return titles
  end)
  vim.ui.select = select
  assert(ok, failure)
  return titles
end

--- Picks an entry of the menu whose title has `part` in it, by the way that Neovim itself goes.
function M.pick(part)
  local select, picked = vim.ui.select, nil
  vim.ui.select = function(items, opts, choose)
    for at, item in ipairs(items) do
      local title = (opts.format_item or tostring)(item)
      if title:find(part, 1, true) then
        picked = title
        return choose(item, at)
      end
    end
    picked = false
    choose(nil)
  end
  vim.lsp.buf.code_action()
  local ok, failure = pcall(M.wait, 'the menu opens', function()
    return picked ~= nil
  end)
  vim.ui.select = select
  assert(ok, failure)
  assert(picked, 'not in the menu: ' .. part)
  return picked
end

--- Waits for the end of the `nth` job (from 1) and gives it.
---@param nth? integer
---@return pleach.Job
function M.job_ends(nth)
  return M.wait('a job ends', function()
    local mine = vim.tbl_filter(function(job)
      return job.client_id == M.client.id
    end, require('pleach').jobs())
    local job = mine[nth or #mine]
    return job and job.state ~= 'running' and job
  end)
end

--- Waits for the end of the `nth` job (from 1), whose edit must have landed, and gives it.
---@param nth? integer
---@return pleach.Job
function M.job_lands(nth)
  local job = M.job_ends(nth)
  M.equal({ job.state, job.landed }, { 'finished', true }, job.message)
  return job
end

--- Waits until all progress displays have ended.
function M.progress_ends()
  M.wait('the progress ends', function()
    local last = M.progress[#M.progress]
    return last and last.kind == 'end' and require('pleach').status() == ''
  end)
end

--- A model's server on this machine. It answers with the contents of `reply`.
---@param reply string
---@param more? string[] further arguments
function M.fake_model(reply, more)
  local program = assert(vim.env.PLEACH_FAKE_MODEL, 'PLEACH_FAKE_MODEL: the program that plays a model')
  local file, log = vim.fn.tempname(), vim.fn.tempname()
  vim.fn.writefile(vim.split(reply, '\n'), file)
  local output, ended = '', nil
  local command = vim.list_extend({ program, '--reply', file, '--log', log }, more or {})
  local process = vim.system(command, {
    text = true,
    stdout = function(_, data)
      output = output .. (data or '')
    end,
  }, function(result)
    ended = result
  end)
  local port = M.wait('the fake model listens', function()
    assert(not ended, 'the fake model ended: ' .. vim.inspect(ended))
    return output:match('listening on (%d+)')
  end)
  local model = { log = log, process = process }
  function model.options()
    return {
      settings = {
        engine = 'fake',
        providers = { fake = { base_url = ('http://127.0.0.1:%s/v1'):format(port), model = 'fake-coder' } },
      },
    }
  end
  function model.logged()
    return vim.fn.filereadable(log) == 1 and table.concat(vim.fn.readfile(log), '\n') or ''
  end
  function model.stop()
    process:kill('sigterm')
    M.wait('the fake model ends', function()
      return ended
    end)
  end
  return model
end

--- Runs `body` with such a model, and ends the model whatever happens.
---@param reply string
---@param more string[] further arguments of the program
---@param body fun(model: table)
function M.with_model(reply, more, body)
  local model = M.fake_model(reply, more)
  local ok, failure = xpcall(body, debug.traceback, model)
  model.stop()
  if not ok then
    error(failure, 0)
  end
end

function M.listen()
  vim.notify = function(text, level)
    M.notes[#M.notes + 1] = { text = text, level = level }
  end
  vim.api.nvim_create_autocmd('LspProgress', {
    callback = function(event)
      local value = event.data.params.value
      M.progress[#M.progress + 1] = {
        kind = value.kind,
        title = value.title,
        message = value.message,
        token = event.data.params.token,
        status = require('pleach').status(),
      }
    end,
  })
  vim.api.nvim_create_autocmd('User', {
    pattern = 'PleachJob',
    callback = function(event)
      M.events[#M.events + 1] = event.data.event
    end,
  })
end

return M
