import test from 'ava';
import { parse as parseYaml } from 'yaml';
import type { EndpointRow } from '../../src/api/endpoint.js';
import type { Output } from '../../src/cli/global-flags.js';
import type { Sink } from '../../src/cli/output.js';
import { type Data, render } from '../../src/cli/render/render.js';
import { ENDPOINT } from '../../src/cli/schemas/control.js';
import { dumpSchema } from '../../src/cli/schemas/dump.js';
import type { Schema } from '../../src/cli/schemas/schema.js';

const ROW: EndpointRow = {
  ns: 'ns1',
  ifname: 'eth0',
  network: 'default',
  vni: 1,
  mac: '0a:58:0a:c9:00:02',
  ip4: '10.201.0.2/16',
  ip6: '',
  mtu: 1500,
  hostIfname: 'dp000001',
  ifindex: 7,
  driver: 'veth',
  id: 1,
  state: 'ready',
  flags: ['lock', 'isolated'],
  allowPrefixes: [],
  owner: 'person',
  labels: [],
};

async function rendered(data: Data, output: Output, color: 'always' | 'never' = 'never') {
  let text = '';
  const sink: Sink = {
    write: (more) => {
      text += more;
    },
    end: () => undefined,
  };
  await render(data, { output, color, env: {} }, sink);
  return text;
}

const list = (rows: Iterable<object> | AsyncIterable<object>, schema: Schema = ENDPOINT): Data => ({
  kind: 'rows',
  schema,
  rows,
});

const SIMPLE: Schema = {
  name: 'simple',
  nameKey: 'name',
  columns: [
    { key: 'name', type: 'text', doc: '' },
    { key: 'age', type: 'number', unit: 's', doc: '' },
    { key: 'longName', json: 'long_name', type: 'list', doc: '' },
    { key: 'on', type: 'boolean', doc: '' },
    { key: 'rest', type: 'text', wide: true, doc: '' },
  ],
};

test('a table has upper-case heads, two spaces, numbers to the right under their unit', async (t) => {
  const rows = [
    { name: 'a', age: 5, longName: ['x', 'y'], on: true, rest: 'r' },
    { name: 'longer', age: 12345, longName: [], on: false, rest: '' },
    { name: '', age: undefined, longName: ['z'], on: undefined },
  ];
  t.is(
    await rendered(list(rows, SIMPLE), 'table'),
    [
      'NAME    AGE(s)  LONG-NAME  ON',
      'a            5  x,y        yes',
      'longer   12345  -          no',
      '-            -  z          -',
      '',
    ].join('\n'),
  );
  t.is(
    await rendered(list(rows.slice(0, 1), SIMPLE), 'wide'),
    ['NAME  AGE(s)  LONG-NAME  ON   REST', 'a          5  x,y        yes  r', ''].join('\n'),
  );
});

test('the endpoints as people see them', async (t) => {
  t.is(
    await rendered(list([ROW]), 'table'),
    [
      'NS   IFNAME  NETWORK  IP4            IP6  MAC                STATE  FLAGS',
      'ns1  eth0    default  10.201.0.2/16  -    0a:58:0a:c9:00:02  ready  lock,isolated',
      '',
    ].join('\n'),
  );
});

test('every cell is one word for awk, also the empty ones', async (t) => {
  const lines = (await rendered(list([ROW]), 'wide')).trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => line.split(/ +/).length),
    [17, 17],
  );
});

test('wide characters take two columns, accents none', async (t) => {
  const rows = [
    { name: '容器', age: 1, longName: [], on: true },
    { name: 'e\u0301', age: 2, longName: [], on: true },
  ];
  t.is(
    await rendered(list(rows, SIMPLE), 'table'),
    [
      'NAME  AGE(s)  LONG-NAME  ON',
      '容器       1  -          yes',
      'e\u0301          2  -          yes',
      '',
    ].join('\n'),
  );
});

test('a name cannot write to the terminal', async (t) => {
  const rows = [{ name: 'a\u001b[31mb\n\u0007\u009b', age: 1, longName: ['\r'], on: true }];
  const table = await rendered(list(rows, SIMPLE), 'table');
  t.true(table.includes('a\\x1b[31mb\\x0a\\x07\\x9b'), table);
  t.is(await rendered(list(rows, SIMPLE), 'name'), 'a\\x1b[31mb\\x0a\\x07\\x9b\n');
  t.is(JSON.parse(await rendered(list(rows, SIMPLE), 'json'))[0].name, rows[0]?.name);
});

