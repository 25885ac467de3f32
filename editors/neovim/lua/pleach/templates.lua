--- New files from templates: which one, and what it asks for.

local client_of = require('pleach.client')

local M = {}

--- Asks for what is not given, one after the other, and then for the folder.
---@param template table as `pleach.templates` lists it
---@param arguments { template: string, dir?: string, variables: table<string, string> }
---@param done fun()
local function ask(template, arguments, done)
  local open = vim.tbl_filter(function(variable)
    return arguments.variables[variable.name] == nil
  end, template.variables)
  local function next_one(at)
    local variable = open[at]
    if not variable then
      if arguments.dir then
        return done()
      end
      return vim.ui.input({ prompt = 'In which folder? ', completion = 'dir' }, function(dir)
        if dir then
          arguments.dir = dir
          done()
        end
      end)
    end
    local function take(value)
      -- Nobody wants it any more.
      if value == nil then
        return
      end
      if value ~= '' then
        arguments.variables[variable.name] = value
      end
      next_one(at + 1)
    end
    local prompt = variable.ask ~= '' and variable.ask or variable.name
    if #variable.choices > 0 then
      return vim.ui.select(variable.choices, { prompt = prompt }, take)
    end
    -- A default with holes in it is filled by the server.
    local default = type(variable.default) == 'string' and variable.default or ''
    local hint = default:find('{', 1, true) and (' (empty: %s)'):format(default) or ''
    vim.ui.input({ prompt = prompt .. hint .. ': ', default = hint == '' and default or '' }, take)
  end
  next_one(1)
end

--- `:Pleach new [TEMPLATE] [dir=DIR] [NAME=VALUE …]`
---@param client vim.lsp.Client
---@param bufnr integer
---@param rest string
function M.new(client, bufnr, rest)
  local arguments = { template = '', variables = {} }
  for word in rest:gmatch('%S+') do
    local name, value = word:match('^([%w_]+)=(.*)$')
    if name == 'dir' then
      arguments.dir = value
    elseif name then
      arguments.variables[name] = value
    else
      arguments.template = word
    end
  end
  client_of.send(client, 'pleach.templates', {}, bufnr, function(listed)
    local function begin(template)
      if not template then
        return
      end
      arguments.template = template.name
      ask(template, arguments, function()
        if vim.tbl_isempty(arguments.variables) then
          arguments.variables = vim.empty_dict()
        end
        client_of.send(client, 'pleach.new', arguments, bufnr)
      end)
    end
    if arguments.template == '' then
      return vim.ui.select(listed.templates, {
        prompt = 'Pleach, new files from',
        format_item = function(template)
          return ('%s: %s (%s)'):format(template.name, template.description, template.owner)
        end,
      }, begin)
    end
    for _, template in ipairs(listed.templates) do
      if template.name == arguments.template then
        return begin(template)
      end
    end
    -- The server says which there are.
    arguments.variables = vim.empty_dict()
    client_of.send(client, 'pleach.new', arguments, bufnr)
  end)
end

return M
