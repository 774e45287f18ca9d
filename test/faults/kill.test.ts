/** kill -9 at every step of every change, then one reconcile: exactly the requested state. */
import test from 'ava';
import { reconcile } from '../../src/control/node/reconcile.js';
import { OVERLAYS } from './helpers/overlay.js';
import { expectState, faultPoints, killAt, withFixture } from './helpers/scenario.js';
import { ATTACHES, DETACHES, OTHERS } from './helpers/scenarios.js';

for (const scenario of [...ATTACHES, ...DETACHES, ...OTHERS, ...OVERLAYS]) {
  test.serial(`${scenario.title}: killed anywhere, one reconcile finishes it`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      for (const [index, point] of faultPoints(fixture).entries()) {
        await killAt(t, fixture, point);
        // Some as a command, the others in this process, which is faster and otherwise the same.
        await (index % 4 === 0 ? fixture.lab.must('reconcile') : reconcile(fixture.node));
        // Before the first write, nothing shows that a request was made.
        const asked = point !== 'store.intent';
        const when = `killed at ${point}, reconciled`;
        await expectState(t, fixture, asked ? fixture.after : fixture.before, when);
        if (!asked) continue;
        await scenario.check?.(fixture);
        await scenario.back(fixture);
      }
      await expectState(t, fixture, fixture.before, 'taken back at the end');
    }),
  );
}
