/** Suites run in private namespaces, and are told of what they leave there. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { processesOf } from '../../scripts/test/leaks.js';
import { privateCommand, whyNotPrivate } from '../../scripts/test/private-namespaces.js';
import { type Check, once as checkOnce, testRequiring } from '../helpers/requirements.js';
import { openLab } from '../system/helpers/lab.js';
import { eventually } from '../system/helpers/process.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const OBJECT = join(ROOT, 'dist/test/loader/bpf/link.bpf.o');

/** A sysctl on which no test depends. */
const SYSCTL = '/proc/sys/net/ipv4/conf/default/log_martians';

const namespaces: Check = checkOnce('namespaces', () => whyNotPrivate(ROOT));
const maybe = testRequiring(namespaces);

/** A suite in its namespaces: takes a snapshot, waits for a word, then reports what was added. */
const SUITE = `
  import { execFileSync, spawn } from 'node:child_process';
  import { writeFileSync } from 'node:fs';
  import { leaksSince, processesBeside, snapshot } from '${ROOT}/dist/scripts/test/leaks.js';
  const before = snapshot();
  console.log('ready');
  process.stdin.once('data', async (word) => {
    const sh = (line) => execFileSync('bash', ['-ec', line], { stdio: ['ignore', 'inherit', 'inherit'] });
    await eval('(async () => {' + JSON.parse(word) + '})()');
    console.log(JSON.stringify(await leaksSince(before, processesBeside)));
    process.exit();
  });`;

async function startSuite(): Promise<{
  child: ChildProcess;
  leaks(word: string): Promise<string[]>;
}> {
  const argv = [process.execPath, '--input-type=module', '-e', SUITE];
  const [command, ...args] = privateCommand(ROOT, argv);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error(`the suite said ${first.value}`);
  return {
    child,
    async leaks(word) {
      child.stdin.write(`${JSON.stringify(word)}\n`);
      const line = await lines.next();
      return JSON.parse(line.value) as string[];
    },
  };
}

maybe('changes by others on the machine are no leak of a suite', async (t) => {
  const suite = await startSuite();
  const name = `dp${process.pid}other`;
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const sleeper = spawn('sleep', ['60'], { env: { DPCTL_TEST_RUN: 'of-another-run' } });
  const lab = await openLab();
  const sh = (line: string): string => execFileSync('bash', ['-ec', line], { encoding: 'utf8' });
  try {
    const martians = sh(`cat ${SYSCTL}`).trim();
    await lab.must('attach', await lab.container('a'));
    sh(`for i in 1 2 3 4 5; do ip netns add ${name}$i; ip netns del ${name}$i; done
      ip netns add ${name}
      ip link add ${name}l type veth peer name e0 netns ${name}
      ip addr add 192.0.2.1/24 dev ${name}l
      bpftool prog load ${OBJECT} /sys/fs/bpf/${name}x
      tc qdisc add dev ${name}l clsact
      tc filter add dev ${name}l ingress bpf da pinned /sys/fs/bpf/${name}x
      mkdir -p ${folder}/m /run/${name} /var/lib/${name}
      mount -t tmpfs tmpfs ${folder}/m
      nft add table inet ${name}
      echo $((1 - ${martians})) > ${SYSCTL}`);
    t.deepEqual(await suite.leaks(''), []);
    t.true(existsSync(`/run/netns/${name}`) && existsSync(`/sys/fs/bpf/${name}x`), 'still there');
    sh(`echo ${martians} > ${SYSCTL}`);
  } finally {
    sleeper.kill('SIGKILL');
    await lab.close();
    sh(`set +e; exec 2>/dev/null
      umount ${folder}/m; ip link del ${name}l; ip netns del ${name}; nft delete table inet ${name}
      rm -rf /sys/fs/bpf/${name}x ${folder} /run/${name} /var/lib/${name}; true`);
    suite.child.kill('SIGKILL');
  }
});

