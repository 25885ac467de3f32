-- What comes in between: formatters, other programs, edits of a text that is gone, typing into what landed.

local FEE = '    let per_day = if is_child { 5 } else { 20 };'
local REPLY = [[
src/lib.rs
<<<<<<< SEARCH
//! A lending library: what is on loan, since when, and what it costs to be late.
=======
//! A lending library: books, readers and who has what.
>>>>>>> REPLACE
<<<<<<< SEARCH
    let per_day = if is_child { 5 } else { 20 };
=======
    // Children pay less.
    let per_day: u32 = if is_child { 5 } else { 20 };
>>>>>>> REPLACE
]]
--- The second hunk alone.
local ONE = REPLY:gsub('<<<<<<< SEARCH\n//!.->>>>>>> REPLACE\n', '')
local FORMATTED = {
  '    let per_day = if is_child {',
  '        5',
  '    } else {',
  '        20',
  '    };',
}

--- A formatter on save, as people set one up: it lays the fee out anew, and indents with tabs.
local function format_on_save()
  vim.api.nvim_create_autocmd('BufWritePre', {
    buffer = 0,
    callback = function()
      local lines = {}
      for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
        vim.list_extend(lines, line == FEE and FORMATTED or { line })
      end
      for at, line in ipairs(lines) do
        lines[at] = line:gsub('    ', '\t')
      end
      vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    end,
  })
end

--- An answer under review in src/lib.rs.
local function reviewing(it)
  local folder = it.open('src/lib.rs')
  vim.fn.setreg('a', REPLY)
  vim.cmd('Pleach land a')
  local job = it.job_ends()
  it.equal({ job.state, job.landed }, { 'finished', false }, job.message)
  it.wait('both hunks wait', function()
    return require('pleach').waiting() == 2 and #vim.diagnostic.get(0) == 2
  end)
  return folder
end

