/**
 * Each change fails and is killed at each of its steps: afterwards everything is as before, or one reconcile
 * or the next command finishes it. All tests of a change share its fixture.
 */
import test from 'ava';
import { DpctlError } from '../../loader/errors.js';
import { attach } from '../../src/control/endpoint/attach.js';
import { detach } from '../../src/control/endpoint/detach.js';
import { reconcile } from '../../src/control/node/reconcile.js';
import { hintText } from '../../src/model/hint.js';
import { differences } from '../helpers/snapshot.js';
import { OVERLAYS } from './helpers/overlay.js';
import { chosen, chosenHalf } from './helpers/sample-points.js';
import {
  closeFixture,
  expectState,
  failAt,
  failHere,
  faultPoints,
  killAt,
  withFixture,
} from './helpers/scenario.js';
import { ATTACHES, DETACHES, OTHERS } from './helpers/scenarios.js';

/** All but the changes of the overlay, which another attach does not finish. */
const LOCAL = [...ATTACHES, ...DETACHES, ...OTHERS];
/** One change of each kind of undo. */
const UNDONE = new Set([...ATTACHES.slice(0, 4), ...OTHERS.slice(0, 1), ...OVERLAYS.slice(0, 3)]);

test.after.always(closeFixture);

for (const scenario of [...chosenHalf(LOCAL), ...chosenHalf(OVERLAYS)]) {
  // Afterwards everything is as before, byte for byte.
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

  // kill -9, then one reconcile: exactly the requested state.
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
    }),
  );

  if (LOCAL.includes(scenario)) {
    // Whichever command comes next finishes the killed one.
    test.serial(`${scenario.title}: killed, and finished by the next command`, (t) =>
      withFixture(t, scenario, async (fixture) => {
        const { lab, node, network } = fixture;
        const other = await lab.container('o');
        const points = faultPoints(fixture).slice(1, -1);
        const middle = points[points.length >> 1] ?? 'store.ready';
        for (const point of [points[0] ?? middle, middle, points.at(-1) ?? middle]) {
          await killAt(t, fixture, point);
          await attach(node, { ns: other, network });
          await scenario.check?.(fixture);
          await detach(node, { ns: other });
          await expectState(t, fixture, fixture.after, `killed at ${point}, then another attach`);
          await scenario.back(fixture);

          await killAt(t, fixture, point);
          await scenario.apply(fixture);
          await expectState(t, fixture, fixture.after, `killed at ${point}, then repeated`);
          await scenario.back(fixture);
        }
      }),
    );
  }

  if (!UNDONE.has(scenario)) continue;
  // A failed change that cannot be undone is reported, and one reconcile repairs it.
  test.serial(`${scenario.title}: fails, and cannot be taken back`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      const last = fixture.steps - 1;
      const steps = Array.from({ length: last }, (_, step) => String(step));
      for (const broken of chosen(steps)) {
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
    }),
  );

  test.serial(`${scenario.title}: fails, and is killed while it is taken back`, (t) =>
    withFixture(t, scenario, async (fixture) => {
      const last = fixture.steps - 1;
      const points = Array.from({ length: Math.ceil(last / 3) }, (_, index) => String(index * 3));
      for (const point of chosen(points)) {
        const env = { DPCTL_FAULT_ERROR: `step.${last}`, DPCTL_FAULT: `undo.${point}` };
        t.is((await fixture.lab.dpctl(scenario.command(fixture), { env })).code, 255);
        await reconcile(fixture.node);
        await expectState(t, fixture, fixture.after, `killed at undo.${point}, reconciled`);
        await scenario.check?.(fixture);
        await scenario.back(fixture);
      }
    }),
  );
}
