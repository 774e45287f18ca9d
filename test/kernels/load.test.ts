/** Each object of the datapath passes this kernel's verifier, and a broken one does not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadObject, openObject } from '../../loader/object/object.js';
import { hasFeature } from '../../loader/probe.js';
import { constantsOf, OBJECTS, type ObjectName, objectFile } from '../../src/datapath/objects.js';
import { refusal, withBpffs, withDirectory } from '../loader/helpers/machine.js';

const KERNEL_TYPES = '/sys/kernel/btf/vmlinux';

/** Load it as dpctl does, with all its programs. */
function load(file: string, name: string): readonly string[] {
  const constants = name in OBJECTS ? constantsOf(name as ObjectName) : {};
  return withBpffs((pinDir) =>
    withDirectory((logDir) => {
      const object = openObject(file, { constants, pinDir, logDir });
      try {
        loadObject(object);
        return [...object.programs.keys()].sort();
      } finally {
        object.close();
      }
    }),
  );
}

/** A replacement for the endpoint's object with an additional program. */
function brokenFile(name: string): string {
  return fileURLToPath(new URL(`./bpf/${name}.bpf.o`, import.meta.url));
}

const objects = dirname(objectFile());
for (const file of readdirSync(objects).filter((each) => each.endsWith('.bpf.o'))) {
  const object = basename(file, '.bpf.o');
  // The same programs for kernels that give them no access to kernel types.
  const name = object.replace(/-plain$/, '');
  const hasTwin = existsSync(join(objects, `${object}-plain.bpf.o`));
  if (hasTwin && !hasFeature('kernel_types')) continue;
  test.serial(`the kernel takes all programs of ${object}`, (t) => {
    const wanted = name in OBJECTS ? [...OBJECTS[name as ObjectName]] : [name];
    t.deepEqual(load(join(objects, file), name), wanted.sort());
  });
}

test.serial('an unbounded loop is rejected and named', (t) => {
  const error = refusal(() => load(brokenFile('unbounded'), 'endpoint'));
  t.is(error.code, 'VERIFIER');
  t.is(error.exitCode, 2);
  t.regex(error.message, /refused program unbounded/);
});

test.serial('a program too new for the kernel is rejected and named', (t) => {
  const file = brokenFile('too-new');
  t.true(existsSync(file));
  if (readFileSync(KERNEL_TYPES).includes('bpf_dynptr_from_skb')) {
    t.true(load(file, 'endpoint').includes('too_new'));
  } else {
    const error = refusal(() => load(file, 'endpoint'));
    t.is(error.exitCode, 2);
    t.regex(error.message, /bpf_dynptr_from_skb/);
  }
});
