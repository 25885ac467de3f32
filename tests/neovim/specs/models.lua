-- A model that streams, over an OpenAI-compatible server on this machine.

local REPLY = [[
A child's fee should say so.

src/lib.rs
```
<<<<<<< SEARCH
    let per_day = if is_child { 5 } else { 20 };
=======
    let per_day: u32 = if is_child { 5 } else { 20 };
>>>>>>> REPLACE
```
]]

return {
  {
    'a streamed answer lands, and is shown while it is written',
    function(it)
      it.with_model(REPLY, {}, function(model)
        it.open('src/lib.rs', model.options())
        it.cursor('fn fee_cents')
        vim.cmd('Pleach rewrite say the type of the fee')
        local job = it.job_lands()
        it.contains(it.text(), 'let per_day: u32 =')
        it.contains(job.text, '<<<<<<< SEARCH', 'the text was streamed')
        it.contains(job.engine, 'fake-coder', 'what answered is named')
      end)
    end,
  },
  {
    'with a model the menu has more',
    function(it)
      it.with_model(REPLY, {}, function(model)
        it.open('src/loans.rs', model.options())
        it.cursor('fn readers')
        -- The settings are read beside the first requests.
        it.wait('the model is known', function()
          return table.concat(it.menu(), '\n'):find('Explain', 1, true)
        end)
        it.contains(table.concat(it.menu(), '\n'), 'Review this')
      end)
    end,
  },
  {
    'an explanation is shown beside the code, which stays where it is',
    function(it)
      it.with_model('It counts the readers.', {}, function(model)
        it.open('src/loans.rs', model.options())
        local code = vim.api.nvim_get_current_win()
        it.cursor('fn readers')
        vim.cmd('Pleach explain')
        local job = it.job_ends()
        it.equal(job.state, 'finished', job.message)
        local shown = it.wait('the answer is shown', function()
          for _, window in ipairs(vim.api.nvim_list_wins()) do
            local text = it.text(vim.api.nvim_win_get_buf(window))
            if window ~= code and text:find('It counts the readers.', 1, true) then
              return window
            end
          end
        end)
        it.equal(vim.api.nvim_get_current_win(), code, 'the cursor stays in the code')
        it.contains(it.text(), 'fn readers')
        it.wait('the answer belongs to the same project', function()
          local clients = vim.lsp.get_clients({ name = 'pleach', bufnr = vim.api.nvim_win_get_buf(shown) })
          return #clients == 1 and clients[1].id == it.client.id
        end)
        vim.api.nvim_win_close(shown, true)
      end)
    end,
  },
  {
    'a job that hangs is cancelled; the connection closes and nothing changes',
    function(it)
      it.with_model(REPLY, { '--hang-after', '1' }, function(model)
        it.open('src/lib.rs', vim.tbl_extend('force', model.options(), { preview = { delay = 0 } }))
        local before = it.text()
        it.cursor('fn fee_cents')
        vim.cmd('Pleach rewrite say the type of the fee')
        it.wait('the model begins to write', function()
          local job = require('pleach.jobs').last()
          return job and job.client_id == it.client.id and job.text ~= ''
        end)
        it.wait('the text is shown', function()
          local window = require('pleach.preview').window()
          return window and vim.api.nvim_win_is_valid(window)
        end)
        it.wait('the status line names the job', function()
          return require('pleach').status():find('Pleach: Rewrite', 1, true)
        end)
        it.contains(table.concat(it.menu(), '\n'), 'Cancel: Rewrite')
        vim.cmd('Pleach cancel')
        local job = it.job_ends()
        it.equal(job.state, 'failed')
        it.equal(job.code, 'cancelled')
        it.equal(it.text(), before)
        it.progress_ends()
        it.contains(it.said(), 'cancelled')
        it.wait('the connection is closed', function()
          return model.logged():find('closed', 1, true)
        end)
      end)
    end,
  },
  {
    'a job is cancelled by the progress display as well',
    function(it)
      it.with_model(REPLY, { '--hang-after', '1' }, function(model)
        it.open('src/lib.rs', model.options())
        it.cursor('fn fee_cents')
        vim.cmd('Pleach rewrite say the type of the fee')
        local shown = it.wait('progress begins', function()
          return it.progress[1]
        end)
        it.client:notify('window/workDoneProgress/cancel', { token = shown.token })
        it.equal(it.job_ends().code, 'cancelled')
      end)
    end,
  },
  {
    'what is typed while the model writes is kept, and the edit lands beside it',
    function(it)
      local go_on = vim.fn.tempname()
      it.with_model(REPLY, { '--hold-after', '1', '--until', go_on }, function(model)
        it.open('src/lib.rs', model.options())
        it.cursor('fn fee_cents')
        vim.cmd('Pleach rewrite say the type of the fee')
        it.wait('the model begins to write', function()
          local job = require('pleach.jobs').last()
          return job and job.client_id == it.client.id and job.text ~= ''
        end)
        it.replace_line('//! A lending library', '//! A lending library, and a typed line.')
        vim.api.nvim_buf_set_lines(0, 1, 1, false, { '//!', '//! Another typed line.' })
        vim.fn.writefile({}, go_on)
        it.job_lands()
        it.contains(it.text(), '//! Another typed line.')
        it.contains(it.text(), 'let per_day: u32 =')
      end)
    end,
  },
  {
    'a model that cannot be reached fails with the way out, and nothing else steps in',
    function(it)
      it.open('src/lib.rs', {
        settings = { engine = 'gone', providers = { gone = { base_url = 'http://127.0.0.1:9/v1', model = 'gone' } } },
      })
      local before = it.text()
      it.cursor('fn fee_cents')
      vim.cmd('Pleach rewrite anything')
      local job = it.job_ends()
      it.equal(job.state, 'failed')
      it.equal(it.text(), before)
      it.wait('the failure is shown', function()
        return it.said():find('Next:', 1, true)
      end)
    end,
  },
}
