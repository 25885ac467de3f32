// Runs the scenarios in one workbench, one after the other. Called by `run`.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Machine } from './machine.mjs';
import { scenarios } from './scenarios.mjs';
import { Workbench } from './workbench.mjs';

const filter = process.argv[2] ?? '';
const shots = process.env.SCREENSHOTS;
mkdirSync(shots, { recursive: true });
const root = mkdtempSync(path.join(tmpdir(), 'pleach-vscode-'));
const machine = await Machine.create(root);
let vs;
let failed = 0;
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
try {
  const begun = Date.now();
  await machine.start();
  vs = await Workbench.open(machine.port, machine.folder);
  await vs.status('Pleach');
  console.log(`the workbench is open, the server runs (${seconds(begun)})`);
  for (const [name, scenario] of Object.entries(scenarios).filter(([name]) => name.includes(filter))) {
    const begun = Date.now();
    const shot = (shown) => vs.screenshot(path.join(shots, `${shown}.png`));
    try {
      await scenario({ vs, machine, shot });
      console.log(`passed  ${name} (${seconds(begun)})`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name} (${seconds(begun)})\n${error.stack}`);
      console.log(`        status bar: ${(await vs.statusbar()).join(' | ')}\n        messages: ${(await vs.toasts()).join(' | ')}`);
      await shot(`failed-${failed}`);
      await vs.key('Escape');
      await vs.clearToasts().catch(() => {});
    }
  }
} finally {
  await vs?.close();
  await machine.stop();
  if (failed === 0) {
    rmSync(root, { recursive: true, force: true });
  } else {
    console.log(`what the programs wrote is in ${root}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
