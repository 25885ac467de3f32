// A second look at edits from the server, just before they are applied.

import * as vscode from 'vscode';
import type { ApplyWorkspaceEditParams } from 'vscode-languageclient/node';

/**
 * Why an edit must not be applied to what is open here, or `undefined` when it may be. VS Code itself
 * compares versions but gives no reason, and silently clips a range that lies outside the text.
 */
export function refusal(params: ApplyWorkspaceEditParams): string | undefined {
  for (const change of params.edit.documentChanges ?? []) {
    if (!('textDocument' in change)) {
      continue;
    }
    const { uri, version } = change.textDocument;
    const wanted = vscode.Uri.parse(uri).toString();
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === wanted);
    if (document === undefined) {
      continue;
    }
    if (version !== null && version !== document.version) {
      return `${document.fileName} is at version ${document.version}, the edit was made for ${version}`;
    }
    for (const edit of change.edits) {
      const { start, end } = edit.range;
      const range = new vscode.Range(start.line, start.character, end.line, end.character);
      if (!document.validateRange(range).isEqual(range)) {
        return `${document.fileName} has no line ${end.line + 1}, column ${end.character + 1}`;
      }
    }
  }
  return undefined;
}
