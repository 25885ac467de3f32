// Formats the Lua files as stylua.toml says, by StyLua itself.
//
//   node tests/neovim/format.mjs FOLDER_OF_STYLUA [--check]

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [folder, mode] = process.argv.slice(2);
const { CallParenType, Config, IndentType, OutputVerification, QuoteStyle, formatCode } = createRequire(
  path.resolve(folder, 'package.json'),
)('@johnnymorganz/stylua');
const root = new URL('../..', import.meta.url).pathname;

const wanted = Object.fromEntries(
  readFileSync(path.join(root, 'stylua.toml'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' = '))
    .map((line) => line.split(' = '))
    .map(([key, value]) => [key, JSON.parse(value)]),
);
/** StyLua takes it over: each file needs one of its own. */
function config() {
  const config = Config.new();
  config.column_width = wanted.column_width;
  config.indent_type = IndentType[wanted.indent_type];
  config.indent_width = wanted.indent_width;
  config.quote_style = QuoteStyle[wanted.quote_style];
  config.call_parentheses = CallParenType[wanted.call_parentheses];
  return config;
}

let unformatted = 0;
let files = 0;
for (const place of ['editors/neovim', 'tests/neovim']) {
  for (const name of readdirSync(path.join(root, place), { recursive: true }).filter((name) => name.endsWith('.lua'))) {
    const file = path.join(root, place, name);
    const text = readFileSync(file, 'utf8');
    const formatted = formatCode(text, config(), undefined, OutputVerification.Full);
    files += 1;
    if (formatted !== text) {
      unformatted += 1;
      console.log(`${mode === '--check' ? 'not formatted' : 'formatted'}: ${place}/${name}`);
      if (mode !== '--check') {
        writeFileSync(file, formatted);
      }
    }
  }
}
console.log(`${files} Lua files, ${unformatted} of them not as stylua.toml says`);
process.exit(mode === '--check' && unformatted > 0 ? 1 : 0);
