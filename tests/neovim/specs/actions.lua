-- The built-in syntax engine, through the editor's own menu.

local BUILTIN = 'built-in syntax engine, no AI model'

return {
  {
    'the menu offers what works here, and no more',
    function(it)
      it.open('src/lib.rs')
      it.cursor('fn fee_cents')
      local titles = table.concat(it.menu(), '\n')
      it.contains(titles, 'Document `fee_cents`')
      it.contains(titles, 'Write tests for `fee_cents`')
      it.contains(titles, 'Rewrite with an instruction…')
      it.contains(titles, 'Review this file')
      for _, needs_model in ipairs({ 'Explain', 'Implement', 'Cancel', 'Undo' }) do
        it.equal(titles:find(needs_model, 1, true), nil, needs_model .. ' is listed, but cannot work here')
      end
    end,
  },
  {
    'Document lands, with progress from beginning to end, and can be undone',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      it.cursor('fn fee_cents')
      it.pick('Document `fee_cents`')
      local job = it.job_lands()
      it.equal(job.landed, true)
      it.equal(job.engine, BUILTIN)
      it.contains(it.text(), '///')
      it.contains(it.text(), 'pub fn fee_cents(days_late: u32, is_child: bool) -> u32 {')

      it.progress_ends()
      local kinds = vim.tbl_map(function(progress)
        return progress.kind
      end, it.progress)
      it.equal(kinds[1], 'begin')
      it.equal(kinds[#kinds], 'end')
      it.contains(it.progress[1].title, 'Pleach: Document')
      it.contains(it.progress[1].status, 'Pleach: Document', 'the status line while it runs')
      it.contains(it.progress[#it.progress].message, BUILTIN)

      it.equal(job.kinds[1], 'started')
      it.equal(job.kinds[#job.kinds], 'finished')
      it.equal(vim.list_contains(job.kinds, 'text'), true, 'the text is streamed')
      it.equal(vim.list_contains(job.kinds, 'verdict'), true, 'the verdict is told')
      for at, event in ipairs(it.events) do
        it.equal(event.seq, at - 1, 'events are numbered without a gap')
      end
      it.contains(it.messages(), BUILTIN, 'what answered is named in the messages')
      for _, line in ipairs(vim.split(it.messages(), '\n')) do
        it.equal(#line <= vim.o.columns, true, 'fits the screen, so that no key is waited for: ' .. line)
      end

      vim.cmd('Pleach undo')
      it.wait('the edit is undone', function()
        return it.text() == before
      end)
    end,
  },
  {
    'undo keeps what was typed since',
    function(it)
      it.open('python/shelf.py')
      it.cursor('def overdue')
      it.pick('Document `overdue`')
      it.job_lands()
      it.contains(it.text(), 'def overdue')
      it.replace_line('import json', 'import json as data')
      vim.cmd('Pleach undo')
      local original = table.concat(vim.fn.readfile(vim.api.nvim_buf_get_name(0)), '\n')
      it.wait('only the edit is undone', function()
        return it.text() == original:gsub('import json', 'import json as data')
      end)
    end,
  },
  {
    'tests are written where the project has them',
    function(it)
      it.open('src/lib.rs')
      it.cursor('fn reminder')
      vim.cmd('Pleach test')
      it.job_lands()
      it.contains(it.text(), 'reminder(')
      it.contains(it.text(), 'mod tests')
      it.equal(vim.fn.count(it.text(), '#[test]') > 1, true, 'a test was added')
    end,
  },
  {
    'a skeleton at the end of a file ends it with one line break',
    function(it)
      it.open('src/loans.rs')
      it.cursor('pub fn lend')
      it.pick('Write tests for `lend`')
      it.job_lands()
      it.contains(it.text(), 'fn lend_works()')
      local lines = vim.api.nvim_buf_get_lines(0, -3, -1, true)
      it.equal(lines[2], '}')
    end,
  },
  {
    'a comment `ai: …` is carried out and taken away',
    function(it)
      it.open('src/loans.rs')
      it.cursor('ai: document this')
      it.pick('Carry out this comment')
      it.job_lands()
      it.equal(it.text():find('ai: document this', 1, true), nil, 'the comment is taken away')
      local lines = vim.split(it.text(), '\n')
      local row = it.cursor('pub fn lend')
      it.contains(table.concat(vim.list_slice(lines, row - 12, row), '\n'), '///')
    end,
  },
  {
    'a comment `… AI!` works in TypeScript',
    function(it)
      it.open('web/catalogue.ts')
      it.cursor('AI!')
      vim.cmd('Pleach comment')
      it.job_lands()
      it.equal(it.text():find('AI!', 1, true), nil)
      it.contains(it.text(), '/**')
    end,
  },
  {
    'a rename by instruction touches the one binding only',
    function(it)
      it.open('src/loans.rs')
      it.cursor('due = today')
      local asked
      local input = vim.ui.input
      vim.ui.input = function(opts, answer)
        asked = opts.prompt
        answer('rename due to deadline')
      end
      it.pick('Rewrite with an instruction')
      local job = it.job_ends()
      vim.ui.input = input
      it.equal(job.state, 'finished', job.message)
      it.contains(asked, 'Pleach')
      it.contains(it.text(), 'let deadline = today + crate::LOAN_DAYS;')
      it.contains(it.text(), 'Ok(deadline)')
      it.contains(it.text(), 'is due on day {deadline}')
    end,
  },
  {
    'Fix removes the unused import that a diagnostic names',
    function(it)
      it.open('src/lib.rs')
      local row = it.cursor('use std::collections::HashMap;')
      vim.diagnostic.set(vim.api.nvim_create_namespace('checker'), 0, {
        {
          lnum = row - 1,
          col = 4,
          end_lnum = row - 1,
          end_col = 29,
          severity = vim.diagnostic.severity.WARN,
          source = 'rustc',
          code = 'unused_imports',
          message = 'unused import: `std::collections::HashMap`',
        },
      })
      vim.cmd('Pleach fix')
      it.job_lands()
      it.equal(it.text():find('HashMap', 1, true), nil)
    end,
  },
  {
    'an edit works beside characters of every width',
    function(it)
      it.open('python/shelf.py')
      it.replace_line('"""The librarian', '"""Größe 🎉 漢字: what is overdue, and who to write to."""')
      it.cursor('def letter')
      vim.cmd('Pleach document')
      it.job_lands()
      it.contains(it.text(), '"""Größe 🎉 漢字: what is overdue')
      it.contains(it.text(), 'ValueError')
    end,
  },
  {
    'what the engine cannot do is refused with the way out',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      it.cursor('fn fee_cents')
      vim.cmd('Pleach rewrite make it faster')
      local job = it.job_ends()
      it.equal(job.state, 'failed')
      it.equal(it.text(), before)
      it.wait('the refusal is shown', function()
        return it.said():find('model', 1, true)
      end)
      it.equal(#it.notes, 1, 'it is said once')
      it.equal(it.notes[1].level, vim.log.levels.ERROR)
    end,
  },
}
