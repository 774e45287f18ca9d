import type { Command } from '../command-spec.js';

export const BENCH = {
  path: 'bench',
  summary: 'compare with a Linux bridge, on this machine',
  description: [
    'Measures dpctl, a Linux bridge and a bare veth pair side by side in namespaces of their own: traffic, the cost of programs, the control plane. Nothing of it is left afterwards.',
    'Only ratios of what was measured side by side say anything; where rounds scatter too much, no difference is claimed. Quiet the machine first. See docs/bench.md.',
  ],
  examples: [
    { line: 'dpctl bench --quick', text: 'an impression, in less than three minutes' },
    { line: 'dpctl bench --html report.html', text: 'all of it, with plots' },
    { line: 'dpctl bench -o json > before.json', text: 'keep a run ...' },
    { line: 'dpctl bench --compare before.json', text: '... and see what moved since' },
  ],
  args: [],
  flags: [
    { name: 'quick', type: 'boolean', summary: 'fewer figures and rounds', common: true },
    {
      name: 'only',
      type: 'list',
      placeholder: 'SUITE',
      summary: 'some of control, program, same-node, overlay',
      default: 'all of them',
      common: true,
    },
    {
      name: 'html',
      type: 'text',
      placeholder: 'FILE',
      summary: 'write a report with plots to FILE, in one piece',
      common: true,
    },
    {
      name: 'compare',
      type: 'text',
      placeholder: 'FILE',
      summary: 'an earlier run in JSON; exit code 4 when something got worse since',
      common: true,
    },
  ],
  schemas: ['bench figure', 'bench goal', 'bench move'],
} as const satisfies Command;
