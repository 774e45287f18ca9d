/** Everything that the command line may ask of the bench. */
export { type BenchRequest, bench } from './bench.js';
export { compare as comparison } from './compare.js';
export type { Noise } from './machine.js';
export { type ReportFile, reportFile } from './report/file.js';
export type { BenchResult, FigureResult, SubjectResult } from './result.js';
export type { Progress } from './rounds.js';
export { readResult } from './schema.js';
