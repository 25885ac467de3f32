-- Plans in a real editor: made from the menu, run, ticked, undone.

--- The boxes of the plan in the current buffer.
local function boxes(it)
  local found = {}
  for _, line in ipairs(vim.split(it.text(), '\n')) do
    found[#found + 1] = line:match('^%d+%. %[(.)%]')
  end
  return table.concat(found)
end

return {
  {
    'a file is documented by a plan that is run, ticked and undone step by step',
    function(it)
      local folder = it.open('src/lib.rs')
      local code = it.text()
      vim.api.nvim_win_set_cursor(0, { 1, 0 })
      it.pick('Plan: document this file')
      it.job_lands()
      local path = folder .. '/.pleach/plans/document-src-lib-rs.md'
      vim.cmd.edit(vim.fn.fnameescape(path))
      it.wait('the server knows the plan', function()
        return #vim.lsp.get_clients({ name = 'pleach', bufnr = 0 }) == 1
      end)
      local plan = it.text()
      it.contains(plan, '1. [ ] Document the', 'the plan')
      vim.cmd('/^1\\. ')
      it.pick('Run all that can run')
      it.wait('every step is ticked', function()
        return boxes(it):match('^x+$')
      end)
      it.equal(it.text(), (plan:gsub('%[ %]', '[x]')), 'only the boxes have changed')
      it.pick('Undo step 1')
      it.wait('the step is open again', function()
        return boxes(it):match('^ x*$')
      end)
      vim.cmd.buffer(vim.fn.bufnr(folder .. '/src/lib.rs'))
      assert(it.text() ~= code or #boxes(it) == 1, 'the other steps stay')
    end,
  },
  {
    'a plan is made and run by name',
    function(it)
      local folder = it.open('src/lib.rs')
      vim.cmd('Pleach plan document src/lib.rs')
      it.job_lands()
      vim.cmd.edit(vim.fn.fnameescape(folder .. '/.pleach/plans/document-src-lib-rs.md'))
      it.wait('the server knows the plan', function()
        return #vim.lsp.get_clients({ name = 'pleach', bufnr = 0 }) == 1
      end)
      local steps = #boxes(it)
      vim.cmd('/^1\\. ')
      vim.cmd('Pleach step skip')
      it.wait('the step is skipped', function()
        return boxes(it):match('^%-')
      end)
      vim.cmd('Pleach step reopen')
      it.wait('the step is open again', function()
        return boxes(it) == (' '):rep(steps)
      end)
      vim.cmd('Pleach run')
      it.wait('every step is ticked', function()
        return boxes(it) == ('x'):rep(steps)
      end)
    end,
  },
  {
    'a plan has keys of its own and a list of its steps; a key that is taken stays what it is',
    function(it)
      local folder = it.open('src/lib.rs')
      vim.api.nvim_create_autocmd('FileType', {
        pattern = 'markdown',
        once = true,
        callback = function()
          vim.keymap.set('n', '<LocalLeader>u', 'gg', { buffer = true, desc = 'my own' })
        end,
      })
      vim.cmd('Pleach plan document src/lib.rs')
      it.job_lands()
      vim.cmd.edit(vim.fn.fnameescape(folder .. '/.pleach/plans/document-src-lib-rs.md'))
      it.wait('the server knows the plan', function()
        return #vim.lsp.get_clients({ name = 'pleach', bufnr = 0 }) == 1
      end)
      it.equal(vim.fn.maparg('\\u', 'n', false, true).desc, 'my own')
      local steps = #boxes(it)
      local select, listed = vim.ui.select, nil
      vim.ui.select = function(items, opts, choose)
        listed = vim.tbl_map(opts.format_item, items)
        choose(items[2])
      end
      vim.api.nvim_feedkeys('\\l', 'xt', false)
      vim.ui.select = select
      it.equal(#listed, steps)
      it.contains(listed[2], '[to do]')
      it.contains(vim.api.nvim_get_current_line(), '2. [ ]')
      vim.api.nvim_feedkeys('\\r', 'xt', false)
      it.wait('the second step is ticked', function()
        return boxes(it):match('^ x')
      end)
      it.progress_ends()
      vim.api.nvim_feedkeys('\\R', 'xt', false)
      it.wait('every step is ticked', function()
        return boxes(it) == ('x'):rep(steps)
      end)
      -- Elsewhere there are none.
      vim.cmd.buffer(vim.fn.bufnr(folder .. '/src/lib.rs'))
      it.equal(vim.fn.maparg('\\r', 'n'), '')
    end,
  },
}
