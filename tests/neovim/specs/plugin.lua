-- The plugin itself.

return {
  {
    ':Pleach completes its words',
    function(it)
      it.open('src/lib.rs')
      it.equal(vim.fn.getcompletion('Pleach re', 'cmdline'), { 'reject', 'retry', 'review', 'rewrite' })
      it.contains(table.concat(vim.fn.getcompletion('Pleach ', 'cmdline'), ' '), 'document')
      vim.cmd('Pleach nonsense')
      it.contains(it.said(), '`nonsense` is not one of')
    end,
  },
  {
    ':Pleach status names what answers',
    function(it)
      it.open('src/lib.rs')
      vim.cmd('Pleach status')
      it.wait('the status is shown', function()
        return it.said():find('built-in syntax engine, no AI model', 1, true)
      end)
    end,
  },
  {
    'a refused command is said once, with the next step',
    function(it)
      it.open('src/lib.rs')
      vim.cmd('Pleach cancel')
      it.wait('it is said', function()
        return #it.notes > 0
      end)
      it.contains(it.said(), 'no running job')
    end,
  },
  {
    ':checkhealth pleach is content',
    function(it)
      it.open('src/lib.rs')
      vim.cmd('checkhealth pleach')
      local report = it.text()
      it.contains(report, 'what answers: built-in syntax engine, no AI model')
      it.equal(report:find('ERROR', 1, true), nil, report)
    end,
  },
  {
    'the log shows what the jobs wrote',
    function(it)
      it.open('go/main.go')
      it.cursor('func (s *Shelf) Borrow')
      vim.cmd('Pleach document')
      it.equal(it.job_ends().state, 'finished')
      vim.cmd('Pleach log')
      it.contains(it.text(), 'Document')
      it.contains(it.text(), 'Borrow')
      vim.cmd('close')
    end,
  },
  {
    'a missing program is named, with the fix',
    function(it)
      it.open('src/lib.rs')
      require('pleach').setup({ cmd = { 'no-such-pleach', 'lsp' } })
      require('pleach.config').warn_if_missing()
      it.wait('it is said', function()
        return it.said():find('no-such-pleach', 1, true)
      end)
      it.contains(it.said(), 'PATH')
    end,
  },
}
