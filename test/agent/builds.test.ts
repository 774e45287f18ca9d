/** A command of another build than the agent's: neither works for the other, and nothing is lost. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { EndpointRow } from '../../src/api/endpoint.js';
import type { Health } from '../../src/api/operations.js';
import { DPCTL, run } from '../system/helpers/lab.js';
import { startReal } from './helpers/real.js';
import { openWorld, type World } from './helpers/world.js';

/** A copy of what is installed, under the name of another build. @returns the path of its dpctl */
function otherBuild(t: ExecutionContext, id: string): string {
  const from = dirname(DPCTL);
  const dir = mkdtempSync(join(tmpdir(), 'dpctl-build-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const dist = join(dir, 'dist');
  mkdirSync(join(dist, 'lib'), { recursive: true });
  cpSync(join(from, 'bpf'), join(dist, 'bpf'), { recursive: true });
  symlinkSync(join(from, '../node_modules'), join(dir, 'node_modules'));
  for (const name of readdirSync(join(from, 'lib'))) {
    cpSync(join(from, 'lib', name), join(dist, 'lib', name));
  }
  const path = join(dist, 'dpctl.cjs');
  cpSync(DPCTL, path);
  install(path, id);
  return path;
}

/** Replace dpctl by a build of that name, as an installation does: whole, by renaming. */
function install(path: string, id: string): void {
  const text = readFileSync(path, 'utf8');
  const [was = ''] = /main-[0-9a-f]+\.cjs/.exec(text) ?? [];
  const lib = join(dirname(path), 'lib');
  cpSync(join(lib, was), join(lib, `main-${id}.cjs`));
  writeFileSync(`${path}.tmp`, text.replaceAll(was, `main-${id}.cjs`), { mode: 0o755 });
  renameSync(`${path}.tmp`, path);
}

async function listed(world: World): Promise<string[]> {
  const { stdout } = await world.dpctl(['endpoints', '-j', '--direct']);
  return (JSON.parse(stdout) as EndpointRow[]).map(({ ns }) => ns).sort();
}

test.serial('a command of another build does its work itself, beside the agent', async (t) => {
  const world = await openWorld();
  try {
    const names = [...'abcd'].map((label) => world.container(label));
    const [a = '', b = '', c = '', d = ''] = await Promise.all(names);
    t.is((await world.dpctl(['attach', a])).code, 0);
    const agent = await startReal(t, world);
    const health = (await world.ask('GET', '/v1/health')).body as Health;
    t.regex(health.build, /^[0-9a-f]{12}$/, 'the agent knows which build it is');
    const other = otherBuild(t, 'ffffffffffff');
    const byOther = async (...words: string[]): Promise<void> => {
      const enter = ['nsenter', `--net=/run/netns/${world.node}`, process.execPath];
      const { code, stderr } = await run([...enter, other, '--root', world.root, ...words]);
      t.is(code, 0, `${words.join(' ')}: ${stderr}`);
    };
    const asked = (): number => agent.output().stderr.split('"operation"').length - 1;
    await byOther('endpoints', '-j');
    await byOther('network', 'add', 'blue', '--subnet', '10.9.0.0/24');
    t.is(asked(), 0, 'the agent was not asked');
    // In turns and at once: each sees what the other has saved.
    t.is((await world.dpctl(['attach', b])).code, 0);
    t.is(asked(), 1, 'its own build asks it');
    const [, own] = await Promise.all([byOther('attach', c), world.dpctl(['attach', d])]);
    t.is(own.code, 0, own.stderr);
    await byOther('detach', b);
    t.deepEqual(await listed(world), [a, c, d].sort());
    t.is((await world.dpctl(['status', '--direct'])).code, 0);
    t.is(agent.output().code, -1, 'the agent lives');
  } finally {
    await world.close();
  }
});
