// Drives the workbench of VS Code in a browser, as a person would: by keys, and by what is seen.

import { createRequire } from 'node:module';

const { chromium } = createRequire(process.env.PLAYWRIGHT)('playwright-core');

/** How long to wait for anything to be seen, in milliseconds. */
const PATIENCE = 30_000;

const QUICK = '.quick-input-widget:not([style*="display: none"])';

export class Workbench {
  /** Opens `folder` in the workbench at `port` of this machine. Nothing outside of it is asked for anything. */
  static async open(port, folder) {
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
    });
    // Nothing has to move for anybody.
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const workbench = new Workbench(browser, await context.newPage(), port);
    await workbench.visit(`folder=${encodeURIComponent(folder)}`);
    return workbench;
  }

  constructor(browser, page, port) {
    this.browser = browser;
    this.page = page;
    this.port = port;
    page.setDefaultTimeout(PATIENCE);
  }

  /** Opens a folder or a workspace of several, in the place of what is open. */
  async visit(what) {
    await this.page.goto(`http://127.0.0.1:${this.port}/?${what}`);
    await this.page.waitForSelector('.monaco-workbench .part.statusbar', { timeout: 2 * PATIENCE });
  }

  close() {
    return this.browser.close();
  }

  /** Waits until `seen` gives something, and gives it. `what` is said when it never does. */
  async until(what, seen, patience = PATIENCE) {
    const end = Date.now() + patience;
    let last;
    for (;;) {
      try {
        last = await seen();
        if (last) {
          return last;
        }
      } catch (error) {
        last = error.message;
      }
      if (Date.now() > end) {
        throw new Error(`in vain: ${what} (last: ${JSON.stringify(last)})`);
      }
      await this.page.waitForTimeout(50);
    }
  }

  /**
   * Clicks until what it leads to is seen. A list that is drawn anew, or a menu in its first moments, swallows a click: then
   * the next one counts. The click must do no harm when it is made twice; where it does, `patience` is long.
   */
  clickUntil(what, target, effect, patience = 3000) {
    return this.until(what, async () => {
      if (await effect()) {
        return true;
      }
      await target.click({ timeout: 2000 });
      const soon = Date.now() + patience;
      while (Date.now() < soon) {
        if (await effect()) {
          return true;
        }
        await this.page.waitForTimeout(50);
      }
      return false;
    });
  }

  key(keys) {
    return this.page.keyboard.press(keys);
  }

  /** Types a chord such as `Control+k y`. */
  async chord(keys) {
    for (const one of keys.split(' ')) {
      await this.key(one);
    }
  }

  type(text) {
    return this.page.keyboard.type(text, { delay: 10 });
  }

  /** Opens an input box by a key, and waits until what is typed goes there and not into the text. */
  async box(keys) {
    await this.key(keys);
    await this.inBox();
  }

  async inBox() {
    await this.page.waitForSelector(`${QUICK} input`);
    await this.page.waitForFunction(() => document.activeElement?.closest('.quick-input-widget') !== null);
  }

  /** Fills the input box. */
  async fill(text) {
    await this.inBox();
    await this.page.locator(`${QUICK} input.input`).first().fill(text);
  }

  /** Chooses a row of the open list, which then goes away or gives way to another. */
  async choose(title) {
    const row = this.page.locator(`${QUICK} .monaco-list-row`, { hasText: title }).first();
    await row.waitFor();
    await this.clickUntil(`"${title}" chosen`, row, async () => !(await row.isVisible()));
  }

  /** Runs a command of the palette. */
  async command(title) {
    await this.box('F1');
    await this.fill(`>${title}`);
    const row = this.page.locator(`${QUICK} .monaco-list-row[aria-label*="${title}"]`).first();
    await row.waitFor();
    // What it opens may be such a box as well, with another text in it.
    const typed = this.page.locator(`${QUICK} input.input`).first();
    const given = async () => ((await typed.isVisible()) ? typed.inputValue() : '');
    await this.clickUntil(`the command "${title}"`, row, async () => (await given()) !== `>${title}`);
  }

  /** Opens a file of the folder by its name. */
  async openFile(name) {
    await this.box('Control+p');
    await this.fill(name);
    const base = name.split('/').at(-1);
    const row = this.page.locator(`${QUICK} .monaco-list-row`, { hasText: base }).first();
    const tab = this.page.locator(`.tab.active[data-resource-name="${base}"]`);
    await row.waitFor();
    await this.clickUntil(`${name} opened`, row, async () => !(await row.isVisible()) && (await tab.count()) > 0);
    await this.focusText();
  }

  /** Puts the focus into the text. */
  async focusText() {
    await this.command('View: Focus Active Editor Group');
    await this.page.waitForFunction(() => document.activeElement?.closest('.monaco-editor') !== null);
  }

  async goto(line, column = 1) {
    await this.box('Control+g');
    await this.fill(`:${line}:${column}`);
    await this.key('Enter');
    await this.until(`the cursor in line ${line}`, async () =>
      (await this.statusbar()).some((item) => item.includes(`Ln ${line}, Col ${column}`)),
    );
  }

  statusbar() {
    return this.page.$$eval('.part.statusbar .statusbar-item', (items) => items.map((item) => item.textContent.trim()));
  }

  /** Waits until an item of the status bar has `text`. */
  status(text, patience) {
    return this.until(`"${text}" in the status bar`, async () => (await this.statusbar()).find((item) => item.includes(text)), patience);
  }

  /** The lines that are seen in the active editor. Non-breaking spaces are how they are drawn. */
  lines() {
    return this.page.$$eval('.editor-instance .view-line', (lines) => lines.map((line) => line.textContent.replace(/\u00a0/g, ' ')));
  }

  lenses() {
    return this.page.$$eval('.codelens-decoration a', (lenses) => lenses.map((lens) => lens.textContent));
  }

  /** Clicks a code lens until `effect` is seen: lenses are drawn anew at every change. */
  async clickLens(title, effect) {
    const lens = this.page.locator('.codelens-decoration a', { hasText: title }).first();
    await this.clickUntil(`what the lens "${title}" does`, lens, effect);
  }

  toasts() {
    return this.page.$$eval('.notification-list-item', (toasts) => toasts.map((toast) => toast.textContent));
  }

  toast(text, patience) {
    return this.until(`a message with "${text}"`, async () => (await this.toasts()).find((toast) => toast.includes(text)), patience);
  }

  async clearToasts() {
    await this.command('Notifications: Clear All Notifications');
  }

  /** The rows of the menu of actions at the cursor, after it was opened. */
  async actions() {
    await this.focusText();
    const rows = this.page.locator('.action-widget .monaco-list-row');
    await this.until('the menu of actions', async () => {
      if ((await rows.count()) > 0) {
        return true;
      }
      await this.key('Control+.');
      await rows.first().waitFor({ timeout: 3000 });
      return true;
    });
    return this.page.$$eval('.action-widget .monaco-list-row', (rows) => rows.map((row) => row.textContent.trim()));
  }

  async clickAction(title) {
    const row = this.page.locator('.action-widget .monaco-list-row.action', { hasText: title }).first();
    await row.waitFor();
    await this.clickUntil(`"${title}" picked`, row, async () => !(await row.isVisible()));
  }

  /** The rows of the trees in the side bar. */
  rows() {
    return this.page.$$eval('.part.sidebar .monaco-list-row', (rows) => rows.map((row) => row.textContent.trim()));
  }

  row(text, patience) {
    return this.until(`"${text}" in the side bar`, async () => (await this.rows()).find((row) => row.includes(text)), patience);
  }

  /**
   * Opens an input box by the menu of a row in the side bar. A menu takes no click in its first moments, and a list that is
   * drawn anew closes it: each step is taken again until the box is there.
   */
  async boxFromMenuOf(row, action) {
    const item = this.page.locator('.context-view .action-label', { hasText: action });
    const box = this.page.locator(`${QUICK} input`).first();
    await this.until(`a box after "${action}"`, async () => {
      if (await box.isVisible()) {
        return true;
      }
      if (!(await item.isVisible())) {
        await this.page.locator('.part.sidebar .monaco-list-row', { hasText: row }).first().click({ button: 'right', timeout: 2000 });
      }
      await item.click({ timeout: 2000 });
      await box.waitFor({ timeout: 2000 });
      return true;
    });
  }

  /** A row of a section of the side bar. */
  inSection(section, row) {
    const pane = this.page.locator('.part.sidebar .pane', { has: this.page.locator(`.pane-header[aria-label^="${section}"]`) });
    return pane.locator('.monaco-list-row', { hasText: row }).first();
  }

  /** Clicks an action that stands in a row of a section of the side bar, until `effect` is seen. */
  async clickInRow(section, row, action, effect) {
    const it = this.inSection(section, row);
    await this.until(`what "${action}" of "${row}" does`, async () => {
      if (await effect()) {
        return true;
      }
      await it.hover({ timeout: 2000 });
      await it.locator(`.action-label[aria-label^="${action}"]`).click({ timeout: 2000 });
      const soon = Date.now() + 5000;
      while (Date.now() < soon) {
        if (await effect()) {
          return true;
        }
        await this.page.waitForTimeout(50);
      }
      return false;
    });
  }

  tabs() {
    return this.page.$$eval('.tab', (tabs) => tabs.map((tab) => tab.getAttribute('aria-label')));
  }

  /** Closes every editor; what was not saved is given up. */
  async closeAll() {
    for (let open = (await this.tabs()).length; open > 0; open = (await this.tabs()).length) {
      await this.command('View: Revert and Close Editor');
      const before = open;
      await this.until('an editor closed', async () => (await this.tabs()).length < before);
    }
  }

  screenshot(path) {
    return this.page.screenshot({ path });
  }
}
