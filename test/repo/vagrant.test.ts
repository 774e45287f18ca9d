/** Vagrant accepts the lab's description. `make test-lab` shows what it does. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Check, command, testRequiring } from '../helpers/requirements.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Vagrant: the machine's own, or unpacked by the set-up. */
const vagrant: Check = () =>
  existsSync(join(ROOT, '.vagrant/usr/bin/vagrant')) ? undefined : command('vagrant')();

function validate(folder: string, env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts/validate-lab.sh'), [folder], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, text: stdout + stderr };
}

const maybe = testRequiring(vagrant);

maybe('Vagrant finds nothing wrong with the lab, whatever is chosen', (t) => {
  for (const kernel of ['6.1', '6.12', 'newest']) {
    const nodes = kernel === '6.1' ? '3' : '2';
    const seen = validate('lab', { DPCTL_LAB_KERNEL: kernel, DPCTL_LAB_NODES: nodes });
    t.is(seen.status, 0, seen.text);
    t.regex(seen.text, new RegExp(`n${nodes}: [^]*validated successfully`));
  }
});

maybe('a kernel that the lab does not know is refused', (t) => {
  const { status, text } = validate('lab', { DPCTL_LAB_KERNEL: '2.4' });
  t.not(status, 0);
  t.regex(text, /DPCTL_LAB_KERNEL=2\.4: choose one of 6\.1, 6\.12, newest/);
});

maybe('Vagrant would find a misspelt setting, and a provisioner that is not there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), `dp${process.pid}-lab-`));
  try {
    cpSync(join(ROOT, 'lab'), folder, { recursive: true });
    const file = join(folder, 'Vagrantfile');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace('node.vm.hostname', 'node.vm.hostnam'));
    const misspelt = validate(folder);
    t.not(misspelt.status, 0);
    t.regex(misspelt.text, /shouldn't exist: hostnam\b/);
    writeFileSync(file, good);
    rmSync(join(folder, 'node.sh'));
    const missing = validate(folder);
    t.not(missing.status, 0);
    t.regex(missing.text, /`path` for shell provisioner does not exist.*node\.sh/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
