// A second look at edits from the server: before they are applied, and at what they became.

import * as vscode from 'vscode';
import type { ApplyWorkspaceEditParams, ApplyWorkspaceEditResult } from 'vscode-languageclient/node';

import type { Edit } from './protocol';
import { edited, fingerprint } from './texts';

/** What an open document has to be after an edit. */
interface Expected {
  document: vscode.TextDocument;
  fingerprint: string;
}

/**
 * Why an edit must not be applied to what is open here, or what it is to bring about. VS Code itself
 * compares versions but gives no reason, and silently clips a range that lies outside the text.
 */
function judge(params: ApplyWorkspaceEditParams): { refusal: string } | { expected: Expected[] } {
  const expected: Expected[] = [];
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
      return { refusal: `${document.fileName} is at version ${document.version}, the edit was made for ${version}` };
    }
    for (const { range } of change.edits) {
      const here = new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
      if (!document.validateRange(here).isEqual(here)) {
        return { refusal: `${document.fileName} has no line ${range.end.line + 1}, column ${range.end.character + 1}` };
      }
    }
    const edits = change.edits.filter((edit): edit is typeof edit & Edit => 'newText' in edit);
    if (edits.length > 0) {
      expected.push({ document, fingerprint: fingerprint(edited(document.getText(), edits)) });
    }
  }
  return { expected };
}

/** Applies an edit, and says whether the texts became what it meant them to be. */
export async function applyEdit(
  params: ApplyWorkspaceEditParams,
  apply: () => Promise<ApplyWorkspaceEditResult>,
): Promise<ApplyWorkspaceEditResult> {
  const judged = judge(params);
  if ('refusal' in judged) {
    return { applied: false, failureReason: judged.refusal };
  }
  // The first change of a document after it was asked for is the edit's own: its version is checked.
  const open = new Map(judged.expected.map((it) => [it.document, it.fingerprint]));
  const wrong: string[] = [];
  const listening = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    const wanted = open.get(document);
    if (wanted === undefined || contentChanges.length === 0) {
      return;
    }
    open.delete(document);
    if (fingerprint(document.getText()) !== wanted) {
      wrong.push(document.fileName);
    }
  });
  try {
    const result = await apply();
    return result.applied && wrong.length > 0
      ? { applied: false, failureReason: `${wrong.join(', ')} became something else than the edit meant` }
      : result;
  } finally {
    listening.dispose();
  }
}
