--- The jobs of this session, as the server tells of them in `pleach/job` notifications.

local M = {}

--- How many jobs are remembered.
local REMEMBERED = 50

---@class pleach.Job
---@field job integer its number
---@field client_id integer
---@field title string
---@field action string
---@field uri? string
---@field phase string
---@field engine string
---@field text string what was written so far
---@field kinds string[] the kinds of its events, in order
---@field state 'running'|'finished'|'failed'
---@field landed? boolean
---@field summary? string
---@field code? string
---@field message? string
---@field next? string
---@field kept? string

---@type pleach.Job[]
local jobs = {}

---@param number integer
---@param client_id integer
---@return pleach.Job?
local function find(number, client_id)
  for at = #jobs, 1, -1 do
    if jobs[at].job == number and jobs[at].client_id == client_id then
      return jobs[at]
    end
  end
end

---@return pleach.Job[]
function M.list()
  return jobs
end

---@return pleach.Job?
function M.last()
  return jobs[#jobs]
end

--- The numbers of the jobs that run.
---@param client_id integer
---@return integer[]
function M.running(client_id)
  return vim
    .iter(jobs)
    :filter(function(job)
      return job.client_id == client_id and job.state == 'running'
    end)
    :map(function(job)
      return job.job
    end)
    :totable()
end

--- Stops the job that runs; where there are several, the one that the person chooses.
---@param client vim.lsp.Client
---@param buffer integer
function M.cancel(client, buffer)
  local running = vim.tbl_filter(function(job)
    return job.client_id == client.id and job.state == 'running'
  end, jobs)
  local function stop(job)
    require('pleach.client').send(client, 'pleach.cancel', { job = job and job.job }, buffer)
  end
  if #running <= 1 then
    -- A job that is not known here is the server's to name.
    return stop(running[1])
  end
  vim.ui.select(running, {
    prompt = 'Pleach: stop which job?',
    kind = 'pleach.job',
    format_item = function(job)
      return ('%d. %s  (%s)'):format(job.job, job.title, job.phase)
    end,
  }, function(job)
    if job then
      stop(job)
    end
  end)
end

--- A job's last word, in the message area. It is cut to one line, because a longer one would make
--- Neovim wait for a key; `:Pleach log` has all of it.
---@param text string
local function say(text)
  vim.api.nvim_echo({ { require('pleach.progress').fitting(text) } }, true, {})
end

---@type table<string, fun(job: pleach.Job, event: table)>
local on = {
  phase = function(job, event)
    job.phase = event.phase or job.phase
    job.engine = event.engine ~= '' and event.engine or job.engine
    if vim.startswith(job.phase, 'asking again') or vim.startswith(job.phase, 'mending') then
      -- What follows is another reply.
      job.text = ''
      require('pleach.preview').clear(job)
    end
  end,
  stage = function(job)
    -- Somebody else goes on.
    job.text = ''
    require('pleach.preview').clear(job)
  end,
  text = function(job, event)
    job.text = job.text .. event.text
    require('pleach.preview').append(job, event.text)
  end,
  engine = function(job, event)
    job.engine = event.engine
  end,
  takenBack = function(job, event)
    -- It broke off: so many bytes count, and what follows goes on from there.
    job.text = job.text:sub(1, event.bytes)
    require('pleach.preview').clear(job)
    require('pleach.preview').append(job, job.text)
  end,
  finished = function(job, event)
    job.state, job.landed, job.summary = 'finished', event.landed, event.summary
    job.engine = event.engine or job.engine
    -- What answered comes first, so that it is seen on a narrow screen.
    local by = job.engine ~= '' and (' (%s)'):format(job.engine) or ''
    say(('Pleach%s: %s'):format(by, event.summary or 'done'))
    require('pleach.preview').close(job)
  end,
  failed = function(job, event)
    job.state, job.code, job.message = 'failed', event.code, event.message
    job.next, job.kept = event.next, event.kept
    -- Other failures come as a message, too, which says what to do next.
    if event.code == 'cancelled' then
      vim.notify(('Pleach: %s: cancelled; nothing was changed'):format(job.title))
    end
    require('pleach.preview').close(job)
  end,
}

--- Takes in one `pleach/job` notification.
---@param event table
---@param client_id integer
function M.on_event(event, client_id)
  local job = find(event.job, client_id)
  if not job then
    job = {
      job = event.job,
      client_id = client_id,
      title = event.title or '',
      action = event.action or '',
      uri = event.uri,
      phase = '',
      engine = '',
      text = '',
      kinds = {},
      state = 'running',
      started = vim.uv.now(),
    }
    if #jobs == REMEMBERED then
      table.remove(jobs, 1)
    end
    jobs[#jobs + 1] = job
  end
  job.kinds[#job.kinds + 1] = event.kind
  local handle = on[event.kind]
  if handle then
    handle(job, event)
  end
  vim.api.nvim_exec_autocmds('User', { pattern = 'PleachJob', data = { event = event, job = job }, modeline = false })
end

--- Opens what the jobs of this session wrote, the newest first.
function M.open_log()
  local lines = { '# Pleach: the jobs of this session', '' }
  for at = #jobs, 1, -1 do
    local job = jobs[at]
    local state = job.code == 'cancelled' and 'cancelled; nothing was changed'
      or job.state == 'failed' and ('failed: %s. Next: %s'):format(job.message, job.next)
      or job.state == 'finished' and (job.summary or 'done')
      or job.phase
    vim.list_extend(lines, { ('## %d. %s'):format(job.job, job.title), '' })
    vim.list_extend(
      lines,
      vim.split(('%s%s'):format(state, job.engine ~= '' and (' (%s)'):format(job.engine) or ''), '\n')
    )
    if job.kept then
      vim.list_extend(lines, { '', 'What was answered is kept in ' .. job.kept })
    end
    lines[#lines + 1] = ''
    if job.text ~= '' then
      vim.list_extend(lines, { '~~~~' })
      vim.list_extend(lines, vim.split(job.text, '\n'))
      vim.list_extend(lines, { '~~~~', '' })
    end
  end
  if #jobs == 0 then
    lines[#lines + 1] = 'None yet.'
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].filetype = 'markdown'
  vim.cmd.split()
  vim.api.nvim_win_set_buf(0, buffer)
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buffer, desc = 'Close' })
end

return M
