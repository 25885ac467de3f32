-- Runs the specs: nvim --headless -u tests/neovim/init.lua -i NONE -n -l tests/neovim/run.lua [FILTER]
-- Use tests/neovim/run, which sets what is needed.

local here = vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2)))
package.path = here .. '/?.lua;' .. package.path
-- `nvim -l` loads no plugins by itself.
vim.cmd('runtime! plugin/pleach.lua')

local harness = require('harness')
harness.listen()

local filter = (_G.arg and _G.arg[1]) or ''
local passed, failed = 0, {}
for _, file in ipairs(vim.fn.sort(vim.fn.glob(here .. '/specs/*.lua', true, true))) do
  for _, spec in ipairs(dofile(file)) do
    local name = ('%s: %s'):format(vim.fn.fnamemodify(file, ':t:r'), spec[1])
    if name:find(filter, 1, true) then
      local began = vim.uv.hrtime()
      local ok, failure = xpcall(spec[2], debug.traceback, harness)
      local closed, remains = xpcall(harness.close, debug.traceback)
      if ok and not closed then
        ok, failure = false, remains
      end
      local took = (vim.uv.hrtime() - began) / 1e6
      if ok then
        passed = passed + 1
        io.stdout:write(('ok      %s (%d ms)\n'):format(name, took))
      else
        failed[#failed + 1] = name
        io.stdout:write(('FAILED  %s\n%s\n'):format(name, failure))
      end
    end
  end
end
io.stdout:write(('\nNeovim: %d passed, %d failed\n'):format(passed, #failed))
if passed + #failed == 0 then
  io.stdout:write(('no spec is called `%s`\n'):format(filter))
end
io.stdout:flush()
vim.cmd((#failed > 0 or passed == 0) and 'cquit 1' or 'qall!')
