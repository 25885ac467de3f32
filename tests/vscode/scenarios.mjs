// What a person does with Pleach in VS Code, from the menu to the text of the file.

import assert from 'node:assert/strict';

const LIB = 'src/lib.rs';

/** Three hunks of one file. */
const THREE = `Children pay nothing at first, and books are kept longer.

src/lib.rs
<<<<<<< SEARCH
pub const LOAN_DAYS: u32 = 21;
=======
pub const LOAN_DAYS: u32 = 28;
>>>>>>> REPLACE

src/lib.rs
<<<<<<< SEARCH
    let per_day = if is_child { 5 } else { 20 };
    (days_late * per_day).min(1_000)
=======
    let (per_day, free_days) = if is_child { (5, 3) } else { (20, 0) };
    (days_late.saturating_sub(free_days) * per_day).min(1_000)
>>>>>>> REPLACE

src/lib.rs
<<<<<<< SEARCH
        1 => format!("{name}, {title} is one day late."),
=======
        1 => format!("{name}, {title} is a day late."),
>>>>>>> REPLACE
`;

/** Two hunks of one file, far apart. */
const TWO = THREE.split('src/lib.rs\n').slice(0, 3).join('src/lib.rs\n');

/** An answer of a chat, with an edit. */
const ANSWER = `It counts the days.\n\nsrc/lib.rs\n${THREE.split('src/lib.rs\n')[1]}`;

/** A change of a file, and a file that is new. */
const SEVERAL = `src/lib.rs
<<<<<<< SEARCH
pub mod loans;
=======
pub mod fees;
pub mod loans;
>>>>>>> REPLACE

src/fees.rs
<<<<<<< SEARCH
=======
//! What it costs to be late.

/// Cents for each day.
pub const PER_DAY: u32 = 20;
>>>>>>> REPLACE
`;

async function ready({ vs, machine }) {
  // What a scenario that failed has left.
  if ((await vs.statusbar()).some((item) => item.includes('to review'))) {
    await vs.command('Pleach: Reject All Hunks');
    await decided({ vs });
  }
  await vs.closeAll();
  machine.restore(LIB);
  await vs.openFile(LIB);
  await vs.status('Pleach');
}

/** Whether an item of the status bar has `text`. */
const says = ({ vs }, text) => async () => (await vs.statusbar()).some((item) => item.includes(text));

/** Whether nothing waits for review. */
const isDecided = ({ vs }) => async () => !(await vs.statusbar()).some((item) => item.includes('to review'));

/** Waits until nothing waits for review. */
function decided(it) {
  return it.vs.until('no review', isDecided(it));
}

/** Whether a row of the side bar has `text`. */
const shows = ({ vs }, text) => async () => (await vs.rows()).some((row) => row.includes(text));

/** Trusts the folder, if that was not done yet. */
async function trust(it) {
  const { vs } = it;
  if (!(await says(it, 'Restricted Mode')())) {
    return;
  }
  await vs.command('Workspaces: Manage Workspace Trust');
  const trust = vs.page.locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ }).first();
  await vs.clickUntil('trust', trust, () => vs.page.locator('.workspace-trust-editor', { hasText: 'You trust this folder' }).count());
}

/** Asks for a rewrite in the words of `instruction`, by the command. */
async function rewrite({ vs }, instruction) {
  await vs.goto(15, 5);
  await vs.command('Pleach: Rewrite with an Instruction');
  await vs.fill(instruction);
  await vs.key('Enter');
}

/** Saves, and waits until the file reads as `wanted` says. */
async function saved({ vs, machine }, what, wanted) {
  await vs.key('Control+s');
  await vs.until(what, () => wanted(machine.read(LIB)));
}

