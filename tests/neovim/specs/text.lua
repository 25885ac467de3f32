-- The server's text is the buffer's, whatever is typed, with and without a line break at the end.

--- Opens a file with exactly this text, in a fresh project.
local function open_text(it, text)
  local folder = it.open('src/lib.rs')
  local path = folder .. '/src/end.rs'
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
  vim.cmd.edit(vim.fn.fnameescape(path))
  it.wait('the server takes part', function()
    return #vim.lsp.get_clients({ name = 'pleach', bufnr = 0 }) == 1
  end)
end

--- Fails unless the server holds exactly what the buffer holds, and trusts it.
local function assert_in_step(it, what)
  vim.lsp._changetracking.flush(it.client, vim.api.nvim_get_current_buf())
  local held = it.client:request_sync('pleach/documentText', { uri = vim.uri_from_bufnr(0) }, 20000, 0)
  local wanted = it.text() .. (vim.bo.eol and '\n' or '')
  it.equal({ held.result.text, held.result.suspect }, { wanted }, what)
end

-- What reaches the end of the text, in every way that Neovim reports such changes.
local KEYS = {
  'Gofour',
  'Gdd',
  'ggOzero',
  'Gp',
  'ggdG',
  'ione\rtwo\rthree',
  'u',
  'u',
  'GA more',
  'Gx',
  'GO\n\n𝄞 wide',
  'Gdk',
  'Go\rlast',
  'ggJ',
  'Gddp',
  ':%s/o/𝄞/g\r',
  'u',
  'VGd',
  'Gyyp',
  'Gofive\rsix',
  ':$d\r',
  ':%!sort\r',
  ':call append("$", ["x", "y"])\r',
  ':$-1,$d\r',
  'G3.',
  'Go',
  'Go',
  'Gdd',
  'Gdd',
  'Godone',
}

local function type_all(it)
  for _, keys in ipairs(KEYS) do
    vim.api.nvim_feedkeys(vim.keycode(keys .. '<Esc>'), 'ntx', false)
    assert_in_step(it, vim.inspect(keys))
  end
end

return {
  {
    'the text stays the same on both sides, with a line break at the end',
    function(it)
      open_text(it, 'fn one() {}\nfn two() {}\n')
      it.equal(vim.bo.eol, true)
      type_all(it)
    end,
  },
  {
    'the text stays the same on both sides, without a line break at the end',
    function(it)
      open_text(it, 'fn one() {}\nfn two() {}')
      it.equal(vim.bo.eol, false)
      type_all(it)
      vim.cmd('silent write')
      assert_in_step(it, 'after writing')
      type_all(it)
    end,
  },
  {
    'what Neovim does not report is mended when the file is written',
    function(it)
      open_text(it, 'fn one() {}\nfn two() {}\n')
      -- When one empty line is left over, Neovim 0.11 reports one line break less than it has deleted.
      vim.api.nvim_feedkeys(vim.keycode('ggVGcfn new() {}<Esc>'), 'ntx', false)
      it.equal(it.text(), 'fn new() {}')
      vim.cmd('silent write')
      assert_in_step(it, 'after writing')
    end,
  },
  {
    'an edit lands at the end of a file without a line break there',
    function(it)
      open_text(it, 'fn one() {}\n\nfn two() -> u8 {\n    2\n}')
      vim.api.nvim_feedkeys(vim.keycode('Gofn three() {}<Esc>'), 'ntx', false)
      it.cursor('fn three')
      vim.cmd('Pleach document')
      it.job_lands()
      it.contains(it.text(), '///')
      assert_in_step(it, 'after the edit')
      vim.api.nvim_feedkeys(vim.keycode('Gofn four() {}<Esc>'), 'ntx', false)
      vim.cmd('Pleach undo')
      it.wait('only the edit is undone', function()
        return it.text() == 'fn one() {}\n\nfn two() -> u8 {\n    2\n}\nfn three() {}\nfn four() {}'
      end)
      assert_in_step(it, 'after the undo')
      it.cursor('fn four')
      vim.cmd('Pleach test')
      it.job_lands(3)
      it.contains(it.text(), 'mod tests')
      assert_in_step(it, 'after an edit behind the last line')
    end,
  },
}
