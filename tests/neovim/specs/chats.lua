-- Chats in a real editor: begun, answered while somebody types, landed from.

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

--- Begins a chat, and waits until its document is before the person and known to the server.
local function begun(it, question)
  vim.cmd('Pleach chat ' .. question)
  it.wait('the chat is shown', function()
    local is_chat = vim.api.nvim_buf_get_name(0):find('/.pleach/chats/', 1, true)
    return is_chat and #vim.lsp.get_clients({ name = 'pleach', bufnr = 0 }) == 1
  end)
  it.contains(it.text(), '## You\n\n' .. question)
end

return {
  {
    'a question is answered in its document, and the edit of the answer lands',
    function(it)
      it.with_model(REPLY, {}, function(model)
        it.open('src/lib.rs', model.options())
        local code = vim.api.nvim_get_current_buf()
        begun(it, 'What is wrong with @src/lib.rs?')
        vim.cmd('Pleach chat')
        it.job_lands(2)
        local text = it.text()
        it.contains(text, '## Pleach (fake-coder')
        it.contains(text, '>>>>>>> REPLACE\n```\n\n## You\n')
        assert(text:find('What is wrong', 1, true) < text:find('## Pleach', 1, true), text)
        assert(not it.text(code):find('per_day: u32', 1, true), 'an answer changes no files')
        it.cursor('let per_day: u32')
        vim.cmd('Pleach chat land')
        it.job_lands(3)
        it.contains(it.text(code), 'let per_day: u32 =')
      end)
    end,
  },
  {
    'what is typed while the answer comes stands below it, and the answer is there once',
    function(it)
      local go = vim.fn.tempname()
      it.with_model('It lends a book.', { '--chunk-bytes', '4', '--hold-after', '2', '--until', go }, function(model)
        it.open('src/lib.rs', model.options())
        begun(it, 'What does it do?')
        vim.cmd('Pleach chat')
        it.wait('the answer has begun', function()
          return vim.iter(it.events):any(function(event)
            return event.kind == 'text'
          end)
        end)
        -- Right behind the question, before the line break that ends the file.
        local row = it.cursor('## You') + 2
        it.equal(vim.api.nvim_buf_get_lines(0, row - 1, row, false), { 'What does it do?' })
        vim.api.nvim_buf_set_lines(0, row, row, false, { 'And how?' })
        vim.fn.writefile({}, go)
        -- And on, keystroke by keystroke, while the edit is under way.
        local typed = 0
        it.wait('the answer is there', function()
          local found = it.text():find('It lends a book.', 1, true)
          if not found and typed < 200 then
            typed = typed + 1
            local at = it.cursor('And how?')
            local line = vim.api.nvim_buf_get_lines(0, at - 1, at, false)[1]
            vim.api.nvim_buf_set_lines(0, at - 1, at, false, { line .. '!' })
          end
          return found
        end)
        it.job_lands(2)
        local text = it.text()
        local _, count = text:gsub('It lends a book%.', '')
        it.equal(count, 1, text)
        local answer, typed_at = text:find('It lends a book.', 1, true), text:find('And how?', 1, true)
        assert(answer < typed_at, text)
      end)
    end,
  },
}
