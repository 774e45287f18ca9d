import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DpctlError, ERRNO, errnoName, kernelError } from '../errors.js';
import { advice, exec } from '../hint.js';

/** Lines of the verifier's log in the message: the reason and the registers just before it. */
const LAST_LINES = 12;

/**
 * The error for a failed bpf_object__load: the verifier's verdict if there is one, else the call,
 * the errno and libbpf's own words.
 * @param log what libbpf printed
 * @param logDir where the whole log goes; the temporary directory if not set
 */
export function loadError(
  path: string,
  errno: number,
  log: string,
  logDir: string | undefined,
): DpctlError {
  const rejected =
    /prog '([^']+)': -- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/.exec(log);
  const verdict = rejected?.[2]?.trimEnd();
  if (!verdict) return callError(`bpf_object__load ${path}`, errno, log);

  const program = rejected?.[1] ?? '';
  const file = saveLog(path, log, logDir);
  const tail = verdict.split('\n').slice(-LAST_LINES);
  const where = file ? `the whole log: ${file}` : 'the log could not be saved';
  return new DpctlError(
    'VERIFIER',
    `the kernel refused program ${program} of ${path} (${errnoName(errno)}); ${where}\n${tail.map((line) => `  ${line}`).join('\n')}`,
    {
      hint: advice`report it with the whole log and \`${exec`uname -r`}\``,
      details: { path, program, errno: errnoName(errno), log: file, lastLines: tail },
    },
  );
}

/** The error for a libbpf call on an object file, with libbpf's own words in the message. */
export function callError(call: string, errno: number, log: string): DpctlError {
  const words = log
    .split('\n')
    .map((line) => line.replace(/^libbpf: /, '').trim())
    .filter((line) => line !== '');
  const hint =
    errno === ERRNO.EPERM ? 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON' : '';
  const extra = hint ? { hint } : {};
  const error = kernelError(call, errno, { details: { libbpf: words }, ...extra });
  if (words.length === 0) return error;
  const text = words.slice(-LAST_LINES).map((line) => `\n  libbpf: ${line}`);
  return new DpctlError(error.code, `${error.message}${text.join('')}`, {
    details: error.details,
    ...extra,
  });
}

function saveLog(path: string, log: string, logDir = tmpdir()): string | undefined {
  const name = `dpctl-verifier-${basename(path).replace(/(\.bpf)?\.o$/, '')}-${randomBytes(4).toString('hex')}.log`;
  const file = join(logDir, name);
  try {
    // 'wx': root must not follow a link that a user left in the temporary directory.
    writeFileSync(file, log, { flag: 'wx', mode: 0o600 });
    return file;
  } catch {
    // A full disk must not hide the verdict.
    return undefined;
  }
}
