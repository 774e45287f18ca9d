import test from 'ava';
import {
  editLabels,
  isLabelKey,
  isLabelValue,
  ownerText,
} from '../../src/model/endpoint/labels.js';
import { hintText } from '../../src/model/hint.js';
import { invariants } from '../../src/model/state/invariants.js';
import { attach, refusal, withNetworks } from './helpers.js';

const base = withNetworks({ name: 'default', subnets: ['10.201.0.0/16'] });

const COMMAND = { run: ['attach', 'ns1'] };

test('keys and values are those of Kubernetes', (t) => {
  const long = 'a'.repeat(63);
  for (const key of ['a', 'App', 'a-b_c.d', long, 'example.com/app', 'k8s.io/a', '0/1']) {
    t.true(isLabelKey(key), key);
  }
  const keys = ['', '-a', 'a-', '_a', 'a b', `${long}a`, '/a', 'a/', 'a/b/c', 'Up.com/a', 'a..b/c'];
  for (const key of [...keys, `${'a.'.repeat(127)}/b`, 'ä']) t.false(isLabelKey(key), key);
  t.true(isLabelKey(`${'a.'.repeat(126)}a/b`));
  for (const value of ['', 'v', 'V-1_2.3', long]) t.true(isLabelValue(value), value);
  for (const value of ['-', 'v-', `${long}a`, 'a=b', 'a/b', ' '])
    t.false(isLabelValue(value), value);
});

test('labels are set, replaced and removed; others stay', (t) => {
  const first = attach(base, 1, { labels: ['tier=web', 'app=shop', 'empty='] });
  t.deepEqual(Object.entries(first.endpoint.labels ?? {}), [
    ['app', 'shop'],
    ['empty', ''],
    ['tier', 'web'],
  ]);
  t.deepEqual(invariants(first.state), []);
  t.false(attach(first.state, 1, { labels: ['app=shop', 'gone-'] }).changed);
  t.false(attach(first.state, 1).changed);
  const second = attach(first.state, 1, { labels: ['app=bank', 'tier-'] });
  t.true(second.changed);
  t.deepEqual(second.endpoint.labels, { app: 'bank', empty: '' });
  const none = attach(second.state, 1, { labels: ['app-', 'empty-'] });
  t.false('labels' in none.endpoint, 'as one that never had any');
});

test('a malformed label is refused, with what is wrong with it', (t) => {
  const cases: readonly [string[], RegExp][] = [
    [['app'], /^label "app": it has no value/],
    [['=x'], /^label "=x": a key is/],
    [['-'], /^label "-": a key is/],
    [['a b=x'], /a key is/],
    [['app=-x'], /^label "app=-x": a value is/],
    [['app=a=b'], /a value is/],
    [['app=1', 'app-'], /app is given twice/],
  ];
  for (const [labels, message] of cases) {
    const error = refusal(() => attach(base, 1, { labels }));
    t.is(error.code, 'LABEL_INVALID');
    t.is(error.exitCode, 1);
    t.regex(error.message, message);
    t.regex(hintText(error.hint), /^dpctl attach \S+ --label app=web/);
  }
  const { state, endpoint } = attach(base, 1);
  const bad = { ...state, endpoints: [{ ...endpoint, labels: { '-': 'x' } }] };
  t.is(invariants(bad)[0]?.subject, 'endpoints[0].labels');
});

test('labels come out sorted, in whatever order they were asked for', (t) => {
  const texts = ['b=1', 'a=2', 'c=3'];
  const one = editLabels(undefined, texts, COMMAND);
  t.deepEqual(JSON.stringify(one), JSON.stringify(editLabels(one, texts.reverse(), COMMAND)));
});

test('who made an endpoint stays its owner, until it is detached', (t) => {
  const owner = { kind: 'cni', config: 'pods', container: 'c1', ifname: 'eth0' } as const;
  const made = attach(base, 1, { owner });
  t.deepEqual(made.endpoint.owner, owner);
  t.deepEqual(attach(made.state, 1, { labels: ['a=1'] }).endpoint.owner, owner);
  t.deepEqual(attach(made.state, 1, { owner: { kind: 'lab', lab: 'x' } }).endpoint.owner, owner);
  t.is(attach(attach(base, 1).state, 1, { owner }).endpoint.owner, undefined);
  const leaving = { ...made.endpoint, phase: 'detaching' as const };
  const back = attach({ ...made.state, endpoints: [leaving] }, 1);
  t.false('owner' in back.endpoint);
  t.deepEqual([undefined, owner, { kind: 'lab', lab: 'x' } as const].map(ownerText), [
    'person',
    'cni/pods/c1/eth0',
    'lab/x',
  ]);
});