export const scenarios = {
  async 'a plan is made without a model, shown with its steps, and run from its text and from the view'(it) {
    const { vs, machine } = it;
    await ready(it);
    await vs.command('Pleach: Plan a Goal');
    await vs.fill('document src/lib.rs');
    await vs.key('Enter');
    const plan = '.pleach/plans/document-src-lib-rs.md';
    await vs.until('the plan', () => machine.has(plan));
    await vs.until('a code lens that runs', async () => (await vs.lenses()).some((lens) => lens.includes('Run')));
    await vs.command('Pleach: Focus on Plans View');
    await vs.row('0 of 3 done');
    await vs.until('a mark in the gutter for each step', () => vs.page.locator('.glyph-margin-widgets .cgmr, .glyph-margin .cgmr').count());
    await vs.clickInRow('Plans', '1. ', 'Run', shows(it, '1 of 3 done'));
    // A box is ticked by hand, and opened again.
    const box = vs.inSection('Plans', '2. ').locator('.custom-view-tree-node-item-checkbox');
    await vs.clickUntil('the second step done by hand', box, shows(it, '2 of 3 done'), 10_000);
    await vs.clickUntil('the second step open again', box, shows(it, '1 of 3 done'), 10_000);
    await vs.clearToasts();
    await it.shot('plan');
    const done = () => !/^\d+\. \[[^x]\]/m.test(machine.read(plan));
    await vs.clickInRow('Plans', 'Document', 'Run', shows(it, '3 of 3 done'));
    await vs.until('every step done', async () => {
      await vs.command('File: Save All');
      return done();
    });
    assert(machine.read(LIB).includes('/// '), 'the file is documented');
    await it.shot('plan-done');
  },

  async 'in a folder that is not trusted no model is asked; with trust, the one of the settings is'(it) {
    const { vs } = it;
    await vs.command('Pleach: Show Status');
    await vs.toast('built-in syntax engine, no AI model');
    await vs.clearToasts();
    await trust(it);
    await vs.until('the model of the settings', async () => {
      await vs.command('Pleach: Show Status');
      return (await vs.toasts()).some((toast) => toast.includes('scripted-model'));
    });
    await vs.clearToasts();
  },

  async 'a rewrite from the menu: instruction, stream, three hunks; one accepted by its lens, one rejected by a key, one accepted in the diff editor'(it) {
    const { vs, machine, shot } = it;
    const open = machine.file('go-on');
    await machine.model(THREE, '--chunk-bytes', '8', '--hold-after', '20', '--until', open);
    await ready(it);
    await vs.goto(15, 5);
    const listed = await vs.actions();
    assert(listed.some((title) => title.includes('Rewrite')), `the menu has: ${listed}`);
    await vs.clickAction('Rewrite');
    await vs.fill('children pay nothing for three days');
    await shot('instruction');
    await vs.key('Enter');
    await vs.status('tokens');
    await vs.command('Pleach: Focus on Jobs View');
    await vs.row('<<<<<<< SEARCH');
    await shot('stream');
    machine.touch('go-on');
    await vs.status('3 hunks to review');
    await vs.row('src/lib.rs');
    await vs.clearToasts();
    await vs.until('code lenses', async () => (await vs.lenses()).filter((lens) => lens.startsWith('Accept')).length >= 2);
    await vs.until('new text at its place', async () => (await vs.page.locator('.view-line', { hasText: 'LOAN_DAYS' }).count()) > 0);
    await shot('hunks');
    assert.equal(machine.read(LIB).includes('28'), false, 'nothing is changed before it is accepted');

    await vs.clickLens('Accept', says(it, '2 hunks to review'));
    await vs.focusText();
    await vs.goto(16, 5);
    await vs.chord('Control+k n');
    await vs.status('1 hunk to review');
    await vs.chord('Control+k .');
    await vs.status('Ln 23');
    await vs.chord('Control+k =');
    await vs.until('the diff editor', () => vs.page.locator('.monaco-diff-editor .view-line', { hasText: 'a day late' }).count());
    await shot('compare');
    await vs.clickUntil('the last hunk accepted', vs.page.locator('.editor-actions .action-label[aria-label^="Accept Hunk"]').first(), isDecided(it));
    await vs.until('the diff editor closed', async () => !(await vs.tabs()).some((tab) => tab.includes('↔')));
    await vs.focusText();
    await saved(it, 'two of the three hunks', (text) => text.includes('LOAN_DAYS: u32 = 28') && text.includes('a day late'));
    const wanted = `${machine.read(LIB)}`;
    assert(wanted.includes('let per_day = if is_child { 5 } else { 20 };'), 'what was rejected stays as it was');
  },

  async 'what landed is undone from the history, and what was typed since stays'(it) {
    const { vs, machine } = it;
    await vs.openFile(LIB);
    await vs.goto(1, 1);
    await vs.type('// kept\n');
    await vs.command('Pleach: Focus on History View');
    await vs.clickInRow('History', 'Rewrite', 'Undo this Edit', shows(it, 'undone'));
    await vs.focusText();
    await saved(it, 'the edit undone', (text) => text.startsWith('// kept\n') && text.includes('one day late'));
    assert(machine.read(LIB).includes('LOAN_DAYS: u32 = 28'), 'the edit before it stays');
  },

  async 'a job is cancelled from the menu of the status bar: the connection is closed, nothing is changed'(it) {
    const { vs, machine } = it;
    await machine.model(TWO, '--chunk-bytes', '8', '--hang-after', '4');
    await ready(it);
    const before = machine.read(LIB);
    await rewrite(it, 'anything');
    await vs.status('tokens');
    // What is drawn is said as well, and nothing of it turns.
    const item = vs.page.locator('.part.statusbar .statusbar-item[id*="pleach"]').first();
    const spoken = await item.getAttribute('aria-label');
    assert(/^Pleach: Rewrite.*tokens/.test(spoken), spoken);
    assert.equal(await item.locator('.codicon-modifier-spin').count(), 0, 'nothing turns');
    await vs.command('Pleach: Focus on Jobs View');
    const job = vs.inSection('Jobs', 'anything');
    assert((await job.getAttribute('aria-label')).includes(', running,'), 'a job says that it runs');
    assert.equal(await job.locator('.codicon-modifier-spin').count(), 0, 'nothing turns');
    const box = vs.page.locator('.quick-input-widget:not([style*="display: none"]) input').first();
    await vs.clickUntil('the menu', item, () => box.isVisible());
    await vs.inBox();
    await it.shot('menu');
    await vs.choose('Cancel: ');
    await vs.until('the connection closed', () => machine.seenByModel().includes('client-closed'));
    await vs.until('no job', async () => !(await vs.statusbar()).some((item) => item.includes('tokens')));
    assert.equal(machine.read(LIB), before);
  },

  async 'what is typed while the model writes is kept: hunks move along, one that was typed into becomes a conflict with a choice'(it) {
    const { vs, machine } = it;
    const open = machine.file('go-on-typing');
    await machine.model(TWO, '--chunk-bytes', '8', '--hold-after', '10', '--until', open);
    await ready(it);
    await rewrite(it, 'more');
    await vs.status('tokens');
    await vs.focusText();
    await vs.goto(2, 1);
    await vs.type('// typed meanwhile\n');
    machine.touch('go-on-typing');
    await vs.status('2 hunks to review');
    await vs.focusText();
    await vs.goto(17, 33);
    await vs.type('1');
    await vs.command('Pleach: Focus on Proposals View');
    await vs.until('a conflict in the view', () => vs.page.locator('.part.sidebar .monaco-list-row[aria-label*="in conflict"]').count());
    await it.shot('conflict');
    await vs.focusText();
    await vs.goto(17, 5);
    await vs.command('Pleach: Resolve Conflict');
    await vs.choose('Keep mine');
    await vs.status('1 hunk to review');
    await vs.focusText();
    await vs.goto(9, 1);
    await vs.chord('Control+k y');
    await decided(it);
    await saved(it, 'both the typing and the hunk', (text) => text.includes('// typed meanwhile') && text.includes('u32 = 28'));
    assert(machine.read(LIB).includes('{ 15 }'), 'what was typed into the hunk stays');
  },

  async 'a second try with a note, and the instruction of before is offered again'(it) {
    const { vs, machine } = it;
    await machine.model(THREE);
    await ready(it);
    await rewrite(it, 'one more');
    await vs.status('3 hunks to review');
    await machine.model(TWO);
    await vs.command('Pleach: Focus on Proposals View');
    await vs.row('src/lib.rs');
    await vs.boxFromMenuOf('src/lib.rs', 'Retry Hunk with a Note');
    await vs.fill('leave the reminder alone');
    await vs.key('Enter');
    await vs.status('2 hunks to review');
    assert(machine.seenByModel().includes('leave the reminder alone'), 'the note went to the model');
    await vs.command('Pleach: Reject All Hunks');
    await decided(it);
    await vs.focusText();
    await vs.command('Pleach: Rewrite with an Instruction');
    await vs.inBox();
    await vs.until('an earlier instruction', () => vs.page.locator('.quick-input-list .monaco-list-row', { hasText: 'one more' }).count());
    await vs.key('Escape');
  },

  async 'a proposal of several files, one of them new, is compared in one editor and accepted in the view'(it) {
    const { vs, machine } = it;
    await machine.model(SEVERAL);
    await ready(it);
    await rewrite(it, 'fees of their own');
    await vs.status('2 hunks to review');
    await vs.command('Pleach: Menu');
    await vs.choose('Compare: ');
    await vs.until('both files in one editor', () => vs.page.locator('.multiDiffEditor .view-line', { hasText: 'PER_DAY' }).count());
    await it.shot('several');
    await vs.clickInRow('Proposals', 'fees of their own', 'Accept Hunk', isDecided(it));
    await vs.until('the editor of both closed', async () => !(await vs.tabs()).some((tab) => tab.includes('Pleach: ')));
    await vs.openFile(LIB);
    await saved(it, 'both files', (text) => text.includes('pub mod fees;') && machine.has('src/fees.rs'));
    await vs.until('the new file saved', async () => {
      await vs.command('File: Save All');
      return machine.read('src/fees.rs').includes('PER_DAY: u32 = 20');
    });
  },

  async 'a chat is begun, answered in its file, and its edit is landed'(it) {
    const { vs, machine } = it;
    await machine.model(ANSWER);
    await ready(it);
    await vs.command('Pleach: New Chat');
    await vs.fill('What does @src/lib.rs do?');
    await vs.key('Enter');
    const name = 'what-does-src-lib-rs-do.md';
    await vs.until('the chat on disk', () => machine.has(`.pleach/chats/${name}`));
    await vs.until('the chat in front', async () => (await vs.tabs()).some((tab) => tab.includes(name)));
    const pick = async (line, title) => {
      await vs.focusText();
      await vs.goto(line, 1);
      await vs.until(`"${title}" in the menu`, async () => (await vs.actions()).some((entry) => entry.includes(title)));
      await vs.clickAction(title);
    };
    await pick(5, 'Continue this chat');
    await vs.until('the answer', async () => (await vs.lines()).some((line) => line.includes('It counts the days')));
    await it.shot('chat');
    await pick(12, 'Land the edit of src/lib.rs');
    await vs.focusText();
    await vs.key('Control+s');
    await vs.openFile(LIB);
    await vs.until('the edit', async () => (await vs.lines()).some((line) => line.includes('= 28')));
    await saved(it, 'the edit', (text) => text.includes('LOAN_DAYS: u32 = 28'));
    assert(machine.read(`.pleach/chats/${name}`).includes('It counts the days'), 'the answer is in the file');
  },

  async 'a server that crashes is started again, says what it did not finish, and works'(it) {
    const { vs, machine } = it;
    await machine.model(TWO, '--chunk-bytes', '8', '--hang-after', '4');
    await ready(it);
    await rewrite(it, 'never ends');
    await vs.status('tokens');
    assert(machine.crash(), 'the server runs');
    const told = await vs.toast('started again');
    assert(told.includes('never ends'), told);
    await it.shot('crash');
    await vs.clearToasts();
    await machine.model(TWO);
    await vs.until('the server', async () => (await vs.statusbar()).includes('Pleach'));
    await rewrite(it, 'ends');
    await vs.status('2 hunks to review');
    await vs.command('Pleach: Accept All Hunks');
    await vs.focusText();
    await saved(it, 'both hunks', (text) => text.includes('u32 = 28') && text.includes('free_days'));
  },

  async 'a program that is missing is said, with what to do, and found when it is there'(it) {
    const { vs, machine } = it;
    machine.settings({ 'pleach.path': '/nowhere/pleach' });
    const told = await vs.toast('/nowhere/pleach');
    assert(told.includes('Open Setting'), told);
    machine.settings();
    await vs.until('the server', async () => (await vs.statusbar()).includes('Pleach'));
    await vs.clearToasts();
    await vs.command('Pleach: Show Status');
    await vs.toast('scripted-model');
  },

  async 'in a workspace of several folders the second is worked on like the first'(it) {
    const { vs, machine } = it;
    const workspace = machine.severalFolders();
    await vs.visit(`workspace=${encodeURIComponent(workspace)}`);
    await vs.status('Pleach');
    await vs.openFile('other.py');
    await vs.goto(1, 6);
    await vs.until('an action in the second folder', async () => (await vs.actions()).some((title) => title.includes('Document')));
    await vs.clickAction('Document');
    await vs.until('the docstring', async () => (await vs.lines()).some((line) => line.includes('"""')));
    await vs.key('Control+s');
    await vs.until('it saved', () => machine.readOther('other.py').includes('"""'));
    await it.shot('folders');
    await vs.visit(`folder=${encodeURIComponent(machine.folder)}`);
    await vs.status('Pleach');
  },

  async 'who has no model is told once what works and how to add one'(it) {
    const { vs, machine } = it;
    await trust(it);
    machine.settings({ 'pleach.engine': undefined, 'pleach.providers': undefined });
    const told = await vs.toast('Add a model');
    assert(told.includes('Pleach can document, test, fix, rename. Add a model: `pleach model`'), told);
    await it.shot('first');
    await vs.clearToasts();
    machine.settings();
  },
};
