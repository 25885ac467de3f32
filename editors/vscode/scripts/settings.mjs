// Writes the settings that VS Code offers into package.json, from the schema of pleach.toml.
//
//   node scripts/settings.mjs           writes them
//   node scripts/settings.mjs --check   fails where they are not what the schema says

import { readFileSync, writeFileSync } from 'node:fs';

const manifestFile = new URL('../package.json', import.meta.url);
const schema = JSON.parse(readFileSync(new URL('../../../docs/pleach.schema.json', import.meta.url), 'utf8'));

/** What VS Code shows of a value; references are written out. */
function shape(value) {
  if (value.$ref !== undefined) {
    const { $ref, ...rest } = value;
    return shape({ ...schema.$defs[$ref.replace('#/$defs/', '')], ...rest });
  }
  const { description, format: _format, oneOf, anyOf, properties, additionalProperties, items, ...rest } = value;
  const shown = { ...rest };
  if (description !== undefined) {
    shown.markdownDescription = description;
  }
  // A choice with a word on each.
  if (oneOf !== undefined && oneOf.every((one) => one.const !== undefined)) {
    shown.type = 'string';
    shown.enum = oneOf.map((one) => one.const);
    shown.markdownEnumDescriptions = oneOf.map((one) => one.description ?? '');
  } else if (oneOf !== undefined) {
    shown.oneOf = oneOf.map(shape);
  }
  if (anyOf !== undefined) {
    shown.anyOf = anyOf.map(shape);
  }
  if (properties !== undefined) {
    shown.properties = Object.fromEntries(Object.entries(properties).map(([name, it]) => [name, shape(it)]));
  }
  if (additionalProperties !== undefined) {
    shown.additionalProperties = typeof additionalProperties === 'object' ? shape(additionalProperties) : additionalProperties;
  }
  if (items !== undefined) {
    shown.items = shape(items);
  }
  return shown;
}

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** The keys of a table, with those of the tables in it: `pleach.limits.maxAttempts`. */
function keys(table, prefix) {
  return Object.entries(table.properties).flatMap(([name, value]) => {
    const shown = shape(value);
    const key = `${prefix}.${camel(name)}`;
    const inner = value.$ref === undefined ? undefined : schema.$defs[value.$ref.replace('#/$defs/', '')];
    // What a folder brings along must not choose what is asked, nor widen what is allowed.
    return inner?.properties !== undefined ? keys(inner, key) : [[key, { scope: 'machine', ...shown }]];
  });
}

const text = readFileSync(manifestFile, 'utf8');
const manifest = JSON.parse(text);
const section = manifest.contributes.configuration.find(({ id }) => id === 'pleach.server');
section.properties = Object.fromEntries(keys(schema, 'pleach'));
const wanted = `${JSON.stringify(manifest, null, 2)}\n`;
if (process.argv[2] !== '--check') {
  writeFileSync(manifestFile, wanted);
} else if (wanted !== text) {
  console.error('package.json has not the settings of docs/pleach.schema.json: run `npm run settings`');
  process.exit(1);
}
