// The boxes that ask for words, with what was typed before.

import * as vscode from 'vscode';

import { offered, remembered } from './instructions';
import { needsGoal, needsInstruction, needsNote, type CommandArguments } from './protocol';

interface Box {
  /** Where what was typed before is kept. */
  key: string;
  title: string;
  placeholder: string;
}

const INSTRUCTION: Box = {
  key: 'instructions',
  title: 'Pleach: Rewrite',
  placeholder: 'What should be different? For instance: rename total to revenue',
};

const NOTE: Box = {
  key: 'notes',
  title: 'Pleach: Retry',
  placeholder: 'What should be different this time?',
};

const GOAL: Box = {
  key: 'goals',
  title: 'Pleach: Plan',
  placeholder: 'What is the goal? Without a model: todos, document FILE, test FILE',
};

interface Row extends vscode.QuickPickItem {
  text: string;
}

const FORGET: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('close'), tooltip: 'Forget' };

export class Words {
  constructor(private readonly memory: vscode.Memento) {}

  /** `given` with the words that `command` needs; `undefined` when the person thought better of it. */
  async complete(command: string, given: CommandArguments): Promise<CommandArguments | undefined> {
    if (needsNote(command, given)) {
      const note = await this.ask(NOTE);
      return note === undefined ? undefined : { ...given, note };
    }
    if (needsInstruction(command, given)) {
      const instruction = await this.ask(INSTRUCTION);
      return instruction === undefined ? undefined : { ...given, instruction };
    }
    if (needsGoal(command, given)) {
      const goal = await this.ask(GOAL);
      return goal === undefined ? undefined : { ...given, goal };
    }
    return given;
  }

  async forget(): Promise<void> {
    await this.memory.update(INSTRUCTION.key, undefined);
    await this.memory.update(NOTE.key, undefined);
    await this.memory.update(GOAL.key, undefined);
  }

  private earlier(box: Box): string[] {
    return this.memory.get<string[]>(box.key, []);
  }

  private async ask(box: Box): Promise<string | undefined> {
    const text = await this.typed(box);
    if (text !== undefined) {
      await this.memory.update(box.key, remembered(this.earlier(box), text));
    }
    return text;
  }

  private typed(box: Box): Promise<string | undefined> {
    return new Promise((resolve) => {
      const pick = vscode.window.createQuickPick<Row>();
      pick.title = box.title;
      pick.placeholder = box.placeholder;
      // A look at the code must not lose what was typed.
      pick.ignoreFocusOut = true;
      const list = (): void => {
        const typed = pick.value.trim();
        pick.items = offered(this.earlier(box), pick.value).map((text) => ({
          text,
          label: text,
          alwaysShow: true,
          ...(text === typed
            ? { iconPath: new vscode.ThemeIcon('arrow-right') }
            : { iconPath: new vscode.ThemeIcon('history'), buttons: [FORGET] }),
        }));
      };
      list();
      pick.onDidChangeValue(list);
      pick.onDidTriggerItemButton(async ({ item }) => {
        await this.memory.update(box.key, this.earlier(box).filter((text) => text !== item.text));
        list();
      });
      pick.onDidAccept(() => {
        // What stands in the box counts where the list has not caught up with the typing.
        const text = (pick.selectedItems[0]?.text ?? pick.value).trim();
        if (text !== '') {
          resolve(text);
          pick.hide();
        }
      });
      pick.onDidHide(() => {
        resolve(undefined);
        pick.dispose();
      });
      pick.show();
    });
  }
}