--- How the hunks of the one review stand, from the top.
local function states(it)
  local answer = it.client:request_sync('workspace/executeCommand', { command = 'pleach.reviews' }, 20000, 0)
  local found = {}
  for _, review in ipairs(answer.result) do
    for _, hunk in ipairs(review.hunks) do
      found[#found + 1] = hunk.state
    end
  end
  return found
end

return {
  {
    'a formatter on save is no conflict: hunks that wait go into the formatted text',
    function(it)
      reviewing(it)
      format_on_save()
      vim.cmd('silent write')
      it.contains(it.text(), '\t\t5', 'it is formatted')
      it.wait('it is seen to be formatting', function()
        return vim.deep_equal(states(it), { 'pending', 'pending' })
      end)
      it.cursor('let per_day')
      vim.cmd('Pleach accept')
      it.job_lands(2)
      it.contains(it.text(), '\t// Children pay less.\n\tlet per_day: u32 = if is_child {\n\t\t5\n')
      it.equal(vim.fn.search('^    ', 'n'), 0, 'no line is indented as it was before')
    end,
  },
  {
    'a formatter on save while the model writes is no conflict either',
    function(it)
      local go_on = vim.fn.tempname()
      it.with_model(ONE, { '--hold-after', '1', '--until', go_on }, function(model)
        it.open('src/lib.rs', model.options())
        format_on_save()
        it.cursor('fn fee_cents')
        vim.cmd('Pleach rewrite say the type of the fee')
        it.wait('the model begins to write', function()
          local job = require('pleach.jobs').last()
          return job and job.client_id == it.client.id and job.text ~= ''
        end)
        vim.cmd('silent write')
        vim.fn.writefile({}, go_on)
        it.job_lands()
        it.contains(it.text(), '\t// Children pay less.\n\tlet per_day: u32 = if is_child {\n\t\t5\n')
      end)
    end,
  },
  {
    'an edit of a text that is gone is refused, noticed, and made for the present text',
    function(it)
      -- By the plugin; and by Neovim alone, which leaves the edit out and says that it made it. (Of the text
      -- as it was opened it would leave nothing out.)
      for _, opened_long_ago in ipairs({ false, true }) do
        it.open('src/lib.rs')
        if opened_long_ago then
          vim.api.nvim_buf_set_lines(0, 0, 0, true, { '// typed before' })
        end
        local before, asked = it.text(), {}
        local apply = (opened_long_ago and vim.lsp or it.client).handlers['workspace/applyEdit']
        it.client.handlers['workspace/applyEdit'] = function(failure, params, context)
          local version = params.edit.documentChanges[1].textDocument.version
          if #asked == 0 then
            vim.api.nvim_buf_set_lines(0, 0, 0, true, { '// typed at the last moment' })
          end
          local text = it.text()
          local answer = apply(failure, params, context)
          asked[#asked + 1] = { version = version, applied = answer.applied, changed = it.text() ~= text }
          return answer
        end
        vim.fn.setreg('a', ONE)
        vim.cmd('Pleach land a')
        it.job_lands()
        it.equal(asked[1].changed, false, 'the first is of a version that is gone')
        it.equal(asked[1].applied, opened_long_ago)
        it.equal(asked[2].changed, true)
        it.equal(asked[2].version > asked[1].version, true)
        local wanted =
          before:gsub(vim.pesc(FEE), '    // Children pay less.\n    let per_day: u32 = if is_child { 5 } else { 20 };')
        it.equal(it.text(), '// typed at the last moment\n' .. wanted)
        it.close()
      end
    end,
  },
  {
    'an edit that Neovim never makes fails, and says so; its answer is kept',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      it.client.handlers['workspace/applyEdit'] = function()
        return { applied = true }
      end
      vim.fn.setreg('a', ONE)
      vim.cmd('Pleach land a')
      local job = it.job_ends()
      it.equal({ job.state, job.code }, { 'failed', 'not-confirmed' })
      it.equal(it.text(), before)
      it.contains(table.concat(vim.fn.readfile(job.kept), '\n'), '// Children pay less.')
    end,
  },
  {
    'what landed and was typed into is not taken back over the typing: the person chooses',
    function(it)
      it.open('src/lib.rs')
      vim.fn.setreg('a', ONE)
      vim.cmd('Pleach land a')
      it.job_lands()
      it.replace_line('// Children pay less.', '    // Children pay a quarter.')
      vim.api.nvim_buf_set_lines(0, 0, 0, true, { '// typed above' })
      local typed = it.text()
      vim.cmd('Pleach undo')
      it.wait('the conflict is shown', function()
        return vim.deep_equal(states(it), { 'conflict' })
      end)
      it.equal(it.text(), typed)
      it.cursor('Children pay a quarter')
      local menu = table.concat(it.menu(), '\n')
      for _, choice in ipairs({ 'Keep what you typed', 'Take what was proposed', 'Keep both' }) do
        it.contains(menu, choice)
      end
      it.pick('Take what was proposed')
      it.wait('the edit is taken back', function()
        return it.text():find(FEE, 1, true)
      end)
      it.contains(it.text(), '// typed above')
      it.equal(it.text():find('Children', 1, true), nil)
    end,
  },
  {
    'a file that another program has written is read again, and hunks go into what is there then',
    function(it)
      local folder = reviewing(it)
      vim.o.autoread = true
      local path = folder .. '/src/lib.rs'
      local lines = vim.fn.readfile(path)
      table.insert(lines, 1, '// by another program')
      lines[2] = '//! Its own words.'
      vim.fn.writefile(lines, path)
      -- A file of the same second and size would be taken for the same.
      vim.uv.fs_utime(path, os.time() + 10, os.time() + 10)
      vim.cmd('checktime')
      it.wait('the buffer is read again', function()
        return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == '// by another program'
      end)
      it.wait('the first is a conflict, the second moves', function()
        return vim.deep_equal(states(it), { 'conflict', 'pending' })
      end)
      it.cursor('let per_day')
      vim.cmd('Pleach accept')
      it.job_lands(2)
      it.contains(it.text(), '// by another program\n//! Its own words.')
      it.contains(it.text(), 'let per_day: u32')
    end,
  },
  {
    'hunks are shown as a diff in a window of their own',
    function(it)
      reviewing(it)
      it.cursor('let per_day')
      local code = vim.api.nvim_get_current_win()
      it.pick('Show as diff')
      local shown = it.wait('the diff is shown', function()
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          local buffer = vim.api.nvim_win_get_buf(window)
          if vim.api.nvim_buf_get_name(buffer):find('%.diff$') then
            return buffer
          end
        end
      end)
      local diff = it.text(shown)
      it.contains(diff, '--- a/src/lib.rs\n+++ b/src/lib.rs\n@@')
      it.contains(diff, '-' .. FEE .. '\n+    // Children pay less.')
      it.equal(vim.bo[shown].filetype, 'diff')
      it.equal(vim.api.nvim_win_is_valid(code), true)
    end,
  },
}
