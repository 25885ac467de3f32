--- Edits of the server. Neovim passes over one for an older text with a line that may wait for a key, and still
--- answers that it was applied; here it is refused, with the newer text on its way, so that the server tries again.

local M = {}

---@param params lsp.ApplyWorkspaceEditParams
---@return boolean
local function is_outdated(params)
  for _, change in ipairs(params.edit.documentChanges or {}) do
    local document = change.textDocument
    if document and type(document.version) == 'number' then
      local present = vim.lsp.util.buf_versions[vim.uri_to_bufnr(document.uri)]
      if present and present > document.version then
        return true
      end
    end
  end
  return false
end

--- What was typed and not told yet.
---@param client vim.lsp.Client
---@param params lsp.ApplyWorkspaceEditParams
local function tell_what_was_typed(client, params)
  local found, tracking = pcall(require, 'vim.lsp._changetracking')
  for _, change in ipairs(found and params.edit.documentChanges or {}) do
    if change.textDocument then
      pcall(tracking.flush, client, vim.uri_to_bufnr(change.textDocument.uri))
    end
  end
end

--- Carries out `workspace/applyEdit`.
---@param err lsp.ResponseError?
---@param params lsp.ApplyWorkspaceEditParams
---@param context lsp.HandlerContext
---@return lsp.ApplyWorkspaceEditResult
function M.apply(err, params, context)
  -- Neovim prints the label; a long one would make it wait for a key, and the edit with it.
  params.label = nil
  if is_outdated(params) then
    local client = vim.lsp.get_client_by_id(context.client_id)
    if client then
      tell_what_was_typed(client, params)
    end
    return { applied = false, failureReason = 'the text was changed meanwhile' }
  end
  return vim.lsp.handlers['workspace/applyEdit'](err, params, context)
end

return M
