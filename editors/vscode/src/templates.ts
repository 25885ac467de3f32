// New files from templates: which one, what it asks for, and where. What comes of it is reviewed like every edit.

import * as vscode from 'vscode';

import type { Server } from './server';

interface Variable {
  name: string;
  ask: string;
  default: string | null;
  choices: string[];
}

interface Template {
  name: string;
  description: string;
  owner: string;
  variables: Variable[];
}

export async function newFromTemplate(server: Server): Promise<void> {
  const listed = (await server.send('pleach.templates')) as { templates: Template[] } | undefined;
  const rows = (listed?.templates ?? []).map((template) => ({
    label: template.name,
    description: template.description,
    detail: template.owner,
    template,
  }));
  const picked = await vscode.window.showQuickPick(rows, { title: 'Pleach: New from a Template', matchOnDescription: true });
  if (picked === undefined) {
    return;
  }
  const variables: Record<string, string> = {};
  for (const variable of picked.template.variables) {
    const value = await asked(picked.template, variable);
    if (value === undefined) {
      return;
    }
    // Nothing is the default, or is told as missing.
    if (value !== '') {
      variables[variable.name] = value;
    }
  }
  const dir = await vscode.window.showInputBox({
    title: `Pleach: ${picked.template.name}`,
    prompt: 'In which folder? Relative to the workspace; nothing is its top.',
    ignoreFocusOut: true,
  });
  if (dir !== undefined) {
    await server.send('pleach.new', { template: picked.template.name, dir, variables });
  }
}

async function asked(template: Template, variable: Variable): Promise<string | undefined> {
  const title = `Pleach: ${template.name}`;
  const prompt = variable.ask === '' ? variable.name : variable.ask;
  if (variable.choices.length > 0) {
    return vscode.window.showQuickPick(variable.choices, { title, placeHolder: prompt, ignoreFocusOut: true });
  }
  // A default with holes in it is filled by the server.
  const usual = variable.default ?? '';
  const isFixed = !usual.includes('{');
  return vscode.window.showInputBox({
    title,
    prompt,
    ignoreFocusOut: true,
    ...(isFixed ? { value: usual } : { placeHolder: usual }),
  });
}
