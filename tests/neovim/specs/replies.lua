-- *Land this reply*: an answer from anywhere.

return {
  {
    'an answer in a register lands, although it was copied elsewhere',
    function(it)
      it.open('src/lib.rs')
      vim.fn.setreg('a', vim.fn.readfile(it.root .. '/fixtures/project/notes/answer.md'))
      vim.cmd('Pleach land a')
      it.job_lands()
      it.contains(it.text(), 'let (per_day, free_days) = if is_child { (5, 3) } else { (20, 0) };')
    end,
  },
  {
    'an answer in a buffer lands from the menu',
    function(it)
      local folder = it.open('notes/answer.md')
      it.pick('Land this reply')
      it.job_lands()
      -- It is not open, so the server has written it.
      it.contains(table.concat(vim.fn.readfile(folder .. '/src/lib.rs'), '\n'), 'free_days')
    end,
  },
  {
    'a selected answer lands',
    function(it)
      local folder = it.open('notes/answer.md')
      vim.cmd('%Pleach land')
      it.job_lands()
      -- It is not open, so the server has written it.
      it.contains(table.concat(vim.fn.readfile(folder .. '/src/lib.rs'), '\n'), 'free_days')
    end,
  },
  {
    'an answer that would break the file is refused, shown, and kept',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      vim.fn.setreg('a', vim.fn.readfile(it.root .. '/fixtures/project/notes/damage.md'))
      vim.cmd('Pleach land a')
      local job = it.job_ends()
      it.equal(job.state, 'failed')
      it.equal(job.landed, nil)
      it.equal(it.text(), before, 'the file is as it was')
      it.wait('the refusal is shown', function()
        return it.said():find('Pleach', 1, true)
      end)
      it.contains(it.said(), 'Next:')
      it.equal(vim.fn.filereadable((assert(job.kept, 'the answer is kept'))), 1)
    end,
  },
  {
    'an empty register is said, not sent',
    function(it)
      it.open('src/lib.rs')
      vim.fn.setreg('b', '')
      vim.cmd('Pleach land b')
      it.contains(it.said(), 'register `b` is empty')
      it.equal(#require('pleach').jobs() > 0 and it.events[1] or nil, nil, 'no job was started')
    end,
  },
  {
    'several hunks wait for review, move with what is typed, and are taken one by one',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      vim.fn.setreg('a', {
        'src/lib.rs',
        '<<<<<<< SEARCH',
        'pub const LOAN_DAYS: u32 = 21;',
        '=======',
        'pub const LOAN_DAYS: u32 = 28;',
        '>>>>>>> REPLACE',
        '<<<<<<< SEARCH',
        '    (days_late * per_day).min(1_000)',
        '=======',
        '    (days_late * per_day).min(2_000)',
        '>>>>>>> REPLACE',
      })
      vim.cmd('Pleach land a')
      it.equal(it.job_ends().landed, false)
      it.equal(it.text(), before, 'nothing is changed before it is accepted')
      it.wait('the hunks are shown', function()
        return #vim.diagnostic.get(0) == 2
      end)

      vim.api.nvim_buf_set_lines(0, 0, 0, true, { '// typed above' })
      it.cursor('.min(1_000)')
      local menu = it.menu()
      it.contains(menu[1], 'Accept: ')
      vim.cmd('Pleach accept')
      it.wait('one hunk has landed', function()
        return it.text():find('.min(2_000)', 1, true) and #vim.diagnostic.get(0) == 1
      end)
      it.contains(it.text(), 'LOAN_DAYS: u32 = 21')

      it.cursor('LOAN_DAYS: u32 = 21')
      vim.cmd('Pleach reject')
      it.wait('nothing waits', function()
        return #vim.diagnostic.get(0) == 0
      end)
      it.equal(it.text(), '// typed above\n' .. before:gsub('1_000', '2_000', 1))
    end,
  },
}
