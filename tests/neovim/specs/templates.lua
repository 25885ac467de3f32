-- New files from templates in a real editor: chosen, asked for, reviewed.

--- Answers what the plugin asks for: choices by their beginnings, questions in order.
local function answering(choices, answers, body)
  local select, input = vim.ui.select, vim.ui.input
  local asked = {}
  vim.ui.select = function(items, options, done)
    local wanted = table.remove(choices, 1)
    for _, item in ipairs(items) do
      local shown = options.format_item and options.format_item(item) or item
      if vim.startswith(shown, wanted) then
        return done(item)
      end
    end
    error('nothing begins with ' .. wanted)
  end
  vim.ui.input = function(options, done)
    asked[#asked + 1] = options.prompt
    done(table.remove(answers, 1))
  end
  local held, why = pcall(body, asked)
  vim.ui.select, vim.ui.input = select, input
  assert(held, why)
end

return {
  {
    'a template asks for what it needs, and its files wait for review',
    function(it)
      local folder = it.open('src/lib.rs')
      answering({ 'rust-crate', 'library', '2024' }, { 'till', 'crates/till' }, function(asked)
        vim.cmd('Pleach new')
        it.wait('everything is asked for', function()
          return #asked == 2
        end)
        it.contains(asked[1], "the crate's name", 'the question')
      end)
      local made = folder .. '/crates/till/Cargo.toml'
      it.wait('the files wait for review', function()
        return vim.iter(it.events):any(function(event)
          return event.kind == 'finished' and event.landed == false
        end)
      end)
      assert(not vim.uv.fs_stat(made), 'nothing is written before it is accepted')
      vim.cmd('Pleach accept all')
      it.wait('the files are there', function()
        return vim.fn.bufnr(made) ~= -1 or vim.uv.fs_stat(made)
      end)
    end,
  },
}