maybe('leaks of a suite in its namespaces are reported by kind, and end with them', async (t) => {
  const suite = await startSuite();
  const left = (
    await suite.leaks(`
    sh(\`ip netns add left
      ip link add left0 type veth peer name e0 netns left
      bpftool prog load ${OBJECT} /sys/fs/bpf/left_program
      tc qdisc add dev left0 clsact
      tc filter add dev left0 ingress bpf da pinned /sys/fs/bpf/left_program
      nsenter --net=/run/netns/left tc qdisc add dev e0 clsact
      nsenter --net=/run/netns/left tc filter add dev e0 egress bpf da pinned /sys/fs/bpf/left_program
      mkdir -p /tmp/dp-left /run/dpctl/bpf /var/lib/dpctl /dev/shm/dpb1-left
      mount -t bpf bpf /run/dpctl/bpf
      bpftool map create /run/dpctl/bpf/left_map type array key 4 value 4 entries 1 name left
      nft add table inet left
      ip rule add from 192.0.2.9 lookup 99
      echo 1 > ${SYSCTL}\`);
    spawn('sleep', ['7777'], { env: { DPCTL_TEST_RUN: 'left-${process.pid}' }, detached: true, stdio: 'ignore' });
    spawn('sleep', ['8888'], { env: {}, detached: true, stdio: 'ignore' });
  `)
  ).join('\n');
  for (const line of [
    /^mount \/run\/netns\/left \(nsfs\)$/m,
    /^link left0 \(veth/m,
    /^pin \/sys\/fs\/bpf\/left_program$/m,
    /^bpf tc clsact\/ingress left_program.* on left0$/m,
    /^bpf tc clsact\/egress left_program.* on e0 in \/run\/netns\/left$/m,
    /^mount \/run\/dpctl\/bpf \(bpf\)$/m,
    /^pin \/run\/dpctl\/bpf\/left_map$/m,
    /^file \/tmp\/dp-left$/m,
    /^file \/dev\/shm\/dpb1-left$/m,
    /^file \/run\/dpctl$/m,
    /^file \/var\/lib\/dpctl$/m,
    /^nft table inet left$/m,
    /^rule .*192\.0\.2\.9/m,
    /^sysctl net\/ipv4\/conf\/default\/log_martians: 0 -> 1$/m,
    /^process \d+: sleep 7777$/m,
    /^process \d+: sleep 8888$/m,
  ]) {
    t.regex(left, line);
  }
  suite.child.kill('SIGKILL');
  t.true(await eventually(() => processesOf(`left-${process.pid}`).length === 0, 30_000));
});

maybe(
  'a checkout in a folder that is private to the suite stays visible, and dpctl resets there',
  (t) => {
    const at = mkdtempSync(join(tmpdir(), `dp${process.pid}-checkout-`));
    try {
      mkdirSync(join(at, 'scripts/test'), { recursive: true });
      execFileSync('cp', [
        join(ROOT, 'scripts/test/private-namespaces.sh'),
        join(at, 'scripts/test'),
      ]);
      // Its first command creates /var/lib/dpctl, its last one removes it: a mount there would be busy.
      const dpctl = `${process.execPath} ${ROOT}/dist/dpctl.cjs`;
      const line = `ls ${at}/scripts/test; ls /tmp; ip netns add a; ${dpctl} attach a >&2
      ls -d /var/lib/dpctl; ${dpctl} reset --yes >&2; ls -d /var/lib/dpctl /run/dpctl`;
      const [command, ...args] = privateCommand(at, ['bash', '-c', line]);
      const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
      const name = at.slice('/tmp/'.length);
      t.is(stdout, `private-namespaces.sh\n${name}\n/var/lib/dpctl\n`, stderr);
      t.regex(stderr, /cannot access '\/run\/dpctl'/);
      t.notRegex(stderr, /error\[/);
    } finally {
      rmSync(at, { recursive: true });
    }
  },
);

maybe('an interrupted or killed run leaves no processes', async (t) => {
  const tag = `killed-${process.pid}`;
  const [command, ...args] = privateCommand(ROOT, [
    ...['env', `DPCTL_TEST_RUN=${tag}`, 'bash', '-c', 'setsid sleep 999 & sleep 999'],
  ]);
  const code = `const { spawn } = require('node:child_process');
    spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: 'ignore' });
    setTimeout(() => {}, 60000);`;
  const runner = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  t.true(await eventually(() => processesOf(tag).length >= 3, 30_000));
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  t.true(
    await eventually(() => processesOf(tag).length === 0, 30_000),
    'and no process outlives the runner',
  );
});
