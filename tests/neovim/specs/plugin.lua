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
  {
    ':help has a tag for every command, function and option, and each leads somewhere',
    function(it)
      vim.cmd('helptags ' .. it.root .. '/editors/neovim/doc')
      local tags = {}
      for _, line in ipairs(vim.fn.readfile(it.root .. '/editors/neovim/doc/tags')) do
        tags[vim.split(line, '\t')[1]] = true
      end
      vim.fn.delete(it.root .. '/editors/neovim/doc/tags')
      local wanted =
        { 'pleach', ':Pleach', 'pleach.setup()', 'pleach-health', 'g:pleach_enable', 'PleachJob', 'PleachReview' }
      for _, name in ipairs(require('pleach.command').names()) do
        wanted[#wanted + 1] = ':Pleach-' .. name
      end
      for name in pairs(require('pleach')) do
        wanted[#wanted + 1] = ('pleach.%s()'):format(name)
      end
      local missing = vim.tbl_filter(function(name)
        return not tags[name]
      end, wanted)
      it.equal(missing, {})
      -- What is referred to is there.
      local text = table.concat(vim.fn.readfile(it.root .. '/editors/neovim/doc/pleach.txt'), '\n')
      for name in text:gmatch('|(pleach[%w%.%-]*)|') do
        it.equal(tags[name], true, name)
      end
      local setup = text:match('require%(.pleach.%)%.setup%(%{.-\n    %}%)')
      for name in pairs(require('pleach.config').options) do
        it.contains(setup, name .. ' = ')
      end
    end,
  },
  {
    'every command has its <Plug> mapping, and none is forced',
    function(it)
      it.open('src/lib.rs')
      for _, name in ipairs(require('pleach.command').names()) do
        it.contains(vim.fn.maparg(('<Plug>(pleach-%s)'):format(name), 'n'), 'Pleach ' .. name)
      end
      for _, map in ipairs(vim.api.nvim_get_keymap('n')) do
        if map.desc and map.desc:find('^Pleach') then
          it.contains(map.lhs, '<Plug>(pleach-')
        end
      end
    end,
  },
  {
    'settings without a key are none, and the status line says what waits',
    function(it)
      it.open('src/lib.rs', { settings = {} })
      it.equal(require('pleach').statusline(), '')
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
      it.wait('both hunks wait', function()
        return require('pleach').statusline() == 'Pleach: 2 hunks to review'
      end)
      it.equal(require('pleach').statusline('+'), '+ 2 hunks to review')
      it.equal(it.said(), '')
    end,
  },
}
