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

/** The program of the setting `pleach.path`, else the one in `PATH`. */
export async function findProgram(): Promise<string | undefined> {
  const setting = vscode.workspace.getConfiguration('pleach').get<string>('path', '').trim();
  if (setting !== '') {
    const file = setting.startsWith('~/') ? path.join(homedir(), setting.slice(2)) : setting;
    return (await isProgram(file)) ? file : undefined;
  }
  const name = process.platform === 'win32' ? 'pleach.exe' : 'pleach';
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const folder of [...folders, path.join(homedir(), '.cargo', 'bin')]) {
    const file = path.join(folder, name);
    if (await isProgram(file)) {
      return file;
    }
  }
  return undefined;
}

/** Says that the program is missing, and leads to what mends it. */
export async function tellMissing(): Promise<void> {
  const setting = vscode.workspace.getConfiguration('pleach').get<string>('path', '').trim();
  const what =
    setting === ''
      ? 'The program `pleach` is neither in PATH nor in ~/.cargo/bin. Install it (`cargo install --path server/cli` in Pleach\'s folder), or name it in the setting `pleach.path`.'
      : `The setting \`pleach.path\` names ${setting}, which is not a program that can be run.`;
  const open = 'Open Setting';
  const again = 'Try Again';
  const choice = await vscode.window.showErrorMessage(`Pleach: ${what}`, open, again);
  if (choice === open) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'pleach.path');
  } else if (choice === again) {
    await vscode.commands.executeCommand('pleach.restart');
  }
}
