import type { Effort, Measure } from './measure.js';
import type { Stage } from './stage.js';
/** x */
export async function floodMeasures(_stage: Stage, _effort: Effort): Promise<Measure[]> {
  return [];
}
