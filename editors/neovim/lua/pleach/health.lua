--- `:checkhealth pleach`

local M = {}

function M.check()
  local health, config = vim.health, require('pleach.config')
  health.start('pleach')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok(('Neovim %s'):format(tostring(vim.version())))
  else
    health.error('Neovim 0.11 or newer is needed')
  end

  local program = config.program()
  if not program then
    health.error(config.missing())
    return
  end
  local ran, result = pcall(function()
    return vim.system({ program, '--version' }, { text = true, timeout = 5000 }):wait()
  end)
  if ran and result.code == 0 then
    health.ok(('%s: %s'):format(program, vim.trim(result.stdout)))
  else
    health.error(('%s does not run'):format(program), ran and vim.trim(result.stderr or '') or tostring(result))
    return
  end

  if vim.lsp.is_enabled('pleach') then
    health.ok("enabled (vim.lsp.enable('pleach'))")
  else
    health.warn('not enabled', "call vim.lsp.enable('pleach'), or remove vim.g.pleach_enable = false")
  end
  local clients = vim.lsp.get_clients({ name = 'pleach' })
  if #clients == 0 then
    health.info('the server does not run; it starts with the first file of a supported type')
  end
  for _, client in ipairs(clients) do
    health.ok(('running for %s, positions in %s'):format(client.root_dir or 'a single file', client.offset_encoding))
    local answer = client:request_sync('workspace/executeCommand', { command = 'pleach.status', arguments = {} }, 2000)
    if answer and answer.result then
      health.ok(('what answers: %s'):format(answer.result.engine))
      if (answer.result.settingsProblems or 0) > 0 then
        health.warn(
          ('%d problems in pleach.toml'):format(answer.result.settingsProblems),
          'run `pleach doctor` in a terminal'
        )
      end
    else
      health.error('the server does not answer', ':lua vim.cmd.edit(vim.lsp.get_log_path()) shows its log')
    end
  end
  health.info('`pleach doctor` in a terminal checks settings, keys and providers')
end

return M
