// Plans: the list of them in the view, with boxes to tick, and the state of each step in the gutter of its text.

import * as vscode from 'vscode';

import { gutterIcon, progressOf, stepsOf, titleOf, type Step, type StepState } from './plan';
import type { Server } from './server';

const WHERE = '**/.pleach/plans/*.md';

/** How the states look in the list, and their colour at the side of the text. */
const LOOKS: Record<StepState, { icon: string; color?: string }> = {
  todo: { icon: 'circle-large-outline' },
  running: { icon: 'sync', color: 'editorGutter.modifiedBackground' },
  waiting: { icon: 'question', color: 'editorWarning.foreground' },
  done: { icon: 'pass', color: 'editorGutter.addedBackground' },
  skipped: { icon: 'circle-slash', color: 'editorCodeLens.foreground' },
  failed: { icon: 'error', color: 'editorError.foreground' },
};

interface Plan {
  uri: vscode.Uri;
  title: string;
  steps: Step[];
}

/** A plan, or a step of one. */
export type PlanNode = { kind: 'plan'; plan: Plan } | { kind: 'step'; plan: Plan; step: Step };

export class Plans implements vscode.TreeDataProvider<PlanNode>, vscode.Disposable {
  private readonly drawn = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.drawn.event;
  private readonly marks = new Map<StepState, vscode.TextEditorDecorationType>();
  private readonly view: vscode.TreeView<PlanNode>;
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly server: Server) {
    for (const [state, { color }] of Object.entries(LOOKS) as [StepState, { color?: string }][]) {
      const gutter = (theme: 'light' | 'dark'): vscode.ThemableDecorationRenderOptions => ({
        gutterIconPath: vscode.Uri.parse(gutterIcon(state, theme), true),
        gutterIconSize: 'contain',
      });
      const ruler =
        color === undefined
          ? {}
          : { overviewRulerColor: new vscode.ThemeColor(color), overviewRulerLane: vscode.OverviewRulerLane.Left };
      this.marks.set(state, vscode.window.createTextEditorDecorationType({ ...ruler, light: gutter('light'), dark: gutter('dark') }));
    }
    this.view = vscode.window.createTreeView<PlanNode>('pleach.plans', {
      treeDataProvider: this,
      showCollapseAll: true,
      // A box is ticked when the plan's text says so, and not by the click.
      manageCheckboxStateManually: true,
    });
    const files = vscode.workspace.createFileSystemWatcher(WHERE);
    const changed = (): void => this.drawn.fire();
    this.disposables = [
      this.drawn,
      files,
      files.onDidCreate(changed),
      files.onDidChange(changed),
      files.onDidDelete(changed),
      ...this.marks.values(),
      this.view,
      this.view.onDidChangeCheckboxState(({ items }) => {
        for (const [node, state] of items) {
          void this.send(state === vscode.TreeItemCheckboxState.Checked ? 'pleach.plan.done' : 'pleach.plan.reopen', node);
        }
        changed();
      }),
      vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach((editor) => this.mark(editor))),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (isPlan(document)) {
          vscode.window.visibleTextEditors.filter((editor) => editor.document === document).forEach((editor) => this.mark(editor));
          changed();
        }
      }),
    ];
    vscode.window.visibleTextEditors.forEach((editor) => this.mark(editor));
  }

  async getChildren(node?: PlanNode): Promise<PlanNode[]> {
    if (node?.kind === 'step') {
      return [];
    }
    if (node?.kind === 'plan') {
      return node.plan.steps.map((step) => ({ kind: 'step', plan: node.plan, step }));
    }
    const files = await vscode.workspace.findFiles(WHERE);
    const plans = await Promise.all(files.sort((a, b) => a.path.localeCompare(b.path)).map(read));
    return plans.map((plan) => ({ kind: 'plan', plan }));
  }

  getTreeItem(node: PlanNode): vscode.TreeItem {
    const { plan } = node;
    const step = node.kind === 'step' ? node.step : undefined;
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(step === undefined ? plan.title : `${step.number}. ${step.title}`, step === undefined ? Expanded : None);
    item.id = `${plan.uri.toString()} ${step?.number ?? ''}`;
    item.description = step === undefined ? progressOf(plan.steps) : '';
    item.iconPath = step === undefined ? new vscode.ThemeIcon('checklist') : icon(step.state);
    item.contextValue = step === undefined ? 'plan' : `step.${step.state}`;
    if (step !== undefined) {
      const { Checked, Unchecked } = vscode.TreeItemCheckboxState;
      const over = step.state === 'done' || step.state === 'skipped';
      item.checkboxState = {
        state: over ? Checked : Unchecked,
        tooltip: over ? 'Reopen this step' : 'Mark this step as done',
        accessibilityInformation: { label: `Step ${step.number}`, role: 'checkbox' },
      };
      item.accessibilityInformation = { label: `Step ${step.number}, ${step.title}, ${step.state}` };
    }
    const line = step?.line ?? 0;
    item.command = {
      title: 'Open',
      command: 'vscode.open',
      arguments: [plan.uri, { selection: new vscode.Range(line, 0, line, 0) } satisfies vscode.TextDocumentShowOptions],
    };
    return item;
  }

  /** Sends a command of the server about a plan or a step of the view. */
  async send(command: string, node: PlanNode): Promise<void> {
    const which = node.kind === 'step' ? { step: node.step.number } : { all: true };
    await this.server.send(command, { path: node.plan.uri.fsPath, ...which });
  }

  private mark(editor: vscode.TextEditor): void {
    if (!isPlan(editor.document)) {
      return;
    }
    const steps = stepsOf(editor.document.getText());
    for (const [state, mark] of this.marks) {
      const here = steps.filter((step) => step.state === state);
      editor.setDecorations(mark, here.map(({ line }) => new vscode.Range(line, 0, line, 0)));
    }
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}

function isPlan(document: vscode.TextDocument): boolean {
  return vscode.languages.match({ pattern: WHERE }, document) > 0;
}

/** What is written there, with what was typed and not saved. */
async function read(uri: vscode.Uri): Promise<Plan> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  const text = open?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  return { uri, title: titleOf(text) ?? uri.path.slice(uri.path.lastIndexOf('/') + 1), steps: stepsOf(text) };
}

function icon(state: StepState): vscode.ThemeIcon {
  const { icon, color } = LOOKS[state];
  return color === undefined ? new vscode.ThemeIcon(icon) : new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
}
