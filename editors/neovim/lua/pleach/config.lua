--- What can be set, and the language client that comes of it.

local M = {}

--- The file types that Pleach has a grammar for, and plain text, where a chat's answer may lie.
M.filetypes = {
  'bash',
  'c',
  'cpp',
  'cs',
  'css',
  'go',
  'html',
  'java',
  'javascript',
  'javascriptreact',
  'json',
  'jsonc',
  'kotlin',
  'lua',
  'markdown',
  'php',
  'python',
  'ruby',
  'rust',
  'scala',
  'sh',
  'swift',
  'text',
  'toml',
  'typescript',
  'typescriptreact',
  'yaml',
  'zig',
}

---@class pleach.Options
---@field cmd? string[] the server, `{ 'pleach', 'lsp' }` if left out
---@field settings? table the same keys as pleach.toml
---@field preview? boolean|{ delay: integer } show a reply while it is written; the delay is in milliseconds
---@field progress? boolean show progress in the command line
---@field review? { inline: boolean, signs: boolean } show hunks that wait: in the text, in the sign column
---@field plans? { keys: false|table<string, string|false> } keys in the buffer of a plan; `false` for none
local defaults = {
  cmd = { 'pleach', 'lsp' },
  settings = nil,
  preview = { delay = 600 },
  progress = true,
  review = { inline = true, signs = true },
  plans = {
    keys = {
      run = '<LocalLeader>r',
      run_all = '<LocalLeader>R',
      done = '<LocalLeader>d',
      skip = '<LocalLeader>s',
      reopen = '<LocalLeader>o',
      undo = '<LocalLeader>u',
      explain = '<LocalLeader>e',
      revise = '<LocalLeader>v',
      steps = '<LocalLeader>l',
    },
  },
}

---@type pleach.Options
M.options = vim.deepcopy(defaults)

--- Languages whose file type Neovim and the protocol call differently.
local language_ids = {
  bash = 'shellscript',
  cs = 'csharp',
  javascriptreact = 'javascriptreact',
  sh = 'shellscript',
  text = 'plaintext',
}

---@param options? pleach.Options
function M.set(options)
  M.options = vim.tbl_deep_extend('force', vim.deepcopy(defaults), options or {})
  if options and options.preview == true then
    M.options.preview = vim.deepcopy(defaults.preview)
  end
  if options and options.cmd then
    M.options.cmd = options.cmd
  end
end

--- What tells the root of a project; of the first list that is found anywhere above, the nearest.
local markers = {
  { 'pleach.toml', '.git', '.hg', '.jj' },
  {
    'Cargo.toml',
    'go.mod',
    'package.json',
    'pyproject.toml',
    'setup.py',
    'pom.xml',
    'build.gradle',
    'build.gradle.kts',
    'CMakeLists.txt',
    'Makefile',
    'composer.json',
    'Gemfile',
    'Package.swift',
    'build.zig',
    'build.sbt',
    'mix.exs',
  },
}

--- The root of the project that a buffer belongs to. Edits stay below it.
---@param buffer integer
---@param on_root fun(root: string?)
local function root_dir(buffer, on_root)
  -- An answer that the server has kept belongs to the project that it is about.
  if vim.api.nvim_buf_get_name(buffer):find('%.answer%.md$') then
    local clients = vim.lsp.get_clients({ name = 'pleach' })
    if #clients > 0 then
      return on_root(clients[#clients].root_dir)
    end
  end
  for _, names in ipairs(markers) do
    local root = vim.fs.root(buffer, names)
    if root then
      return on_root(root)
    end
  end
  on_root(nil)
end

--- The configuration of the language client.
---@return vim.lsp.Config
function M.lsp()
  local jobs = require('pleach.jobs')
  local client = require('pleach.client')
  local settings = M.options.settings
  if settings and vim.tbl_isempty(settings) then
    -- An empty table of Lua would be sent as an empty list.
    settings = vim.empty_dict()
  end
  return {
    cmd = M.options.cmd,
    filetypes = M.filetypes,
    root_dir = root_dir,
    get_language_id = function(_, filetype)
      return language_ids[filetype] or filetype
    end,
    init_options = {
      pleach = { jobEvents = true, inputBox = true, settings = settings },
    },
    commands = {
      ['pleach.rewrite'] = function(command, context)
        client.rewrite(command, context)
      end,
      ['pleach.retry'] = function(command, context)
        client.retry(command, context)
      end,
    },
    handlers = {
      ['pleach/job'] = function(_, event, context)
        jobs.on_event(event, context.client_id)
      end,
      ['pleach/review'] = function(_, review, context)
        require('pleach.review').on_review(review, context.client_id)
      end,
      ['workspace/applyEdit'] = function(err, params, context)
        return require('pleach.edits').apply(err, params, context)
      end,
      ['window/showMessage'] = function(_, message)
        local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO }
        vim.notify(message.message, levels[message.type] or vim.log.levels.DEBUG)
      end,
    },
  }
end

--- The server's program as it is configured, here or by `vim.lsp.config('pleach', …)`.
---@return string
local function configured()
  local cmd = (vim.lsp.config.pleach or {}).cmd
  return type(cmd) == 'table' and cmd[1] or M.options.cmd[1]
end

--- The program, if it can be run.
---@return string?
function M.program()
  local program = vim.fn.exepath(configured())
  return program ~= '' and program or nil
end

--- What to say when the program is not there.
---@return string
function M.missing()
  return (
    'Pleach: the program `%s` cannot be found. Put it into your PATH (`cargo install --path server/cli` in '
    .. "Pleach's folder), or name it: require('pleach').setup({ cmd = { '/path/to/pleach', 'lsp' } })"
  ):format(configured())
end

function M.warn_if_missing()
  if not M.program() then
    vim.notify_once(M.missing(), vim.log.levels.WARN)
  end
end

return M
