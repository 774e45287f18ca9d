import type { Command } from '../command-spec.js';

export const BENCH = {
  path: 'bench',
  summary: 'compare with a Linux bridge, on this machine',
  description: [
    'Measures dpctl, a Linux bridge and a bare veth pair side by side in namespaces of their own: traffic, the cost of programs, the control plane. Everything is removed afterwards.',
    'Only ratios between subjects of one run are meaningful; if the rounds vary too much, no difference is claimed. Run it on an idle machine. See docs/bench.md.',
  ],
  examples: [
    { line: 'dpctl bench --quick', text: 'a first impression, in less than three minutes' },
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
      summary: 'run only these: control, program, same-node, overlay',
      default: 'all of them',
      common: true,
    },
    {
      name: 'html',
      type: 'text',
      placeholder: 'FILE',
      summary: 'write a self-contained report with plots to FILE',
      common: true,
    },
    {
      name: 'compare',
      type: 'text',
      placeholder: 'FILE',
      summary: 'compare with an earlier run in JSON; the exit code is 4 if something got worse',
      common: true,
    },
  ],
  schemas: ['bench figure', 'bench goal', 'bench move'],
} as const satisfies Command;
