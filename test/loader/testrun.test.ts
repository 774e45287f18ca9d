import test from 'ava';
import { testRun } from '../../loader/testrun.js';
import { frame, programFd, refusal, withObject } from './helpers/machine.js';

test('a packet goes in and comes out as the program left it', (t) => {
  withObject('sample', {}, (object) => {
    const data = frame(64);
    data[1] = 9;
    const result = testRun(programFd(object, 'sample_xdp'), { data });
    t.is(result.retval, 2); // XDP_PASS
    t.is(result.data.byteLength, 64);
    t.deepEqual([...result.data.subarray(0, 3)], [2, 9, 0]);
    t.is(data[0], 0, 'the input must stay as it was');
  });
});

test('a verdict is signed, the context comes back, the time is told', (t) => {
  withObject('sample', {}, (object) => {
    const ctx = new Uint8Array(192);
    const result = testRun(programFd(object, 'sample_count'), { data: frame(), ctx, repeat: 1000 });
    t.is(result.retval, -1); // TC_ACT_UNSPEC
    t.is(result.ctx.byteLength, 192);
    t.is(new DataView(result.ctx.buffer, result.ctx.byteOffset).getUint32(8, true), 7); // mark
    t.true(result.durationNs > 0 && result.durationNs < 100_000, `${result.durationNs} ns`);
  });
});

test('jumbo packets go through', (t) => {
  withObject('sample', {}, (object) => {
    // Without frags, the maximum is a page minus the headroom of XDP; TC allows more.
    const result = testRun(programFd(object, 'sample_knobs'), { data: frame(3400) });
    t.is(result.data.byteLength, 3400);
  });
});

test('a refusal of the kernel is an error with its name', (t) => {
  withObject('sample', {}, (object) => {
    const short = refusal(() => testRun(programFd(object, 'sample_xdp'), { data: frame(5) }));
    t.regex(short.message, /^bpf_prog_test_run: EINVAL/);
    const ctx = new Uint8Array(192).fill(1);
    t.is(
      refusal(() => testRun(programFd(object, 'sample_count'), { data: frame(), ctx })).exitCode,
      2,
    );
    const room = refusal(() =>
      testRun(programFd(object, 'sample_xdp'), { data: frame(100), dataOutSize: 40 }),
    );
    t.is(room.code, 'KERNEL_ENOSPC');
    t.is(room.details.needed, 100);
  });
});
