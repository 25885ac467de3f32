// Where the program `pleach` is.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, process.platform === 'win32' ? constants.F_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function fromSetting(): string {
  return vscode.workspace.getConfiguration('pleach').get<string>('path', '').trim();
}

/**
 * The program of the setting `pleach.path`; without one, the one that came with the extension, else the one
 * in `PATH`, else the one that `cargo install` made.
 */
export async function findProgram(extension: string): Promise<string | undefined> {
  const setting = fromSetting();
  if (setting !== '') {
    const file = setting.startsWith('~/') ? path.join(homedir(), setting.slice(2)) : setting;
    return (await isProgram(file)) ? file : undefined;
  }
  const name = process.platform === 'win32' ? 'pleach.exe' : 'pleach';
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const folder of [path.join(extension, 'bin'), ...folders, path.join(homedir(), '.cargo', 'bin')]) {
    const file = path.join(folder, name);
    if (await isProgram(file)) {
      return file;
    }
  }
  return undefined;
}

/** Says that the program is missing, and leads to what mends it. */
export async function tellMissing(): Promise<void> {
  const setting = fromSetting();
  const what =
    setting === ''
      ? 'The program `pleach` is neither in PATH nor in ~/.cargo/bin. Install it, or name it in the setting `pleach.path`.'
      : `The setting \`pleach.path\` names ${setting}, which is not a program that can be run.`;
  const how = 'How to Install';
  const open = 'Open Setting';
  const again = 'Try Again';
  const choice = await vscode.window.showErrorMessage(`Pleach: ${what}`, ...(setting === '' ? [how] : []), open, again);
  if (choice === how) {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'pleach.pleach#pleach.first', false);
  } else if (choice === open) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'pleach.path');
  } else if (choice === again) {
    await vscode.commands.executeCommand('pleach.restart');
  }
}
