/** Everything that the command line may ask about what is there. */

export { featureRows } from '../kernel/features.js';
export { DUMP_TABLES, type DumpRow, type DumpTable, dump } from './dump.js';
export { status } from './status.js';
