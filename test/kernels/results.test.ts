/** The kernel matrix judges the results of its guests. */
import test from 'ava';
import { readResult, verdictOf } from '../../scripts/kernels/results.js';
import { countKernel, withGuests } from '../../scripts/kernels/suite.js';
import { markdown, summary } from '../../scripts/kernels/tables.js';

const feature = (name: string, here: boolean) => ({
  feature: name,
  here,
  required: true,
  since: '5.17',
  without: 'dpctl refuses to work',
});
const part = (name: string, failed: number) => ({
  part: name,
  passed: 3,
  failed,
  skipped: 1,
  seconds: 5,
  failures: failed > 0 ? [`${name}: it forwards`] : [],
  skips: ['it flies [needs wings]'],
});

function run(name: string, ...lines: readonly object[]) {
  const all = [{ booted: '6.1.0-56-cloud-amd64' }, ...lines];
  return readResult(name, all.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const good = [{ features: [feature('bpf_loop', true)] }, part('load', 0), { leaks: [] }] as const;

test('a kernel works if every part passed and the guest finished', (t) => {
  t.is(verdictOf(run('6.1', ...good, { done: 0 })), 'works');
  t.is(verdictOf(run('6.1', ...good)), 'FAILED', 'it died on the way');
  t.is(verdictOf(run('6.1', ...good, part('packet', 1), { done: 0 })), 'FAILED');
  t.is(verdictOf(run('6.1', { features: [] }, { leaks: [] }, { done: 0 })), 'FAILED', 'no part');
  t.is(verdictOf(run('6.1', ...good, { leaks: ['link dp1'] }, { done: 0 })), 'FAILED');
  t.is(verdictOf(readResult('6.1', '')), 'FAILED', 'it never came up');
});

test('a part with nothing but skipped tests is forgiven where the machine may lack what it needs', (t) => {
  const verdict = (name: string, skipped: number) =>
    verdictOf(run('6.1', ...good, { ...part(name, 0), passed: 0, skipped }, { done: 0 }));
  t.is(verdict('openvswitch', 1), 'works');
  t.is(verdict('openvswitch', 0), 'FAILED', 'it has run no test');
  t.is(verdict('overlay', 1), 'FAILED');
});

test('a kernel is refused where it has to be and nowhere else', (t) => {
  const lines = [
    { features: [feature('bpf_loop', false)] },
    part('refusal', 0),
    { leaks: [] },
    { done: 0 },
  ];
  t.is(verdictOf(run('5.10', ...lines)), 'refused');
  t.is(verdictOf(run('6.1', ...lines)), 'FAILED');
  t.is(verdictOf(run('5.10', ...good, { done: 0 })), 'FAILED', 'the document says otherwise');
});

test('an incomplete line is ignored, and the lines before it count', (t) => {
  const { parts } = readResult('6.1', `${JSON.stringify(part('load', 0))}\n{"part":"pack`);
  t.deepEqual(
    parts.map(({ part: name }) => name),
    ['load'],
  );
});

test('the summary names what failed, the document what was skipped and what is missing', (t) => {
  const results = [run('6.1', ...good, part('packet', 1), { done: 0 }, { total: 61 })];
  const text = summary(results);
  t.regex(
    text,
    /^6\.1 +6\.1\.0-56-cloud-amd64 +FAILED +3 \(1 skipped\) .* 3 \(1 skipped\), 1 FAILED/m,
  );
  t.regex(text, /^6\.1: packet: it forwards$/m);
  const document = markdown(results);
  t.true(document.includes('- it flies [needs wings] (6.1)'));
  t.true(document.includes('| `bpf_loop` | yes | dpctl refuses to work |'));
});

test('a guest counts with all of its tests; one that says nothing is skipped with the reason', (t) => {
  const counted = countKernel(run('6.1', ...good, part('packet', 2), { done: 0 }));
  t.deepEqual(counted.counts, { passed: 6, failed: 2, skipped: 2 });
  t.deepEqual(counted.failures, ['guests: Linux 6.1: packet: it forwards']);
  const died = countKernel(run('6.1', { trouble: 'try 2: ended before its tests had' }));
  t.deepEqual(died.counts, { passed: 0, failed: 0, skipped: 1 });
  t.deepEqual(died.skips, ['guests: Linux 6.1: try 2: ended before its tests had']);
});

test('a guest that passed some tests and ended badly is a failure', (t) => {
  for (const lines of [good, [...good, { done: 1 }], [{ done: 1 }]]) {
    const { counts, failures } = countKernel(run('6.1', ...lines));
    t.is(counts.failed, 1);
    t.regex(failures.join('\n'), /did not come to a good end/);
  }
  const tooOld = [{ features: [feature('bpf_loop', false)] }, part('refusal', 0), { done: 0 }];
  t.is(countKernel(run('6.1', ...tooOld)).counts.failed, 1);
  const again = countKernel(run('6.1', { trouble: 'try 1: not up' }, ...good, { done: 0 }));
  t.deepEqual([again.counts.failed, again.failures], [0, []]);
});

test('what a machine was too slow for is skipped, and a failure before it stays one', (t) => {
  const late = { trouble: 'try 1: not finished after 780 s' };
  const counted = countKernel(run('6.1', ...good, late));
  t.deepEqual([counted.counts.failed, counted.counts.skipped], [0, 2]);
  t.regex(counted.skips.join('\n'), /not finished after 780 s, .*; seen: load/);
  t.is(countKernel(run('6.1', ...good, part('packet', 2), late)).counts.failed, 2);
});

test('guests are booted for who asks for them, by name or beside all suites', (t) => {
  t.true(withGuests([], { DPCTL_TEST_KERNELS: '1' }));
  t.true(withGuests(['guests'], {}));
  t.false(withGuests(['loader'], { DPCTL_TEST_KERNELS: '1' }));
  t.false(withGuests([], {}));
});
