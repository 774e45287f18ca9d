/** Each step of each change fails once: afterwards everything is as before, byte for byte. */

import test from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { hintText } from '../../src/model/hint.js';
import { differences } from '../helpers/snapshot.js';
import { OVERLAYS } from './helpers/overlay.js';
import { expectState, failAt, failHere, faultPoints, withFixture } from './helpers/scenario.js';
import { ATTACHES, DETACHES, OTHERS } from './helpers/scenarios.js';

for (const scenario of [...ATTACHES, ...DETACHES, ...OTHERS, ...OVERLAYS]) {
  test.serial(`${scenario.title}: a step that fails changes nothing`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      const { code, stdout, stderr } = await failAt(fixture, 'step.0');
      t.is(code, 2, stderr);
      t.is(stdout, '');
      t.regex(stderr, /^error\[FAULT\]: asked to fail at step\.0 by DPCTL_FAULT_ERROR$/m);
      t.deepEqual(differences(fixture.before, await fixture.look()), [], 'failed as a command');

      for (const point of faultPoints(fixture).filter((name) => name !== 'done')) {
        const error = await failHere(fixture, point);
        if (!(error instanceof DpctlError)) throw error;
        t.is(error.code, 'FAULT');
        if (error.details.unfinished !== true) {
          t.deepEqual(differences(fixture.before, await fixture.look()), [], `failed at ${point}`);
          continue;
        }
        // A deleted device has lost all settings: from then on the change can only be finished.
        t.true(scenario.destroys === true, `${point}: nothing was destroyed`);
        t.regex(error.message, /^asked to fail .*; the change is half done$/);
        t.is(hintText(error.hint), 'dpctl reconcile');
        await fixture.lab.must('reconcile');
        await expectState(t, fixture, fixture.after, `failed at ${point}, reconciled`);
        await scenario.back(fixture);
      }
    }),
  );
}
