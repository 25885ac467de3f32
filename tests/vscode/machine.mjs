// What a run needs beside the browser: the server of VS Code, the scripted model, the folder that is worked on.

import { spawn, execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';

/** A port that nobody uses. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const SETTINGS = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.startupEditor': 'none',
  'workbench.editor.useModal': 'off',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'chat.disableAIFeatures': true,
  'editor.minimap.enabled': false,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'git.enabled': false,
  'json.schemaDownload.enable': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'files.autoSave': 'off',
  'remote.autoForwardPorts': false,
};

export class Machine {
  /** Lays out a home of its own in `root`: nothing of the person's is read, nothing is left behind. */
  static async create(root) {
    const machine = new Machine(root);
    for (const folder of ['bin', 'ws', 'user/User', 'user/Machine', 'extensions', 'home', 'config', 'state']) {
      mkdirSync(path.join(root, folder), { recursive: true });
    }
    cpSync(path.join(process.env.PLEACH_REPO, 'fixtures/project'), machine.folder, { recursive: true });
    cpSync(process.env.PLEACH_BIN, machine.program);
    machine.modelPort = await freePort();
    machine.port = await freePort();
    writeFileSync(path.join(root, 'user/User/settings.json'), JSON.stringify(SETTINGS));
    machine.settings();
    return machine;
  }

  constructor(root) {
    this.root = root;
    this.folder = path.join(root, 'ws');
    this.program = path.join(root, 'bin/pleach');
    this.children = new Set();
  }

  /** Writes the settings of the machine that VS Code runs on: the program, and a model of this run. */
  settings(more = {}) {
    const settings = {
      'pleach.path': this.program,
      'pleach.engine': 'scripted',
      'pleach.providers': { scripted: { base_url: `http://127.0.0.1:${this.modelPort}/v1`, model: 'scripted-model' } },
      ...more,
    };
    writeFileSync(path.join(this.root, 'user/Machine/settings.json'), JSON.stringify(settings));
  }

  /** Starts the server of VS Code, with the packaged extension. */
  async start() {
    const entry = path.join(process.env.CODE_SERVER, 'node_modules/code-server/out/node/entry.js');
    const config = path.join(this.root, 'config/code-server.yaml');
    writeFileSync(config, `bind-addr: 127.0.0.1:${this.port}\nauth: none\ncert: false\n`);
    const env = {
      ...process.env,
      HOME: path.join(this.root, 'home'),
      XDG_CONFIG_HOME: path.join(this.root, 'config'),
      XDG_DATA_HOME: path.join(this.root, 'home'),
      PLEACH_CONFIG_DIR: path.join(this.root, 'config/pleach'),
      PLEACH_STATE_DIR: path.join(this.root, 'state/pleach'),
      EXTENSIONS_GALLERY: '{"serviceUrl":""}',
      // Nobody is at these: what this machine runs is none of the test's business.
      OLLAMA_HOST: '127.0.0.1:9',
      LLAMA_ARG_PORT: '9',
    };
    const folders = ['--config', config, '--user-data-dir', path.join(this.root, 'user'), '--extensions-dir', path.join(this.root, 'extensions')];
    execFileSync(process.env.NODE_24, [entry, ...folders, '--install-extension', process.env.PLEACH_VSIX], { env, stdio: 'pipe' });
    const run = ['--auth', 'none', '--bind-addr', `127.0.0.1:${this.port}`, '--disable-telemetry', '--disable-update-check'];
    const quiet = ['--disable-getting-started-override', '--ignore-last-opened'];
    const server = this.spawn('code-server', process.env.NODE_24, [entry, ...folders, ...run, ...quiet], { env });
    const healthy = () =>
      new Promise((resolve) => {
        get(`http://127.0.0.1:${this.port}/healthz`, (answer) => {
          answer.resume();
          resolve(answer.statusCode === 200);
        }).on('error', () => resolve(false));
      });
    while (!(await healthy())) {
      if (server.exitCode !== null) {
        throw new Error('code-server ended');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Starts a model that gives `reply`, in the place of the one before. */
  async model(reply, ...options) {
    await this.endModel();
    const file = path.join(this.root, 'reply.md');
    writeFileSync(file, reply);
    this.modelLog = path.join(this.root, `model-${Date.now()}.log`);
    const more = ['--reply', file, '--port', `${this.modelPort}`, '--log', this.modelLog, ...options];
    const child = this.spawn('model', process.env.PLEACH_FAKE_MODEL, more);
    this.running = child;
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error('the model ended')));
    });
  }

  async endModel() {
    const child = this.running;
    this.running = undefined;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }

  /** What the model has seen. */
  seenByModel() {
    return existsSync(this.modelLog) ? readFileSync(this.modelLog, 'utf8') : '';
  }

  /** Ends the language server as a crash would: the only process that runs this run's own copy of it. */
  crash() {
    const program = realpathSync(this.program);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/exe`) === program) {
          process.kill(Number(pid), 'SIGKILL');
          return true;
        }
      } catch {
        // It has ended, or is somebody else's.
      }
    }
    return false;
  }

  /** Lays out a workspace of two folders, and gives its file. */
  severalFolders() {
    mkdirSync(path.join(this.root, 'other'), { recursive: true });
    writeFileSync(path.join(this.root, 'other/other.py'), 'def total(prices):\n    return sum(prices)\n');
    const file = path.join(this.root, 'two.code-workspace');
    writeFileSync(file, JSON.stringify({ folders: [{ path: 'ws' }, { path: 'other' }] }));
    return file;
  }

  readOther(name) {
    return readFileSync(path.join(this.root, 'other', name), 'utf8');
  }

  has(name) {
    return existsSync(path.join(this.folder, name));
  }

  read(name) {
    return readFileSync(path.join(this.folder, name), 'utf8');
  }

  /** Puts a file back to what it was at the beginning. */
  restore(name) {
    cpSync(path.join(process.env.PLEACH_REPO, 'fixtures/project', name), path.join(this.folder, name));
  }

  touch(name) {
    const file = path.join(this.root, name);
    writeFileSync(file, '');
    return file;
  }

  file(name) {
    return path.join(this.root, name);
  }

  spawn(name, command, given, options = {}) {
    const child = spawn(command, given, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = path.join(this.root, `${name}.log`);
    child.stdout.on('data', (data) => appendFileSync(log, data));
    child.stderr.on('data', (data) => appendFileSync(log, data));
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    return child;
  }

  async stop() {
    await Promise.all(
      [...this.children].map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), 3000);
        return ended.then(() => clearTimeout(late));
      }),
    );
  }
}
