-- Review, hunk by hunk: what is seen in the text, and what decides.

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

--- What is drawn into the buffer: `row: new lines` and `row: removed`, rows counted from 1.
local function drawn()
  local namespace = vim.api.nvim_get_namespaces()['pleach.review']
  local seen, signs = {}, {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
    local row, details = mark[2] + 1, mark[4]
    if details.line_hl_group then
      seen[#seen + 1] = ('%d - %s'):format(row, details.line_hl_group)
    end
    for _, line in ipairs(details.virt_lines or {}) do
      seen[#seen + 1] = ('%d + %s'):format(row, line[1][1])
    end
    if details.sign_text then
      signs[row] = vim.trim(details.sign_text)
    end
  end
  -- Marks of one place come in no order.
  table.sort(seen)
  return seen, signs
end

--- An answer of two hunks under review in src/lib.rs.
local function reviewing(it)
  it.open('src/lib.rs')
  vim.fn.setreg('a', REPLY)
  vim.cmd('Pleach land a')
  local job = it.job_ends()
  it.equal({ job.state, job.landed }, { 'finished', false }, job.message)
  it.wait('both hunks are shown', function()
    return require('pleach').waiting() == 2
  end)
end

return {
  {
    'hunks are seen in the text, line by line, and the buffer is as it was',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      it.close()
      reviewing(it)
      it.equal(it.text(), before, 'nothing is changed before it is accepted')
      local fee = it.cursor('let per_day')
      local seen, signs = drawn()
      it.equal(seen, {
        '1 + //! A lending library: books, readers and who has what.',
        '1 - PleachRemoved',
        ('%d +     // Children pay less.'):format(fee),
        ('%d +     let per_day: u32 = if is_child { 5 } else { 20 };'):format(fee),
        ('%d - PleachRemoved'):format(fee),
      })
      it.equal(signs[fee], '┃')
    end,
  },
  {
    'one hunk is accepted, the other rejected, and nothing stays drawn',
    function(it)
      reviewing(it)
      vim.cmd('normal! gg')
      vim.cmd('Pleach next')
      it.contains(vim.api.nvim_get_current_line(), 'let per_day', 'the next hunk')
      vim.cmd('Pleach accept')
      it.job_lands(2)
      it.contains(it.text(), 'let per_day: u32')
      it.wait('one hunk is left', function()
        return require('pleach').waiting() == 1
      end)
      vim.cmd('Pleach previous')
      it.equal(vim.api.nvim_win_get_cursor(0)[1], 1)
      vim.cmd('Pleach reject')
      it.wait('nothing is left', function()
        return require('pleach').waiting() == 0
      end)
      it.contains(it.text(), 'what is on loan, since when')
      it.equal(drawn(), {})
    end,
  },
  {
    'what is typed into a hunk is shown as a conflict, and what is typed elsewhere moves the rest',
    function(it)
      reviewing(it)
      it.replace_line('//! A lending', '//! My own words.')
      vim.api.nvim_buf_set_lines(0, 1, 1, false, { '//!', '//! More of them.' })
      local fee = it.cursor('let per_day')
      it.wait('the conflict is shown', function()
        local seen, signs = drawn()
        return signs[1] == '!' and vim.list_contains(seen, ('%d +     // Children pay less.'):format(fee))
      end)
    end,
  },
  {
    'a file that is opened later shows what waits in it, and the list leads there',
    function(it)
      local folder = it.open('src/loans.rs')
      vim.fn.setreg('a', REPLY)
      vim.cmd('Pleach land a')
      it.job_ends()
      it.wait('both hunks wait', function()
        return require('pleach').waiting() == 2
      end)
      local select, listed = vim.ui.select, nil
      vim.ui.select = function(items, opts, choose)
        listed = vim.tbl_map(opts.format_item, items)
        choose(items[2])
      end
      vim.cmd('Pleach hunks')
      vim.ui.select = select
      it.contains(listed[1], 'src/lib.rs:1  ')
      it.equal(vim.api.nvim_buf_get_name(0), folder .. '/src/lib.rs')
      it.contains(vim.api.nvim_get_current_line(), 'let per_day')
      it.wait('the hunks are drawn', function()
        return #drawn() == 5
      end)
    end,
  },
  {
    'an edit is chosen from the history and taken back',
    function(it)
      it.open('src/lib.rs')
      local before = it.text()
      vim.fn.setreg('a', (REPLY:gsub('<<<<<<< SEARCH\n//!.->>>>>>> REPLACE\n', '')))
      vim.cmd('Pleach land a')
      it.job_lands()
      local select, listed = vim.ui.select, nil
      vim.ui.select = function(items, opts, choose)
        listed = vim.tbl_map(opts.format_item, items)
        choose(items[1])
      end
      vim.cmd('Pleach history')
      it.wait('it is taken back', function()
        return it.text() == before
      end)
      vim.ui.select = select
      it.equal(#listed, 1)
      it.contains(listed[1], 'src/lib.rs')
    end,
  },
  {
    'the instruction is written in a window of its own, and earlier ones can be had again',
    function(it)
      it.open('src/lib.rs')
      local ask = require('pleach.ask').ask
      local function press(keys)
        vim.api.nvim_feedkeys(vim.keycode(keys), 'xt', false)
      end
      local code, answers = vim.api.nvim_get_current_win(), {}
      local function answer(text)
        answers[#answers + 1] = text
      end
      ask('instruction', 'How?', answer)
      it.equal(vim.api.nvim_win_get_config(0).relative, 'win', 'a floating window')
      vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'say the type', 'of the fee' })
      press('<CR>')
      it.equal(answers, { 'say the type\nof the fee' })
      it.equal(vim.api.nvim_get_current_win(), code, 'back in the code')

      ask('instruction', 'How?', answer)
      press('<Up><CR>')
      it.equal(answers[2], answers[1], 'the earlier one')

      ask('instruction', 'How?', answer)
      vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'never mind' })
      press('<Esc>')
      it.equal(#answers, 2, 'leaving is no answer')
      it.equal(vim.api.nvim_get_current_win(), code)
    end,
  },
}
