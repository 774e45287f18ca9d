/** Whichever command comes next finishes the killed one. */
import test from 'ava';
import { attach } from '../../src/control/endpoint/attach.js';
import { detach } from '../../src/control/endpoint/detach.js';
import { expectState, faultPoints, killAt, withFixture } from './helpers/scenario.js';
import { ATTACHES, DETACHES, OTHERS } from './helpers/scenarios.js';

for (const scenario of [...ATTACHES, ...DETACHES, ...OTHERS]) {
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
