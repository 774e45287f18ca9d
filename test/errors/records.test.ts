/**
 * Both records of a node, lost or damaged in every way: the message names the damage, and its remedy works.
 * All cases use one node, as each ends healthy.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Lab, openLab, run } from '../system/helpers/lab.js';

let lab: Lab;
let one: string;
test.before(async (t) => {
  t.timeout(120_000);
  lab = await openLab();
  one = await lab.container('a');
  await lab.must('network', 'add', 'lan', '--subnet', '10.61.0.0/24', '--gateway');
  await lab.must('attach', one, '--network', 'lan');
});
test.after.always(() => lab?.close());

type Damage = (path: string) => void;

const fifo: Damage = (path) => void spawnSync('mkfifo', [path]);
const replace =
  (make: Damage): Damage =>
  (path) => {
    rmSync(path, { recursive: true, force: true });
    make(path);
  };
const rewrite =
  (change: (text: string) => string): Damage =>
  (path) =>
    writeFileSync(path, change(readFileSync(path, 'utf8')));

const FILE_DAMAGES: Readonly<Record<string, Damage>> = {
  lost: (path) => rmSync(path),
  empty: rewrite(() => ''),
  truncated: rewrite((text) => text.slice(0, text.length / 2)),
  'of another version': rewrite((text) => text.replace('"version": 1', '"version": 7')),
  'a directory': replace((path) => mkdirSync(join(path, 'deep'), { recursive: true })),
  'a FIFO': replace(fifo),
  'a link': replace((path) => symlinkSync('/etc/passwd', path)),
  'of another user': (path) => chownSync(path, 65534, 65534),
  'open to others': (path) => chmodSync(path, 0o666),
};

const RECORDS = ['run/dpctl/endpoints.json', 'var/lib/dpctl/state.json'] as const;

interface Problems {
  readonly problems: readonly { readonly message: string; readonly fix: string }[];
}

/** What status reports for a damage: problems, or the error that stops it. */
async function said(): Promise<{ readonly text: string; readonly fix: string }> {
  const ran = await lab.dpctl(['status', '-o', 'json']);
  if (ran.code === 5) {
    const { msg, hint } = JSON.parse(ran.stderr) as { msg: string; hint: string };
    return { text: msg, fix: hint };
  }
  const { problems } = JSON.parse(ran.stdout || '{"problems":[]}') as Problems;
  const [first] = problems;
  return { text: problems.map(({ message }) => message).join('\n'), fix: first?.fix ?? '' };
}

/** The commands of a remedy that move something away or repair it, exactly as printed. */
function commandsOf(fix: string): string[] {
  return fix.match(/\b(rm|rm -r|chown root:|chmod go-w) \/[^\s,;)]+/g) ?? [];
}

async function namedAndMended(t: ExecutionContext, path: string, how: string): Promise<void> {
  const what = `${path} ${how}`;
  const { text, fix } = await said();
  t.true(text.includes(path), `${what}: status says "${text}"`);
  for (const command of commandsOf(fix)) {
    t.true(command.includes(path), `${what}: ${command}`);
    t.is((await run(['sh', '-c', command])).code, 0, command);
  }
  const repaired = await lab.dpctl(['reconcile']);
  t.is(repaired.code, 0, `${what}: ${repaired.stderr}`);
  const after = await lab.dpctl(['status']);
  t.is(after.code, 0, `${what}: ${after.stdout}${after.stderr}`);
}

async function talks(t: ExecutionContext): Promise<void> {
  const { code, stdout } = await lab.inside(one, ['ping', '-c', '1', '-W', '2', '10.61.0.1']);
  t.is(code, 0, stdout);
}

/** How the second record is damaged: one case of each kind, as the same code reads all. */
const SECOND: ReadonlySet<string> = new Set(['lost', 'truncated', 'a link']);

for (const [place, record] of RECORDS.entries()) {
  test.serial(`${basename(record)}, however it is damaged`, async (t) => {
    t.timeout(300_000);
    const path = join(lab.root, record);
    const good = readFileSync(path, 'utf8');
    for (const [how, damage] of Object.entries(FILE_DAMAGES)) {
      if (place > 0 && !SECOND.has(how)) continue;
      damage(path);
      if (how === 'of another version') {
        const { text, fix } = await said();
        t.true(text.startsWith(`${path} has version 7`), text);
        t.regex(fix, /use the newer dpctl/);
        writeFileSync(path, good);
        continue;
      }
      await namedAndMended(t, path, how);
    }
    await talks(t);
  });
}

const BPF = 'run/dpctl/bpf';

/** Paths of the pins of maps or programs. */
function pins(kind: 'maps' | 'programs'): string[] {
  const dir = join(lab.root, BPF, kind);
  const dirs = kind === 'maps' ? [dir] : readdirSync(dir).map((build) => join(dir, build));
  return dirs.flatMap((each) => readdirSync(each).map((name) => join(each, name)));
}

/** Each has the name of the previous one. */
function rotate(paths: readonly string[]): void {
  const [first = '', ...others] = paths;
  renameSync(first, `${first}x`);
  let free = first;
  for (const path of others) {
    renameSync(path, free);
    free = path;
  }
  renameSync(`${first}x`, free);
}

const each =
  (harm: Damage) =>
  (paths: readonly string[]): void =>
    paths.forEach(harm);

/** A BPF file system holds only pins, directories and links. */
const PIN_DAMAGES: readonly (readonly [string, (paths: readonly string[]) => void])[] = [
  ['lost', each((path) => rmSync(path))],
  ['directories', each(replace((path) => mkdirSync(join(path, 'deep'), { recursive: true })))],
  ['links', each(replace((path) => symlinkSync('/etc/passwd', path)))],
  ['those of others', rotate],
];

test.serial('lost or replaced pins', async (t) => {
  t.timeout(300_000);
  const [maps, programs] = [pins('maps'), pins('programs')];
  t.true(maps.length > 20 && programs.length > 1);
  const rounds = PIN_DAMAGES.map(([how, harm]) => ({
    how,
    harm: () => [maps, programs].forEach(harm),
    paths: [...maps, ...programs],
  }));
  const alone = [...programs, join(lab.root, BPF, 'maps/dp_config_v1')].map((path) => ({
    how: 'alone',
    harm: () => rmSync(path),
    paths: [path],
  }));
  for (const { how, harm, paths } of [...rounds, ...alone]) {
    harm();
    const { text } = await said();
    for (const path of paths) t.true(text.includes(`${path} is `), `${path} ${how}: ${text}`);
    const repaired = await lab.dpctl(['attach', one, '--network', 'lan']);
    t.is(repaired.code, 0, `${how}: ${repaired.stderr}`);
    t.is((await lab.dpctl(['reconcile'])).code, 0, how);
    const after = await lab.dpctl(['status']);
    t.is(after.code, 0, `${how}: ${after.stdout}${after.stderr}`);
  }
  await talks(t);
});

test.serial('lock and build files that were replaced by something else', async (t) => {
  t.timeout(120_000);
  const { 'a directory': directory, 'a FIFO': pipe, 'a link': link } = FILE_DAMAGES;
  for (const [name, damage] of [
    ['build', directory],
    ['build', pipe],
    ['lock', directory],
    ['lock', link],
  ] as const) {
    const path = join(lab.root, 'run/dpctl', name);
    damage?.(path);
    await namedAndMended(t, path, name);
  }
});
