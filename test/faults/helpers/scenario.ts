/** Commands that are killed or made to fail at each of their steps, and the required results. */
import type { ExecutionContext } from 'ava';
import type { Node } from '../../../src/control/node/node.js';
import { reconcile } from '../../../src/control/node/reconcile.js';
import { openLabNode } from '../../helpers/node.js';
import { differences, type Snapshot, takeSnapshot } from '../../helpers/snapshot.js';
import { type Lab, openLab, type Ran } from '../../system/helpers/lab.js';
import { chosen, logChoice } from './sample-points.js';

/** What a scenario works with: two endpoints of one network, one to change and one to reach. */
export interface Fixture {
  readonly lab: Lab;
  /** The node in this process, where no separate command is needed. */
  readonly node: Node;
  /** The namespace of the command. It exists unless the scenario creates it. */
  readonly ns: string;
  /** A namespace attached to the same network. */
  readonly peer: string;
  readonly network: string;
}

/** One command and how to check its result. */
export interface Scenario {
  readonly title: string;
  /** Flags of the endpoints' network; the default network if not set. */
  readonly network?: readonly string[];
  /** Prepare the state in which the command starts, from an empty namespace. */
  readonly setUp?: (fixture: Fixture) => Promise<unknown>;
  readonly command: (fixture: Fixture) => readonly string[];
  /** The same change in this process. */
  readonly apply: (fixture: Fixture) => Promise<unknown>;
  /** Undo it. */
  readonly back: (fixture: Fixture) => Promise<unknown>;
  /** Throws unless the result is as requested. */
  readonly check?: (fixture: Fixture) => Promise<unknown>;
  /** Devices or namespaces are deleted, which cannot be undone. */
  readonly destroys?: boolean;
  /** `attach --create` creates the namespace itself. */
  readonly withoutNamespace?: boolean;
}

/** Name of the network for scenarios that need their own. */
const NETWORK = 'blue';

/** A prepared fixture, with the states before and after the command. */
interface Opened extends Fixture {
  readonly scenario: Scenario;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** Number of steps of the command's plan. */
  readonly steps: number;
  look(): Promise<Snapshot>;
}

/** A prepared fixture, and how to remove it. */
interface Standing {
  readonly scenario: Scenario;
  readonly fixture: Opened;
  readonly close: () => Promise<void>;
}

let standing: Standing | undefined;

/**
 * Run a test on a scenario's fixture. It is prepared for the scenario's first test and kept for the next
 * ones, so a test must leave it as it was; after a failed test the next one gets a new fixture.
 * @param use gets the fixture, after its command ran there and back once
 */
export async function withFixture(
  t: ExecutionContext,
  scenario: Scenario,
  use: (fixture: Opened) => Promise<void>,
): Promise<void> {
  t.timeout(300_000);
  logChoice(t);
  if (standing?.scenario !== scenario) {
    await closeFixture();
    standing = await openFixture(t, scenario);
  }
  const { fixture } = standing;
  try {
    await use(fixture);
    await expectState(t, fixture, fixture.before, 'taken back at the end');
  } catch (error) {
    await closeFixture();
    throw error;
  }
}

/** Remove the fixture that was kept, if any: at the end of a file. */
export async function closeFixture(): Promise<void> {
  const last = standing;
  standing = undefined;
  await last?.close();
}

/** Prepare a scenario, and run its command there and back once. */
async function openFixture(t: ExecutionContext, scenario: Scenario): Promise<Standing> {
  const lab = await openLab();
  let node: Node | undefined;
  const close = async (): Promise<void> => {
    node?.close();
    await lab.close();
  };
  try {
    const peer = await lab.container('peer');
    const ns = await lab.container('x');
    if (scenario.withoutNamespace) await lab.within(lab.node, 'ip', 'netns', 'del', ns);
    const network = scenario.network === undefined ? 'default' : NETWORK;
    if (scenario.network !== undefined) {
      await lab.must('network', 'add', network, ...scenario.network);
    }
    await lab.must('attach', peer, '--network', network);
    node = openLabNode(lab);
    const fixture: Fixture = { lab, node, ns, peer, network };
    await scenario.setUp?.(fixture);
    const look = (): Promise<Snapshot> => takeSnapshot(lab, [ns, peer]);
    const before = await look();
    const rows = await lab.json<unknown[]>([...scenario.command(fixture), '--dry-run']);
    t.deepEqual(differences(before, await look()), [], 'a dry run changes nothing');
    await scenario.apply(fixture);
    const after = await look();
    await scenario.check?.(fixture);
    await scenario.back(fixture);
    t.deepEqual(differences(before, await look()), [], 'there and back is as before');
    return {
      scenario,
      close,
      fixture: { ...fixture, scenario, before, after, steps: rows.length, look },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Named points at which the command can be stopped: see {@link chosen}. */
export function faultPoints({ steps }: Opened): string[] {
  const numbered = Array.from({ length: steps }, (_, index) => `step.${index}`);
  return chosen(['store.intent', ...numbered, 'store.ready', 'done']);
}

/** Run the command and kill it at a point. */
export async function killAt(t: ExecutionContext, fixture: Opened, point: string): Promise<void> {
  const ran = await fixture.lab.dpctl(fixture.scenario.command(fixture), {
    env: { DPCTL_FAULT: point },
  });
  t.is(ran.code, 255, `killed at ${point}: ${ran.stderr}`);
  t.is(ran.stdout + ran.stderr, '', `nothing is said at ${point}`);
}

/** Run the command and make it fail at a point. */
export function failAt(fixture: Opened, point: string): Promise<Ran> {
  return fixture.lab.dpctl(fixture.scenario.command(fixture), {
    env: { DPCTL_FAULT_ERROR: point },
  });
}

/** The same in this process. @returns the error */
export async function failHere(fixture: Opened, point: string): Promise<unknown> {
  process.env.DPCTL_FAULT_ERROR = point;
  try {
    await fixture.scenario.apply(fixture);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    delete process.env.DPCTL_FAULT_ERROR;
  }
}

/** The state must be the named one, the node healthy, and nothing left to do. */
export async function expectState(
  t: ExecutionContext,
  fixture: Opened,
  expected: Snapshot,
  when: string,
): Promise<void> {
  t.deepEqual(differences(expected, await fixture.look()), [], when);
  const again = await reconcile(fixture.node, { dryRun: true });
  t.deepEqual(again.plan, [], `${when}: nothing is left to do`);
  t.false(again.changed, `${when}: nothing is left to record`);
}

/** One ping from the namespace to an address. */
export async function ping(fixture: Fixture, address: string): Promise<void> {
  await fixture.lab.within(fixture.ns, 'ping', '-c', '1', '-W', '1', address);
}
