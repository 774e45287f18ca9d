/** Rows written as JSON in chunks equal those that JSON.stringify writes. */
import test from 'ava';
import fc from 'fast-check';
import { bytesToMac } from '../../src/model/address/mac.js';
import { cutRow, rowWriter } from '../../src/observe/dump/json-rows.js';

/** The rows of all chunks, whatever their number. */
function written(add: (put: (chunk: Uint8Array | undefined) => void) => void): string {
  const chunks: string[] = [];
  add((chunk) => {
    if (chunk !== undefined) chunks.push(Buffer.from(chunk).toString());
  });
  return `[${chunks.join(',\n ')}]`;
}

const row = (mac: string, age: number, name: string) => ({
  mac,
  ifname: name,
  ifindex: 7,
  ns: `${name}"age":0,"mac":"`,
  age,
  flags: [name],
});

test('any name, MAC and number are written as JSON.stringify writes them', (t) => {
  const macs = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const rows = fc.array(
    fc.tuple(macs, fc.nat(Number.MAX_SAFE_INTEGER), fc.string({ unit: 'binary' })),
  );
  fc.assert(
    fc.property(rows, (entries) => {
      const text = written((put) => {
        const writer = rowWriter();
        for (const [mac, age, name] of entries) {
          const cut = cutRow(JSON.stringify(row('', 0, name)), 'mac', 'age');
          put(writer.add(cut, mac, 0, age));
        }
        put(writer.end());
      });
      const wanted = entries.map(([mac, age, name]) =>
        JSON.stringify(row(bytesToMac(mac), age, name)),
      );
      t.is(text, `[${wanted.join(',\n ')}]`);
    }),
  );
});

test('many rows come in several chunks, a row longer than a chunk in one of its own', (t) => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const short = cutRow(JSON.stringify(row('', 0, 'short')), 'mac', 'age');
  const long = cutRow(JSON.stringify(row('', 0, 'x'.repeat(300_000))), 'mac', 'age');
  const writer = rowWriter();
  let chunks = 0;
  const text = written((put) => {
    for (let i = 0; i < 5000; i++) {
      const chunk = writer.add(i === 2500 ? long : short, mac, 0, i);
      if (chunk !== undefined) chunks++;
      put(chunk);
    }
    put(writer.end());
  });
  t.true(chunks > 3);
  const rows = JSON.parse(text) as { readonly age: number; readonly ifname: string }[];
  t.deepEqual(
    rows.map(({ age }) => age),
    Array.from({ length: 5000 }, (_, i) => i),
  );
  t.is(rows[2500]?.ifname.length, 300_000);
  t.is(writer.end(), undefined);
});
