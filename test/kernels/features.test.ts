/** Kernel features that dpctl uses, as users see them; the message for a kernel that lacks too much. */
import test from 'ava';
import { hasFeature } from '../../loader/probe.js';
import { refused } from '../errors/helpers/refusal.js';
import { openLab } from '../system/helpers/lab.js';

interface Row {
  readonly feature: string;
  readonly here: boolean;
  readonly required: boolean;
  readonly without: string;
}

test.serial('the features of this kernel are listed, with the fallbacks', async (t) => {
  const lab = await openLab();
  t.teardown(() => lab.close());
  const env = { DPCTL_PROBE_DISABLE: 'bpf_loop' };
  const { code, stdout } = await lab.dpctl(['status', '--features', '-j'], { env });
  const rows = JSON.parse(stdout) as Row[];
  const row = (name: string) => rows.find(({ feature }) => feature === name);
  t.is(code, 4, 'what dpctl needs is missing');
  t.like(row('bpf_loop'), { here: false, required: true, without: 'dpctl refuses to work' });
  t.like(row('tcx'), { here: hasFeature('tcx'), required: false });
  const table = await lab.dpctl(['status', '--features'], { env });
  t.regex(table.stdout, /^bpf_loop +no +5\.17 +dpctl refuses to work$/m);
});

test.serial(
  'on a kernel without a required feature, nothing is changed, and one line says why',
  async (t) => {
    const lab = await openLab();
    t.teardown(() => lab.close());
    const ns = await lab.container('a');
    // A kernel may really lack it: then this test requires nothing else.
    await refused(
      t,
      lab,
      [ns],
      ['attach', ns],
      {
        code: 'KERNEL_TOO_OLD',
        exit: 2,
        message: /does not have .*bpf_loop \(Linux 5\.17\)/,
        hint: /Linux 5\.17 or later/,
      },
      { env: { DPCTL_PROBE_DISABLE: 'bpf_loop' } },
    );
  },
);
