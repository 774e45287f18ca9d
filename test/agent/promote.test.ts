/** An attach through the agent runs its program from a filter first; a link replaces the filter later. */
import { join } from 'node:path';
import test from 'ava';
import { detachLink } from '../../loader/link/attach.js';
import { tcAttach } from '../../loader/link/clsact.js';
import { closeFd } from '../../loader/sys/files.js';
import { inNetns } from '../../loader/sys/netns.js';
import { promoteOne } from '../../src/control/endpoint/promote.js';
import { hostPins, type Node } from '../../src/control/node/node.js';
import { openLink } from '../../src/datapath/hook.js';
import { withProgram } from '../../src/datapath/install.js';
import { CLSACT } from '../../src/datapath/ownership.js';
import { removePin } from '../../src/datapath/pins.js';
import { openLabNode } from '../helpers/node.js';
import { feature, testRequiring } from '../helpers/requirements.js';
import { counters } from '../system/helpers/counters.js';
import { putForeign } from '../system/helpers/foreign.js';
import { type Lab, openLab } from '../system/helpers/lab.js';
import { sleep } from '../system/helpers/process.js';
import { startAgent } from './helpers/agent.js';
import { askSocket } from './helpers/world.js';

/** A row of `dpctl endpoints` and of `dpctl attach`. */
interface Row {
  readonly ns: string;
  readonly id: number;
  readonly ip4: string;
  readonly mac: string;
  readonly ifindex: number;
  readonly host_ifname: string;
  readonly hook: string;
}

/** A row of `dpctl dump progs`. */
interface Program {
  readonly ns: string;
  readonly owner: string;
  readonly hook: string;
}

const PROMOTIONS = 50;
/** Echo requests in a row, a millisecond apart. */
const FRAMES = 1500;

let lab: Lab;
test.beforeEach(async () => {
  lab = await openLab();
});
test.afterEach.always(async () => {
  await lab?.close();
});

const bare = (address: string): string => address.split('/')[0] ?? '';
const fast = (ns: string): Promise<Row> => lab.json<Row>(['attach', ns, '--fast']);
const qdiscs = (device: string) => lab.within(lab.node, 'tc', 'qdisc', 'show', 'dev', device);
const hooks = async (ns: string): Promise<string[]> => {
  const rows = await lab.json<Program[]>(['dump', 'progs']);
  return rows.filter((row) => row.ns === ns && row.owner === 'dpctl').map(({ hook }) => hook);
};

/** Put a filter beside the link of an endpoint, as a promotion that is killed leaves it. */
function addFilter(node: Node, { ifindex }: Row): void {
  withProgram(hostPins(node), 'endpoint', (program) =>
    inNetns(node.netnsFd(), () => tcAttach(program, ifindex, 'ingress', CLSACT)),
  );
}

/** The way back: the filter is there before the link goes. */
function demote(node: Node, row: Row): void {
  addFilter(node, row);
  const path = join(hostPins(node).linksDir, String(row.id));
  const link = openLink(path);
  if (link === undefined) throw new Error(`no link at ${path}`);
  detachLink(link);
  closeFd(link);
  removePin(path);
}

testRequiring(feature('tcx')).serial(
  'no frame is lost or handled twice while links replace filters',
  async (t) => {
    t.timeout(120_000);
    const names = [await lab.container('a'), await lab.container('b')] as const;
    const rows = [await fast(names[0]), await fast(names[1])] as const;
    // Only the test's own frames: the counters must be exact.
    for (const [index, ns] of names.entries()) {
      const { ip4, mac } = rows[1 - index] as Row;
      const neighbour = [bare(ip4), 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent'];
      await lab.within(ns, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1');
      await lab.within(ns, 'ip', 'neigh', 'replace', ...neighbour);
    }
    const node = openLabNode(lab);
    t.teardown(() => node.close());
    const sentBy = async (): Promise<number[]> => {
      const now = await counters(lab);
      return names.map((ns) => now.endpoint(ns, 'tx').packets);
    };
    const before = await sentBy();
    let promotions = 0;
    let sent = 0;
    while (promotions < PROMOTIONS) {
      const words = ['-q', '-i', '0.001', '-c', String(FRAMES), '-W', '5', bare(rows[1].ip4)];
      let going = true;
      const ping = lab.inside(names[0], ['ping', ...words]).finally(() => {
        going = false;
      });
      while (going) {
        // Both ends: a frame of a meets the program of a, and its answer that of b.
        const row = rows[promotions % 2] as Row;
        if (promotions >= 2) demote(node, row);
        await sleep(2);
        t.is((await promoteOne(node))?.plan[0]?.step, 'tc.promote');
        promotions++;
        await sleep(2);
      }
      const { stdout } = await ping;
      const [, transmitted, received] =
        /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
      t.deepEqual([transmitted, received], [String(FRAMES), String(FRAMES)], stdout);
      t.notRegex(stdout, /duplicates|errors/);
      sent += FRAMES;
    }
    t.log(`${promotions} promotions, ${sent} frames there and ${sent} back`);
    const after = await sentBy();
    t.deepEqual(
      after.map((value, index) => value - (before[index] ?? 0)),
      [sent, sent],
    );
  },
);

testRequiring(feature('tcx')).serial(
  'the agent attaches by a filter, and a link replaces it, also after a kill',
  async (t) => {
    const [a, b] = [await lab.container('a'), await lab.container('b')];
    // Without an agent, and without a wish: a link, as ever.
    t.is((await lab.json<Row>(['attach', a])).hook, 'tcx');
    const doomed = await startAgent(t, lab, [], { DPCTL_FAULT: 'promote' });
    const socket = join(lab.root, 'run/dpctl/agent.sock');
    const request = { method: 'POST', path: '/v1/attach', body: { ns: b } };
    const { text, body } = await askSocket(socket, request);
    t.is((body as Partial<Row>).hook, 'clsact', text);
    const [row] = (await lab.json<Row[]>(['endpoints'])).filter(({ ns }) => ns === b);
    if (row === undefined) throw new Error(text);
    t.is((await doomed.ended()).code, 255);
    // Without the agent, a filter is as good.
    t.deepEqual(await hooks(b), ['clsact']);
    t.is((await lab.dpctl(['status'])).code, 0);
    t.deepEqual(await lab.json(['reconcile']), []);
    // Somebody else has a filter there, which stays.
    putForeign(t, lab, row.ifindex, 'watch', { preference: 7 });
    const agent = await startAgent(t, lab);
    await agent.logs(({ look }) => look === 'promote');
    t.deepEqual(await hooks(b), ['tcx']);
    t.regex(
      await lab.within(lab.node, 'tc', 'filter', 'show', 'dev', row.host_ifname, 'ingress'),
      /pref 7/,
    );
    await lab.within(lab.node, 'tc', 'qdisc', 'del', 'dev', row.host_ifname, 'clsact');
    t.is((await lab.dpctl(['status'])).code, 0);
    t.is((await agent.stop()).code, 0);
  },
);

testRequiring(feature('tcx')).serial('a filter beside a link is drift, and goes', async (t) => {
  const a = await lab.container('a');
  const row = await lab.json<Row>(['attach', a]);
  const node = openLabNode(lab);
  t.teardown(() => node.close());
  addFilter(node, row);
  t.regex((await lab.dpctl(['status'])).stdout, /DRIFT/);
  await lab.must('reconcile');
  t.deepEqual(await hooks(a), ['tcx']);
  t.notRegex(await qdiscs(row.host_ifname), /clsact/);
  t.is((await lab.dpctl(['status'])).code, 0);
});
