/** Checks the house rules on every file of the repository and prints a line for each violation. */

import { checkRules, repositoryFiles } from './rules/all.js';
import { violationLine } from './rules/source.js';

const files = repositoryFiles(process.cwd());
const broken = checkRules(files);
for (const violation of broken) console.error(violationLine(violation));
if (broken.length > 0) {
  console.error(`check-imports: ${broken.length} broken rules in ${files.length} files`);
  process.exitCode = 1;
}
