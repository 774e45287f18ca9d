/** After any requests in any order, kernel, store and status agree with a simple model. */
import test from 'ava';
import fc from 'fast-check';
import { reset } from '../../src/control/node/reset.js';
import { openLabNode } from '../helpers/node.js';
import { type Lab, openLab, run } from '../system/helpers/lab.js';
import { NAMESPACES } from './helpers/command.js';
import { BEGINNING, COMMANDS } from './helpers/commands.js';
import { newModel } from './helpers/model.js';
import type { World } from './helpers/world.js';

/** Another seed: DPCTL_TEST_SEED=7. The same seed gives the same commands. */
const SEED = Number(process.env.DPCTL_TEST_SEED ?? 20_251);
/** Milliseconds after which no further sequence starts. */
const TIME_LIMIT = Number(process.env.DPCTL_TEST_PROPERTY_MS ?? 60_000);

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after.always(() => lab?.close());

/** Run a sequence on a new node, and remove everything afterwards. */
async function onWorld(use: (world: World) => Promise<void>): Promise<void> {
  const names = new Map(NAMESPACES.map((letter) => [letter, `${lab.node}${letter}`]));
  for (const name of names.values()) await run(['ip', 'netns', 'add', name]);
  const node = openLabNode(lab);
  try {
    await use({ lab, node, names });
  } finally {
    await reset(node);
    node.close();
    for (const name of names.values()) await run(['ip', 'netns', 'del', name]);
  }
}

test.serial('random commands against a model', async (t) => {
  t.timeout(600_000);
  t.log(`DPCTL_TEST_SEED=${SEED}`);
  let sequences = 0;
  // After its time-out, fast-check abandons a sequence that is still running.
  let last: Promise<void> = Promise.resolve();
  const assertion = fc.assert(
    fc.asyncProperty(fc.commands([...COMMANDS], { maxCommands: 40, size: 'max' }), (commands) => {
      last = onWorld(async (world) => {
        sequences++;
        const model = newModel(NAMESPACES);
        // Most commands need a network, so each sequence starts with one.
        for (const command of BEGINNING) await command.run(model, world);
        await fc.asyncModelRun(() => ({ model, real: world }), commands);
      });
      return last;
    }),
    {
      seed: SEED,
      numRuns: 1000,
      interruptAfterTimeLimit: TIME_LIMIT,
      markInterruptAsFailure: false,
      includeErrorInReport: true,
    },
  );
  await assertion.finally(() => last);
  t.log(`${sequences} sequences`);
  t.true(sequences > 0, 'there was time for a sequence');
});
