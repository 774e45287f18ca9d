/** A failed change that cannot be undone is reported, and one reconcile repairs it. */

import test from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { reconcile } from '../../src/control/node/reconcile.js';
import { hintText } from '../../src/model/hint.js';
import { OVERLAYS } from './helpers/overlay.js';
import { expectState, failHere, withFixture } from './helpers/scenario.js';
import { ATTACHES, OTHERS } from './helpers/scenarios.js';

const SCENARIOS = [...ATTACHES.slice(0, 4), ...OTHERS.slice(0, 1), ...OVERLAYS.slice(0, 3)];

for (const scenario of SCENARIOS) {
  test.serial(`${scenario.title}: fails, and cannot be taken back`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      const last = fixture.steps - 1;
      for (let broken = 0; broken < last; broken++) {
        const error = await failHere(fixture, `step.${last},undo.${broken}`);
        if (!(error instanceof DpctlError)) throw error;
        t.is(error.code, 'FAULT');
        // The first error is the important one.
        t.regex(error.message, new RegExp(`^asked to fail at step\\.${last} `));
        t.regex(error.message, new RegExp(`half done; undo: asked to fail at undo\\.${broken} `));
        t.is(hintText(error.hint), 'dpctl reconcile');
        await reconcile(fixture.node);
        await expectState(
          t,
          fixture,
          fixture.after,
          `step ${broken} could not be undone, reconciled`,
        );
        await scenario.back(fixture);
      }
      await expectState(t, fixture, fixture.before, 'taken back at the end');
    }),
  );

  test.serial(`${scenario.title}: fails, and is killed while it is taken back`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      const last = fixture.steps - 1;
      for (let point = 0; point < last; point += 3) {
        const env = { DPCTL_FAULT_ERROR: `step.${last}`, DPCTL_FAULT: `undo.${point}` };
        t.is((await fixture.lab.dpctl(scenario.command(fixture), { env })).code, 255);
        await reconcile(fixture.node);
        await expectState(t, fixture, fixture.after, `killed at undo.${point}, reconciled`);
        await scenario.check?.(fixture);
        await scenario.back(fixture);
      }
      await expectState(t, fixture, fixture.before, 'taken back at the end');
    }),
  );
}