test('long values are neither cut nor wrapped', async (t) => {
  const name = 'n'.repeat(500);
  const table = await rendered(list([{ name, age: 1, longName: [], on: true }], SIMPLE), 'table');
  t.true(table.includes(name));
  t.is(table.split('\n').length, 3);
  const yaml = await rendered(list([{ name: 'w '.repeat(200), age: 1 }], SIMPLE), 'yaml');
  t.is(yaml.trimEnd().split('\n').length, 2);
  const shared = { name: 'a', age: 1, flags: ['x'] };
  t.notRegex(await rendered(list([shared, { ...shared, name: 'b' }]), 'yaml'), /[&*]a/);
});

test('heads are bold where colour is on, and there only', async (t) => {
  const rows = [{ name: 'a', age: 1, longName: [], on: true }];
  t.true((await rendered(list(rows, SIMPLE), 'table', 'always')).startsWith('\u001b[1mNAME'));
  t.false((await rendered(list(rows, SIMPLE), 'table')).includes('\u001b'));
});

test('JSON is an array with an object a line, under the keys of the docs', async (t) => {
  const text = await rendered(list([ROW, { ...ROW, ns: 'ns2' }]), 'json');
  t.is(text.trimEnd().split('\n').length, 2);
  const [first, second] = JSON.parse(text);
  t.is(second.ns, 'ns2');
  t.is(first.host_ifname, 'dp000001');
  t.deepEqual(first.allow_prefixes, []);
  t.deepEqual(first.flags, ['lock', 'isolated']);
  t.is(first.mtu, 1500);
  t.false('hostIfname' in first);
});

test('one thing is an object in JSON and YAML, and a list of one elsewhere', async (t) => {
  const one: Data = { kind: 'object', schema: ENDPOINT, row: ROW };
  t.is(JSON.parse(await rendered(one, 'json')).ns, 'ns1');
  t.is(parseYaml(await rendered(one, 'yaml')).host_ifname, 'dp000001');
  t.is(await rendered(one, 'name'), 'ns1\n');
  t.is((await rendered(one, 'table')).split('\n').length, 3);
});

test('an empty list is [] in JSON and YAML, heads in a table and no name', async (t) => {
  t.is(await rendered(list([]), 'json'), '[]\n');
  t.is(await rendered(list([]), 'yaml'), '[]\n');
  t.is(await rendered(list([]), 'name'), '');
  t.is(await rendered(list([], SIMPLE), 'table'), 'NAME  AGE(s)  LONG-NAME  ON\n');
});

test('YAML reads back as what JSON says', async (t) => {
  const rows = [ROW, { ...ROW, ns: 'yes' }, { ...ROW, ns: '012', mac: '00:00:00:00:00:01' }];
  const yaml = parseYaml(await rendered(list(rows), 'yaml'));
  t.deepEqual(yaml, JSON.parse(await rendered(list(rows), 'json')));
});

function* fdb(count: number): Generator<object> {
  for (let index = 0; index < count; index++) {
    const hex = index.toString(16).padStart(6, '0');
    const mac = `02:00:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`;
    yield {
      mac,
      vni: 1,
      network: 'n',
      ns: 'a',
      ifname: 'dp000001',
      ifindex: 7,
      state: 'learned',
      age: 1,
      flags: [],
    };
  }
}

async function* later(rows: Iterable<object>): AsyncGenerator<object> {
  yield* rows;
}

test('a table larger than a batch stays whole and aligned, in every form', async (t) => {
  const count = 10_001;
  const schema = dumpSchema('fdb');
  const json = JSON.parse(await rendered(list(fdb(count), schema), 'json'));
  t.is(json.length, count);
  t.is(json.at(-1).mac, '02:00:00:00:27:10');
  t.deepEqual(JSON.parse(await rendered(list(later(fdb(count)), schema), 'json')), json);
  const lines = (await rendered(list(fdb(count), schema), 'table')).trimEnd().split('\n');
  t.is(lines.length, count + 1);
  t.deepEqual([...new Set(lines.map((line) => line.indexOf('  ')))], [3, 17]);
  t.is((await rendered(list(fdb(count), schema), 'name')).trimEnd().split('\n').length, count);
});
